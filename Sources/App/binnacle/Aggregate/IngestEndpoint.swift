import HTTP
import Ingest
import Logging
import Runtime
import SeriesStore
import Serving

/// The port on which samples come in.
enum IngestEndpoint {
    /// Binds it on the loopback address: whoever reaches it may write.
    static func bind(
        _ store: SeriesStore, alerts: AlertService, port: Int, clock: any WallClock, registry: MetricRegistry, log: Logger
    ) async throws -> HTTPServer {
        var generator = SystemRandomNumberGenerator()
        let limits = IngestLimits()
        var router = HTTPRouter()
        IngestAPI(writer: store, clock: clock, metrics: registry, limits: limits, seed: generator.next()).register(on: &router)
        alerts.register(on: &router)
        router.on("GET", "/healthz") { _, _ in .text("ok") }
        var configuration = HTTPServer.Configuration(name: "ingest", host: "127.0.0.1", port: port)
        configuration.maximumBodyBytes = limits.bodyBytes
        return try await HTTPServer.bind(configuration, handler: router, metrics: registry, logger: log)
    }
}
