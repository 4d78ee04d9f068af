import JSON
import LogStore
import LogTail
import NodeStats
import Objects
import PromQL
import Reports
import SeriesStore
import Telemetry

// The wings do not know one another: here each one's neighbour is plugged in.

/// The Collector's samples into the series store.
struct StoredSamples: SampleSink {
    let store: SeriesStore
    let health: Health
    func append(_ frames: [SampleFrame]) async throws { try await health.watching(\.samples) { _ = try await store.append(frames) } }
}

/// The log tailer's lines into the log store.
struct StoredLines: LogSink {
    let archive: LogArchive
    let health: Health
    func append(_ batches: [LogBatch]) async throws { try await health.watching(\.logs) { try await archive.append(batches) } }
}

/// What a report reads: the query engine, the log store and the cluster's events.
struct StoredReportData: ReportData {
    let engine: Engine
    let archive: LogArchive
    let client: any ObjectClient

    func instant(_ query: String, at moment: Timestamp) async throws -> [(labels: Labels, value: Double)] {
        switch try await engine.instant(query, at: moment).value {
        case .vector(let samples): samples.map { ($0.labels, $0.value) }
        case .scalar(_, let value): [([:], value)]
        case .string, .matrix: []
        }
    }

    func range(_ query: String, from: Timestamp, through: Timestamp, step: Duration) async throws -> [SeriesSamples] {
        guard case .matrix(let series) = try await engine.range(query, from: from, through: through, step: step).value else { return [] }
        return series
    }

    func errorPatterns(from: Timestamp, through: Timestamp, namespace: String?) async throws -> [ErrorPattern] {
        let streams = namespace.map { [Matcher("namespace", equals: $0)] } ?? []
        let query = LogQuery(
            streams: streams, from: from.milliseconds * 1_000_000, through: through.milliseconds * 1_000_000, minimumSeverity: .error)
        return try await archive.patterns(query).patterns.map { pattern in
            ErrorPattern(
                pattern: pattern.template, count: pattern.count, first: Timestamp(milliseconds: pattern.firstSeen / 1_000_000),
                last: Timestamp(milliseconds: pattern.lastSeen / 1_000_000),
                pods: Set(pattern.streams.map { "\($0["namespace"])/\($0["pod"])" }).sorted(),
                example: String(decoding: pattern.sample.body.prefix(300), as: UTF8.self))
        }
    }

    func events(from: Timestamp, through: Timestamp, namespace: String?) async throws -> [Reports.ClusterEvent] {
        let list = try await client.list(.events, namespace: namespace, labelSelector: nil, fieldSelector: nil)
        return list.items.compactMap { event -> Reports.ClusterEvent? in
            let time = event["lastTimestamp"].string ?? event["eventTime"].string ?? event["metadata"]["creationTimestamp"].string ?? ""
            guard let last = CivilTime.parse(time)?.timestamp, last >= from, last <= through else { return nil }
            let object = event["involvedObject"]
            return Reports.ClusterEvent(
                last: last, isWarning: event["type"] == "Warning", reason: event["reason"].string ?? "",
                object: "\((object["kind"].string ?? "").lowercased())/\(object["name"].string ?? "")", namespace: object["namespace"].string ?? "",
                message: event["message"].string ?? "", count: event["count"].int ?? 1)
        }.sorted { $0.last > $1.last }
    }
}
