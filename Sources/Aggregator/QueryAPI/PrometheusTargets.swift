import HTTP
import JSON
import PromQL
import Telemetry

/// `/targets`, `/targets/metadata` and `/scrape_pools`.
extension PrometheusAPI {
    func registerTargets(on router: inout HTTPRouter) {
        on(&router, "GET", "targets") { request, _ async throws(QueryError) in try await targets(request) }
        on(&router, "GET", "targets/metadata") { request, _ async throws(QueryError) in try await targetMetadata(request) }
        on(&router, "GET", "scrape_pools") { _, _ async throws(QueryError) in
            let all = await providers.targets?.targets() ?? ScrapeTargets()
            let pools = Set(all.active.map(\.pool) + all.pools)
            return .success(["scrapePools": .array(pools.sorted().map { .string($0) })])
        }
    }

    private func targets(_ request: HTTPRequest) async throws(QueryError) -> Answer {
        let state = request.parameter("state") ?? "any"
        guard ["any", "active", "dropped", ""].contains(state) else {
            throw QueryError(.badData, "invalid parameter \"state\": \"\(state)\" is none of active, dropped, any")
        }
        let pool = request.parameter("scrapePool").flatMap { $0.isEmpty ? nil : $0 }
        let all = await providers.targets?.targets() ?? ScrapeTargets()
        let active = state == "dropped" ? [] : all.active.filter { pool == nil || $0.pool == pool }
        let dropped = state == "active" ? [] : all.dropped.filter { pool == nil || $0.pool == pool }
        var counts: [String: Int] = [:]
        for name in all.pools where pool == nil || pool == name { counts[name] = 0 }
        for target in all.active { counts[target.pool, default: 0] += 0 }
        for target in all.dropped { counts[target.pool, default: 0] += 1 }
        return .success([
            "activeTargets": .array(active.map(Self.document)),
            "droppedTargets": .array(dropped.map { ["discoveredLabels": Self.document($0.discoveredLabels), "scrapePool": .string($0.pool)] }),
            "droppedTargetCounts": .object(counts.sorted { $0.key < $1.key }.map { ($0.key, JSON($0.value)) }),
        ])
    }

    private static func document(_ target: ScrapeTargets.Active) -> JSON {
        [
            "discoveredLabels": document(target.discoveredLabels), "labels": document(target.labels), "scrapePool": .string(target.pool),
            "scrapeUrl": .string(target.url), "globalUrl": .string(target.globalURL), "lastError": .string(target.lastError),
            "lastScrape": .string(target.lastScrape.map { CivilTime($0).rfc3339(fractionDigits: 3) } ?? "0001-01-01T00:00:00Z"),
            "lastScrapeDuration": .number(target.lastScrapeDuration.inSeconds), "health": .string(target.health.rawValue),
            "scrapeInterval": .string(NumberText.duration(milliseconds: target.interval.wholeMilliseconds)),
            "scrapeTimeout": .string(NumberText.duration(milliseconds: target.timeout.wholeMilliseconds)),
        ]
    }

    static func document(_ labels: Labels) -> JSON { .object(labels.list.map { ($0.name, .string($0.value)) }) }

    private func targetMetadata(_ request: HTTPRequest) async throws(QueryError) -> Answer {
        let most = try limit(request)
        let metric = request.parameter("metric").flatMap { $0.isEmpty ? nil : $0 }
        var matchers: [Matcher] = []
        if let text = request.parameter("match_target"), !text.isEmpty {
            do throws(QueryError) {
                matchers = try Parser.parseSelector(text)
            } catch {
                throw QueryError(.badData, "invalid parameter \"match_target\": \(error.message)")
            }
        }
        var entries: [JSON] = []
        for target in await providers.targets?.targets().active ?? [] where matchers.allSatisfy({ $0.accepts(target.labels) }) {
            for entry in target.metadata where metric == nil || entry.name == metric {
                if most > 0, entries.count >= most { break }
                var document: [(String, JSON)] = [("target", Self.document(target.labels))]
                if metric == nil { document.append(("metric", .string(entry.name))) }
                document += [("type", .string(entry.type)), ("help", .string(entry.help)), ("unit", .string(entry.unit))]
                entries.append(.object(document))
            }
        }
        if entries.isEmpty, metric != nil || !matchers.isEmpty { throw QueryError(.notFound, "specified metadata not found") }
        return .success(.array(entries))
    }
}
