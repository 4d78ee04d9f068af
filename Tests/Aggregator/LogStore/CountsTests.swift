import LogQL
import Runtime
import Telemetry
import TestKit
import Testing

@testable import LogStore

/// Counts that were kept when lines were written say what the lines say.
@Suite struct CountsTests {
    private struct Row {
        var pod: Int
        var time: Int64
        var severity: LogRecord.Severity
        var body: [UInt8]
        var fields: Labels
    }
    private static let minute = 60 * second

    /// Times of which many are the first or the last nanosecond of a minute, some of another day; part of the rows stay in memory.
    private static func fill(_ archive: LogArchive, _ random: inout SeededGenerator) async throws -> [Row] {
        var rows: [Row] = []
        for round in 0..<6 {
            for pod in 0..<3 {
                var own: [Row] = []
                for _ in 0..<random.below(60) {
                    let near = march + Int64(random.below(12)) * minute - (random.below(9) == 0 ? 86_400 * second : 0)
                    let time = near + [0, 0, 1, -1, Int64(random.below(60_000_000_000))][random.below(5)]
                    own.append(
                        Row(
                            pod: pod, time: time, severity: [.info, .error, .unknown][random.below(3)],
                            body: Array(String(repeating: "x", count: random.below(9)).utf8),
                            fields: random.below(20) == 0 ? ["user\(pod)": "u"] : Labels()))
                }
                rows += own
                let records = own.map { LogRecord(time: $0.time, severity: $0.severity, body: $0.body, fields: $0.fields) }
                try await archive.append([LogBatch(stream: stream("p\(pod)"), records: records, origin: nil)])
            }
            if round < 4 { try await archive.flush() }
        }
        return rows
    }

    @Test(arguments: 0..<12 as Range<UInt64>) func `counts of a range are those of its rows, wherever it begins and ends`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed + 4000)
        let directory = TemporaryDirectory("counts")
        var options = options(directory)
        options.chunkBytes = 200
        let archive = try LogArchive(options, metrics: MetricRegistry())
        let rows = try await Self.fill(archive, &random)
        for _ in 0..<30 {
            let ends = (0..<2).map { _ in march + Int64(random.below(12)) * Self.minute + [0, 1, 1, -1, 17_000_000_000][random.below(5)] }.sorted()
            let range = (random.below(4) == 0 ? ends[0] - 86_400 * second : ends[0])..<ends[1]
            var selection = LogSelection(random.below(2) == 0 ? [] : [try Matcher("pod", .matches, "p[01]")], in: range)
            if random.below(3) == 0 { selection.minimumSeverity = .error }
            let counts = try #require(try await archive.counts(selection))
            var wanted: [String: [Int64]] = [:]
            for row in rows
            where range.contains(row.time) && row.severity >= selection.minimumSeverity && selection.matchers.allSatisfy({ $0.accepts(stream("p\(row.pod)")) })
            {
                let key = "p\(row.pod) \(floorDivide(row.time, Self.minute)) \(row.severity)"
                let (bytes, atStart) = (Int64(row.body.count), row.time % Self.minute == 0 ? Int64(1) : 0)
                for (index, value) in [1, bytes, atStart, atStart * bytes].enumerated() { wanted[key, default: [0, 0, 0, 0]][index] += value }
            }
            var got: [String: [Int64]] = [:]
            for entry in counts.entries {
                let key = "\(counts.streams[Int(entry.stream)]["pod"]) \(entry.minute) \(entry.severity)"
                #expect(got[key] == nil, "\(key) is there twice")
                got[key] = [entry.lines, entry.bytes, entry.linesAtStart, entry.bytesAtStart]
            }
            #expect(got == wanted, "seed \(seed), \(range)")
        }
        let counts = try #require(try await archive.counts(LogSelection([], in: 0..<(.max))))
        #expect(counts.fieldNames == Set(rows.flatMap { $0.fields.list.map(\.name) }))
        try await archive.close()
    }

    @Test(
        arguments: [
            "sum(count_over_time({}[1m]))", "sum by (pod, detected_level) (rate({}[2m]))", "sum(bytes_over_time({}[3m] offset 1m))",
            "sum by (app) (count_over_time({}[1m]))", "absent_over_time({}[1m])",
        ], 0..<6 as Range<UInt64>)
    func `windows filled from counts are those filled from lines`(query: String, seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed + 5000)
        let directory = TemporaryDirectory("windows")
        let archive = try LogArchive(options(directory), metrics: MetricRegistry())
        _ = try await Self.fill(archive, &random)
        guard case .metric(let metric) = try LogExpression.parse(query) else { return }
        let steps = LogSteps(from: march, through: march + 12 * Self.minute, step: Self.minute)
        var options = LogEngine.Options()
        let counted = try await LogEngine(archive, options: options).metric(metric, steps)
        options.usesCounts = false
        let plain = try await LogEngine(archive, options: options).metric(metric, steps)
        #expect(counted.isFromCounts && !plain.isFromCounts)
        guard case .vector(let left) = counted.value, case .vector(let right) = plain.value else { return }
        #expect(left.map(\.labels) == right.map(\.labels))
        #expect(left.map { $0.values.map(\.bitPattern) } == right.map { $0.values.map(\.bitPattern) }, "seed \(seed)")
        try await archive.close()
    }
}
