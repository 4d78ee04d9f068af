import HTTP
import PromQL
import QueryAPI
import Runtime
import Scraping
import SeriesStore
import Telemetry

/// Prometheus' API over this process: its store, its scraper and its settings.
enum StoreQueries {
    static func api(
        _ store: SeriesStore, _ scraper: Scraper, _ alerts: AlertService, _ settings: Settings, _ directory: DataDirectory, _ registry: MetricRegistry
    ) -> PrometheusAPI {
        var providers = alerts.providers
        providers.targets = ScrapedTargets(scraper: scraper)
        providers.exemplars = StoredExemplars(store: store)
        providers.status = StoreStatus(store: store, settings: settings)
        // Nothing is written by the query port unless a person said so.
        if settings.store.enableAdminAPI { providers.admin = StoreAdministration(store: store, snapshots: "\(directory.path)/snapshots") }
        return PrometheusAPI(
            source: store, clock: SystemClock(), options: options(settings), metrics: registry, providers: providers,
            metadata: {
                let known = (try? await store.metadata()) ?? []
                return known.map { .init(name: $0.metric, type: $0.type, help: $0.help, unit: $0.unit) }
            })
    }

    static func options(_ settings: Settings) -> PrometheusAPI.Options {
        var options = PrometheusAPI.Options()
        options.timeout = settings.store.queryTimeout
        options.allowedOrigin = settings.store.queryAllowedOrigin
        options.engine.maximumMemoryBytes = settings.store.queryMaxMemory
        options.engine.maximumSamples = settings.store.queryMaxSamples
        return options
    }
}

struct StoredExemplars: ExemplarsProvider {
    let store: SeriesStore

    func exemplars(_ matchers: [[Matcher]], from: Timestamp, through: Timestamp) async throws -> [ExemplarSeries] {
        var found: [Labels: [ExemplarSeries.Exemplar]] = [:]
        for set in matchers {
            for (labels, exemplars) in try await store.exemplars(matchers: set, from: from, through: through) {
                found[labels] = exemplars.map { .init(labels: $0.labels, value: $0.value, timestamp: Timestamp(milliseconds: $0.timestamp)) }
            }
        }
        return found.sorted { $0.key < $1.key }.map { ExemplarSeries(labels: $0.key, exemplars: $0.value) }
    }
}

/// Deletes and snapshots by Prometheus' paths.
struct StoreAdministration: StorageAdmin {
    let store: SeriesStore
    let snapshots: String

    func deleteSeries(_ matchers: [[Matcher]], from: Timestamp, through: Timestamp) async throws {
        for set in matchers { try await store.delete(matchers: set, from: from, through: through) }
    }

    /// Deleting leaves no tombstones here; what it left unused is given back.
    func cleanTombstones() async throws { try await store.compact() }

    /// The log is copied with the rest: a snapshot without what is newest would be no smaller.
    func snapshot(skippingHead: Bool) async throws -> String {
        let now = SystemClock().now
        let stamp = CivilTime(now).rfc3339().filter { $0.isLetter || $0.isNumber }
        let name = "\(stamp)-\(String(now.milliseconds, radix: 16))"
        _ = try await Backup.make(at: "\(snapshots)/\(name)") { try await store.snapshot(to: $0) }
        return name
    }
}

struct StoreStatus: StatusProvider {
    let store: SeriesStore
    let settings: Settings

    func configuration() async -> String { SettingKey.yaml(settings) }

    func flags() async -> [String: String] {
        var flags: [String: String] = [:]
        for key in SettingKey.all { flags[key.name] = key.read(settings) }
        return flags
    }

    func retention() async -> String {
        let time = SettingKey.durationText(settings.store.retention)
        return settings.store.retentionBytes.map { "\(time) or \(ByteSize.text($0))" } ?? time
    }

    func head() async -> (chunks: Int, from: Timestamp, through: Timestamp)? { nil }

    func cardinality(from: Timestamp, through: Timestamp, limit: Int) async -> CardinalityStats? {
        await store.cardinality(from: from, through: through, limit: limit)
    }
}

struct ScrapedTargets: TargetsProvider {
    let scraper: Scraper

    func targets() async -> ScrapeTargets {
        var targets = ScrapeTargets()
        targets.pools = await scraper.pools
        var metadata: [Labels: [PrometheusAPI.MetricMetadata]] = [:]
        for entry in await scraper.metadata {
            let known = entry.metadata
            metadata[entry.target, default: []].append(.init(name: known.metric, type: known.type, help: known.help, unit: known.unit))
        }
        targets.active = await scraper.targets.map { status in
            var active = ScrapeTargets.Active(labels: status.target.labels, pool: status.pool, url: status.target.url)
            active.discoveredLabels = status.target.discovered
            active.lastError = status.lastError
            active.lastScrape = status.lastScrape
            active.lastScrapeDuration = status.lastDuration
            active.health = ScrapeTargets.Health(rawValue: status.health.rawValue) ?? .unknown
            active.interval = status.target.interval
            active.timeout = status.target.timeout
            active.metadata = metadata[status.target.labels] ?? []
            return active
        }
        targets.dropped = await scraper.droppedTargets.map { .init(discoveredLabels: $0.discovered, pool: $0.pool) }
        return targets
    }
}
