import HTTP
import JSON
import Logging
import Runtime
import Scraping
import SeriesStore
import Telemetry

/// The scraper of this process, from the file that the person names and, in a cluster, the annotations' convention.
enum Scrapes {
    static func make(
        file: String?, cluster: (any AnnotatedSource)?, store: SeriesStore, registry: MetricRegistry, log: Logger
    ) throws -> Scraper {
        var configurations: [ScrapeConfiguration] = []
        if let file {
            do {
                let read = try ScrapeFile(try HostFileSystem().read(file), file: file)
                for section in read.ignored { Output.error("warning: \(file): \(section) is not read here") }
                configurations = read.configurations
            } catch {
                throw CommandFailure(message: "\(error)", hint: "docs/how-to/scraping.md has what the file may hold", exitCode: 2)
            }
        }
        if cluster != nil {
            for role in ScrapeConfiguration.Role.allCases {
                let annotated = try ScrapeConfiguration.annotated(role)
                // A file that has a job of this name replaces it.
                if !configurations.contains(where: { $0.jobName == annotated.jobName }) { configurations.append(annotated) }
            }
        }
        var generator = SystemRandomNumberGenerator()
        return Scraper(
            configurations, transport: NetworkScrapes(), sink: StoredScrapes(store: store), cluster: cluster, metrics: registry,
            seed: generator.next(), report: { log.warning("\($0)") })
    }
}

/// What is scraped, as Prometheus' API and pages of Grafana ask for it: `/api/v1/targets`, `/targets/metadata`, `/scrape_pools`.
struct TargetsAPI: Sendable {
    let scraper: Scraper

    func register(on router: inout HTTPRouter) {
        router.on("GET", "/api/v1/targets") { request, _ in await targets(request) }
        router.on("GET", "/api/v1/targets/metadata") { request, _ in await metadata(request) }
        router.on("GET", "/api/v1/scrape_pools") { _, _ in
            let pools = await scraper.pools.map { JSON.string($0) }
            return success(["scrapePools": .array(pools)])
        }
    }

    private func success(_ data: JSON) -> HTTPResponse { .json(["status": "success", "data": data]) }

    private func targets(_ request: HTTPRequest) async -> HTTPResponse {
        let state = request.parameter("state") ?? "any"
        guard ["active", "dropped", "any"].contains(state) else {
            return .json(["status": "error", "errorType": "bad_data", "error": "state is none of active, dropped, any"], status: 400)
        }
        let pool = request.parameter("scrapePool")
        var active: [JSON] = []
        var dropped: [JSON] = []
        var counts: [(String, JSON)] = []
        if state != "dropped" { active = await scraper.targets.filter { pool == nil || $0.pool == pool }.map(TargetsAPI.json) }
        let all = await scraper.droppedTargets
        for name in await scraper.pools where pool == nil || name == pool { counts.append((name, JSON(all.count { $0.pool == name }))) }
        if state != "active" {
            dropped = all.filter { pool == nil || $0.pool == pool }.map {
                ["discoveredLabels": .strings($0.discovered.dictionary), "scrapePool": .string($0.pool)]
            }
        }
        return success(["activeTargets": .array(active), "droppedTargets": .array(dropped), "droppedTargetCounts": .object(counts)])
    }

    private static func json(_ status: TargetStatus) -> JSON {
        let time = status.lastScrape.map { CivilTime($0).rfc3339(fractionDigits: 3) } ?? "0001-01-01T00:00:00Z"
        return [
            "discoveredLabels": .strings(status.target.discovered.dictionary), "labels": .strings(status.target.labels.dictionary),
            "scrapePool": .string(status.pool), "scrapeUrl": .string(status.target.url), "globalUrl": .string(status.target.url),
            "lastError": .string(status.lastError), "lastScrape": .string(time), "lastScrapeDuration": .number(status.lastDuration.inSeconds),
            "health": .string(status.health.rawValue), "scrapeInterval": .string(status.target.discovered["__scrape_interval__"]),
            "scrapeTimeout": .string(status.target.discovered["__scrape_timeout__"]),
        ]
    }

    private func metadata(_ request: HTTPRequest) async -> HTTPResponse {
        let metric = request.parameter("metric") ?? ""
        let limit = request.parameter("limit").flatMap { Int($0) } ?? -1
        var rows: [JSON] = []
        for entry in await scraper.metadata where metric.isEmpty || entry.metadata.metric == metric {
            if limit >= 0, rows.count >= limit { break }
            let metadata = entry.metadata
            var row: JSON = [
                "target": .strings(entry.target.dictionary), "type": .string(metadata.type), "help": .string(metadata.help), "unit": .string(metadata.unit),
            ]
            if metric.isEmpty { row["metric"] = .string(metadata.metric) }
            rows.append(row)
        }
        return success(.array(rows))
    }
}
