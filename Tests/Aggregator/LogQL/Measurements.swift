import Glibc
import Telemetry
import Testing

@testable import LogQL

/// Figures for commits: `BINNACLE_MEASURE=1 swift test -c release -Xswiftc -enable-testing --filter LogQLTests.Measurements`.
@Suite(.enabled(if: unsafe getenv("BINNACLE_MEASURE") != nil), .serialized) struct Measurements {
    /// Batches that are ready, folded on one thread, so that the pipeline alone is measured.
    struct ReadySource: LogSource {
        var batches: [LogRows]
        var lines: Int

        func page(_ selection: LogSelection, direction: LogDirection, after cursor: LogCursor?, limit: Int) async throws -> LogPage {
            LogPage(rows: batches[0], next: nil, statistics: LogStatistics())
        }
        func scan<Partial: Sendable>(
            _ selection: LogSelection, into initial: @escaping @Sendable () -> Partial, _ fold: @escaping @Sendable (inout Partial, LogRows) throws -> Void
        ) async throws -> (partials: [Partial], statistics: LogStatistics) {
            var partial = initial()
            for batch in batches { try fold(&partial, batch) }
            return ([partial], LogStatistics())
        }
        func counts(_ selection: LogSelection) async throws -> LogCounts? { nil }
        func streams(_ matchers: [Matcher], in range: Range<Int64>) async throws -> [Labels] { [] }
    }

    static func source(_ make: (Int) -> String) -> (ReadySource, bytes: Int) {
        var batches: [LogRows] = []
        var bytes = 0
        for batch in 0..<60 {
            var text = LogText(bytes: [], starts: [], ends: [])
            let numbers = (batch * 5000)..<((batch + 1) * 5000)
            for number in numbers {
                text.starts.append(text.bytes.count)
                text.bytes += Array(make(number).utf8)
                text.ends.append(text.bytes.count)
            }
            bytes += text.bytes.count
            let fixed = text
            batches.append(
                LogRows(
                    streams: (0..<10).map { ["namespace": "shop", "pod": "web-\($0)", "container": "app", "node": "n1"] },
                    stream: numbers.map { Int32($0 % 10) },
                    times: numbers.map { Int64($0) * 1_000_000 }, sequences: numbers.map { Int64($0) },
                    severities: numbers.map { $0 % 9 == 0 ? .error : .info }, text: { fixed }))
        }
        return (ReadySource(batches: batches, lines: 300_000), bytes)
    }

    static func json(_ number: Int) -> String {
        #"{"time":"2026-11-24T08:48:41.123Z","level":"info","msg":"request done","method":"GET","path":"/api/v1/items/\#(number % 977)","status":\#(200 + number % 5 * 100),"took_ms":\#(number % 311),"trace_id":"4bf92f3577b34da6a3ce929d0e0e\#(number)","user":{"id":\#(number % 1000),"name":"ann"}}"#
    }
    static func logfmt(_ number: Int) -> String {
        "ts=2026-11-24T08:48:41.123Z level=info msg=\"request done\" method=GET path=/api/v1/items/\(number % 977) status=\(200 + number % 5 * 100) took=\(number % 311)ms trace=4bf92f3577b34da6a3ce929d0e0e\(number)"
    }

    @Test(arguments: [
        ("json", "sum(count_over_time({}[5m]))"), ("json", "sum by (detected_level) (count_over_time({}[5m]))"),
        ("json", "sum by (status) (count_over_time({} | json | status>=400 [5m]))"),
        ("json", "sum(count_over_time({} | json | trace_id=\"x\" [5m]))"), ("json", "avg_over_time({} | json | unwrap took_ms [5m]) by (pod)"),
        ("json", "sum by (status) (count_over_time({} | json status=\"status\" [5m]))"),
        ("json", "sum(count_over_time({} | json | line_format \"{{.path}} {{.status}}\" |= \"977\" [5m]))"),
        ("logfmt", "sum by (status) (count_over_time({} | logfmt | status>=400 [5m]))"),
        ("logfmt", "sum by (m) (count_over_time({} | regexp `method=(?P<m>[A-Z]+)` [5m]))"),
        ("logfmt", "sum by (m) (count_over_time({} | pattern `<_> method=<m> <_>` [5m]))"),
        ("logfmt", "sum(count_over_time({} | decolorize |~ `status=5\\d\\d` [5m]))"),
    ]) func `lines a second`(form: String, query: String) async throws {
        let (source, bytes) = Measurements.source(form == "json" ? Measurements.json : Measurements.logfmt)
        guard case .metric(let metric) = try LogExpression.parse(query) else { return }
        var best = Duration.seconds(1000)
        for _ in 0..<3 {
            let start = clock()
            _ = try await LogEngine(source).metric(metric, LogSteps(at: 300 * second))
            best = min(best, .microseconds(Int64(clock() - start)))
        }
        let seconds = Double(best.components.attoseconds) * 1e-18 + Double(best.components.seconds)
        print("figure: \(form): \(query): \(Int(Double(source.lines) / seconds / 1000))k lines/s, \(Int(Double(bytes) / 1e6 / seconds)) MB/s of CPU")
    }
}
