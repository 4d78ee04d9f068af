import HTTP
import Ingest
import Logging
import Runtime
import SeriesStore
import Serving

/// The port on which samples and log lines come in, and where those are searched who know one address only.
enum IngestEndpoint {
    /// Binds it on the loopback address: whoever reaches it may write. What looks after the store needs the token in the data directory.
    static func bind(
        _ store: SeriesStore, logs: LogIntake, searches: LogSearches, _ directory: DataDirectory, alerts: AlertService, scrapes: Scrapes, port: Int,
        clock: any WallClock, registry: MetricRegistry, log: Logger
    ) async throws -> HTTPServer {
        var generator = SystemRandomNumberGenerator()
        let limits = IngestLimits()
        var router = HTTPRouter()
        IngestAPI(writer: store, clock: clock, metrics: registry, limits: limits, seed: generator.next()).register(on: &router)
        let access = AdminAccess.make(port: port)
        let logIngest = LogIngestAPI(logs)
        // The searches first: of an index the store knows more than what came in.
        searches.register(besideIngest: &router, logIngest, access)
        logIngest.register(on: &router)
        StoreAdminAPI(store: store, access: access).register(on: &router)
        alerts.register(on: &router) { await scrapes.reload() }
        router.on("GET", "/healthz") { _, _ in .text("ok") }
        var configuration = HTTPServer.Configuration(name: "ingest", host: "127.0.0.1", port: port)
        configuration.maximumBodyBytes = max(limits.bodyBytes, LogIngestLimits().bodyBytes)
        let server = try await HTTPServer.bind(configuration, handler: router, metrics: registry, logger: log)
        try access.write(to: directory.path)
        return server
    }
}
