import Alerting
import HTTP
import Logging
import PromQL
import QueryAPI
import Runtime
import SeriesStore
import ServiceLifecycle
import Telemetry
import UnixSignals

/// The rules of this process: evaluated over the store, told to whom the policy says, read anew when their files change.
actor AlertService {
    /// How often the files are looked at.
    static let watchInterval = Duration.seconds(30)

    nonisolated let manager: RuleRunner
    nonisolated let dispatcher: AlertDispatcher
    private let sources: AlertSources
    /// Where people find this server, unless the policy says so.
    private let address: String
    private let clock: any WallClock
    private let log: Logger
    /// Of the files when they were last read, whether or not they were right.
    private var stamps: [String: FileStatus]
    private let succeeded, succeededAt: Gauge

    /// Reads the files at the program's start, when an error is still the person's to mend.
    static func read(_ sources: AlertSources) throws -> AlertSources.Loaded {
        let loaded = sources.load(from: HostFileSystem())
        guard loaded.errors.isEmpty else {
            throw CommandFailure(
                message: loaded.errors.map(\.description).joined(separator: "\nerror: "), hint: "docs/how-to/alerts.md has what the files may hold",
                exitCode: 2)
        }
        return loaded
    }

    init(
        _ sources: AlertSources, _ loaded: AlertSources.Loaded, store: SeriesStore, address: String, clock: any WallClock, registry: MetricRegistry, log: Logger
    )
        async
    {
        self.sources = sources
        self.address = address
        self.clock = clock
        self.log = log
        stamps = sources.stamps(in: HostFileSystem())
        succeeded = registry.gauge("binnacle_rules_last_reload_successful", "1 if the rule files and the policy were right when last read.")
        succeededAt = registry.gauge("binnacle_rules_last_reload_success_timestamp_seconds", "When they were last right, in Unix seconds.")
        dispatcher = AlertDispatcher(
            policy: NotificationPolicy(), poster: NetworkAlertPoster(), messenger: AlertMessages(clock: clock), clock: clock, metrics: registry, logger: log)
        manager = RuleRunner(
            querier: EngineQuerier(engine: Engine(source: store)), sink: StoredRuleSamples(store: store), receiver: dispatcher, clock: clock,
            metrics: registry, logger: log)
        await take(loaded)
    }

    /// Its lives, to be behind the store's.
    nonisolated var parts: [any Service] {
        [
            Part(name: "alert dispatcher", body: { await self.dispatcher.run() }),
            Part(name: "rules", body: { await self.manager.run() }),
            Part(name: "rule files", body: { try await self.watch() }),
            Part(name: "reload signal", body: { await self.obeySignals() }),
        ]
    }

    /// Reads the files anew. With errors what was in force stays so.
    @discardableResult
    func reload() async -> AlertSources.Loaded {
        stamps = sources.stamps(in: HostFileSystem())
        let loaded = sources.load(from: HostFileSystem())
        guard loaded.errors.isEmpty else {
            succeeded.value = 0
            for error in loaded.errors { log.error("rules were not reloaded", metadata: ["error": "\(error)"]) }
            return loaded
        }
        await take(loaded)
        log.notice("rules were reloaded", metadata: ["rules": "\(loaded.ruleCount)", "files": "\(loaded.rules.count)"])
        return loaded
    }

    private func take(_ loaded: AlertSources.Loaded) async {
        var policy = loaded.policy
        if policy.externalURL.isEmpty { policy.externalURL = address }
        await dispatcher.load(policy)
        await dispatcher.setQueries(loaded.queries)
        await manager.load(loaded.rules, template: AlertTemplate(externalLabels: policy.externalLabels, externalURL: policy.externalURL))
        succeeded.value = 1
        succeededAt.value = clock.now.seconds
    }

    private func watch() async throws {
        while !Task.isCancelled {
            try await Task.sleep(for: Self.watchInterval)
            if sources.stamps(in: HostFileSystem()) != stamps { await reload() }
        }
    }

    private func obeySignals() async {
        for await _ in await UnixSignalsSequence(trapping: .sighup) { await reload() }
    }

    /// `POST /-/reload`, for the port that only this machine reaches: reading files anew is no query.
    ///
    /// - Parameter also: reloads what else has files; returns what is wrong with them.
    nonisolated func register(on router: inout HTTPRouter, also: @escaping @Sendable () async -> String?) {
        router.on("POST PUT", "/-/reload") { _, _ in
            let problem = await also()
            let loaded = await self.reload()
            if let problem { return .text("the scrapes that were in force stay so; mend this and reload again:\n\(problem)\n", status: 500) }
            guard loaded.errors.isEmpty else {
                let text = loaded.errors.map { "\($0)\n" }.joined()
                return .text("the rules that were in force stay so; mend these and reload again:\n\(text)", status: 500)
            }
            return .text("\(loaded.ruleCount) rules from \(loaded.rules.count) files\n")
        }
    }
}
