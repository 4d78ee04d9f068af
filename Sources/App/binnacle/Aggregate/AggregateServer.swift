import Alerting
import HTTP
import Ingest
import LogStore
import Logging
import PromQL
import QueryAPI
import Runtime
import Scraping
import SeriesStore
import ServiceLifecycle
import Serving
import Telemetry

/// The Aggregator alone: stores of metrics and logs, their ways in on 10251, queries on 10255, and scraping.
struct AggregateServer {
    let directory: DataDirectory
    let queryPort: Int
    let ingestPort: Int
    let parts: [any Service]
    let log: Logger

    static func make(_ settings: Settings) async throws -> AggregateServer {
        let rules = try AlertService.read(settings.alertSources)
        let directory = try DataDirectory.open(settings.dataDir)
        let registry = MetricRegistry()
        let log = Logger(label: "binnacle")
        registry.gauge("binnacle_build_info", "What this is.", ["version": Binnacle.version]).value = 1
        registry.gauge("process_start_time_seconds", "When this process started, in Unix seconds.").value = SystemClock().now.seconds
        let store = try open(directory, settings, registry)
        let archive = try open(logs: directory, settings, registry)
        let clock = SystemClock()
        let scrapes = try Scrapes(file: settings.scrapeConfig, cluster: nil, store: store, clock: clock, registry: registry, log: log)

        let alerts = await AlertService(
            settings.alertSources, rules, store: store, address: "http://\(settings.nodeName):\(settings.readOnlyPort)", clock: clock,
            registry: registry, log: log)

        var router = HTTPRouter()
        StoreQueries.api(store, scrapes.scraper, alerts, settings, directory, registry).register(on: &router)
        ExportAPI(store: store, clock: clock, selector: { try Parser.parseSelector($0) }).register(on: &router)
        let searches = LogSearches(archive, settings, clock: clock, registry: registry)
        searches.register(on: &router)
        router.on("GET", "/healthz") { _, _ in .text("ok") }
        router.on("GET", "/metrics") { _, _ in
            HTTPResponse(fields: ["Content-Type": "text/plain; version=0.0.4; charset=utf-8"], body: .bytes(ExpositionText.print(registry)))
        }
        let queries = try await HTTPServer.bind(
            .init(name: "read-only endpoint", host: settings.bindAddress, port: settings.readOnlyPort), handler: router,
            metrics: registry, logger: log)
        let intake = LogIntake(writer: ArchivedLogs(archive: archive), clock: clock, metrics: registry)
        let listeners = try await LogListeners.bind(settings, intake: intake, registry: registry, log: log)
        let ingest = try await IngestEndpoint.bind(
            store, logs: intake, searches: searches, directory, alerts: alerts, scrapes: scrapes, port: settings.ingestPort, clock: clock,
            registry: registry, log: log)
        // The store first, so that it stops last.
        let parts: [any Service] =
            [
                Part(name: "series store", body: { try await maintain(store) }, onStop: { await store.close() }),
                Part(name: "log store", body: { await archive.run() }, onStop: { try? await archive.close() }),
                queries, ingest,
                Part(
                    name: "own metrics",
                    body: { try await OwnMetrics(registry: registry, instance: settings.nodeName, store: store).run() }),
            ] + scrapes.parts + alerts.parts + listeners
        return AggregateServer(directory: directory, queryPort: queries.port, ingestPort: ingest.port, parts: parts, log: log)
    }

    private static func open(_ directory: DataDirectory, _ settings: Settings, _ registry: MetricRegistry) throws -> SeriesStore {
        do {
            let store = try SeriesStore.open(directory: directory.series, configuration: settings.store.configuration, metrics: registry)
            for warning in store.openWarnings { Output.error("warning: metrics: \(warning)") }
            return store
        } catch {
            throw CommandFailure(message: "\(error)", hint: "nothing was changed; see docs/how-to/data-directory.md for how to go on")
        }
    }

    private static func open(logs directory: DataDirectory, _ settings: Settings, _ registry: MetricRegistry) throws -> LogArchive {
        do {
            return try Stores.openLogs(directory, settings, registry)
        } catch {
            throw CommandFailure(message: "\(error)", hint: "nothing was changed; see docs/how-to/data-directory.md for how to go on")
        }
    }

    private static func maintain(_ store: SeriesStore) async throws {
        while !Task.isCancelled {
            try await Task.sleep(for: .seconds(10))
            // A failure is counted by the store, and tried again.
            try? await store.maintain()
        }
    }

    /// Runs until the program is told to stop.
    func run(_ greeting: @escaping @Sendable () throws -> Void) async throws {
        let hello = Part(name: "greeting", body: { try greeting() })
        let group = ServiceGroup(configuration: .init(services: (parts + [hello]).map { .init(service: $0) }, logger: log))
        let signals = Task {
            for await name in TerminationSignal.stream() {
                Output.error("\(name): writing down what is in memory, then stopping")
                await group.triggerGracefulShutdown()
            }
        }
        defer { signals.cancel() }
        try await group.run()
    }
}
