import HTTP
import JSON
import PromQL
import Runtime
import SeriesStore
import Telemetry

/// What clients ask of a Prometheus besides queries.
extension PrometheusAPI {
    func registerStatus(on router: inout HTTPRouter) {
        on(&router, "GET", "notifications") { _, _ async throws(QueryError) in .success([]) }
        on(&router, "GET", "status/config") { _, _ async throws(QueryError) in
            .success(["yaml": .string(await providers.status?.configuration() ?? "")])
        }
        // Whoever asks can be answered only after all is replayed.
        on(&router, "GET", "status/walreplay") { _, _ async throws(QueryError) in .success(["min": 0, "max": 0, "current": 0, "state": "done"]) }
        on(&router, "GET", "status/tsdb/blocks") { _, _ async throws(QueryError) in .success(["blocks": []]) }

        let version = options.prometheusVersion
        // No key "features": Grafana would take the server for Mimir.
        on(&router, "GET", "status/buildinfo") { _, _ async throws(QueryError) in
            .success(["version": .string(version), "revision": "binnacle", "branch": "", "buildUser": "", "buildDate": "", "goVersion": ""])
        }
        let flags: [String: String] = [
            "query.lookback-delta": NumberText.duration(milliseconds: options.engine.lookback.wholeMilliseconds),
            "query.max-concurrency": "\(options.concurrency)", "query.max-samples": "\(options.engine.maximumSamples)",
            "query.timeout": NumberText.duration(milliseconds: options.timeout.wholeMilliseconds),
            "query.max-memory": "\(options.engine.maximumMemoryBytes)", "web.enable-admin-api": "\(providers.admin != nil)",
        ]
        on(&router, "GET", "status/flags") { _, _ async throws(QueryError) in
            let all = flags.merging(await providers.status?.flags() ?? [:]) { $1 }
            return .success(.object(all.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
        }
        on(&router, "GET", "status/runtimeinfo") { _, _ async throws(QueryError) in
            .success([
                "startTime": .string(CivilTime(started).rfc3339()), "serverTime": .string(CivilTime(clock.now).rfc3339(fractionDigits: 3)),
                "CWD": "", "reloadConfigSuccess": true, "lastConfigTime": .string(CivilTime(started).rfc3339()), "corruptionCount": 0,
                "goroutineCount": 0, "GOMAXPROCS": 0, "GOMEMLIMIT": 0, "GOGC": "", "GODEBUG": "",
                "storageRetention": .string(await providers.status?.retention() ?? ""),
            ])
        }
        on(&router, "GET", "status/tsdb") { request, _ async throws(QueryError) in try await cardinality(request) }
    }

    /// How many series of the last hour there are, and which names and labels make most of them.
    private func cardinality(_ request: HTTPRequest) async throws(QueryError) -> Answer {
        let wanted = try limit(request)
        guard wanted <= 10_000 else { throw QueryError(.badData, "invalid parameter \"limit\": it may be at most 10000") }
        let top = wanted == 0 ? 10 : wanted
        let now = clock.now
        let from = now - .seconds(3600)
        let known = await providers.status?.cardinality(from: from, through: now, limit: top)
        let stats = if let known { known } else { try await counted(from: from, through: now, limit: top) }
        let head = await providers.status?.head() ?? (chunks: 0, from: from, through: now)
        func document(_ counts: [CardinalityStats.Count]) -> JSON { .array(counts.map { ["name": .string($0.name), "value": JSON($0.count)] }) }
        return .success([
            "headStats": [
                "numSeries": JSON(stats.series), "numLabelPairs": JSON(stats.labelPairs), "chunkCount": JSON(head.chunks),
                "minTime": JSON(Int(head.from.milliseconds)), "maxTime": JSON(Int(head.through.milliseconds)),
            ],
            "seriesCountByMetricName": document(stats.seriesByMetric), "labelValueCountByLabelName": document(stats.valuesByLabel),
            "memoryInBytesByLabelName": document(stats.bytesByLabel), "seriesCountByLabelValuePair": document(stats.seriesByPair),
        ])
    }

    /// From the labels of all series: for a source that keeps no count of its own.
    private func counted(from: Timestamp, through: Timestamp, limit: Int) async throws(QueryError) -> CardinalityStats {
        let series = try await reading { () async throws in try await source.series(matchers: [], from: from, through: through) }
        var names: [String: Int] = [:]
        var pairs: [String: Int] = [:]
        var values: [String: Set<String>] = [:]
        for labels in series {
            names[labels.name, default: 0] += 1
            for label in labels.list {
                pairs["\(label.name)=\(label.value)", default: 0] += 1
                values[label.name, default: []].insert(label.value)
            }
        }
        func top(_ counts: [String: Int]) -> [CardinalityStats.Count] {
            let sorted = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            return sorted.prefix(limit).map { CardinalityStats.Count(name: $0.key, count: $0.value) }
        }
        var stats = CardinalityStats()
        stats.series = series.count
        stats.labelPairs = pairs.count
        stats.seriesByMetric = top(names)
        stats.valuesByLabel = top(values.mapValues(\.count))
        stats.bytesByLabel = top(values.mapValues { $0.reduce(0) { $0 + $1.utf8.count } })
        stats.seriesByPair = top(pairs)
        return stats
    }
}
