import LogParsing
import Pattern
import Telemetry
import Testing

@testable import LogTail

@Suite struct PipelineTests {
    /// Feeds numbered CRI lines, one each second of the clock.
    private func run(_ lines: [String], stream: String = "stdout", _ options: StreamOptions) -> (pipeline: RunPipeline, outputs: [StreamPipeline.Output]) {
        var pipeline = RunPipeline(form: .cri, options)
        var outputs: [StreamPipeline.Output] = []
        var offset: Int64 = 0
        for (index, line) in lines.enumerated() {
            let time = CivilTime(secondsSinceEpoch: 1_795_510_121 + Int64(index)).rfc3339()
            let bytes = Array("\(time) \(stream) F \(line)\n".utf8)
            _ = pipeline.feed(bytes, file: 1, at: offset, now: Int64(index) * 1_000_000, outputs: &outputs)
            offset += Int64(bytes.count)
        }
        return (pipeline, outputs)
    }

    private func texts(_ outputs: [StreamPipeline.Output]) -> [String] { outputs.map { String(decoding: $0.record.body, as: UTF8.self) } }

    @Test func `keeps a stack trace together, with the first line's time and severity`() {
        var (pipeline, outputs) = run(
            ["ERROR a.B: java.lang.Error: x", "\tat a.b(C.java:1)", "\tat a.c(C.java:2)", "INFO next", "java.lang.Error: y"], StreamOptions())
        #expect(texts(outputs) == ["ERROR a.B: java.lang.Error: x\n\tat a.b(C.java:1)\n\tat a.c(C.java:2)", "INFO next"])
        #expect(outputs[0].record.severity == .error && outputs[0].record.fields["multiline"] == "3")
        #expect(outputs[0].record.time == 1_795_510_121_000_000_000)
        // The open one holds the place until it is given out.
        #expect(pipeline.safeOffset(file: 1, offset: 1000) < 1000)
        pipeline.expire(now: 2_000_000_000, outputs: &outputs)
        #expect(texts(outputs).last == "java.lang.Error: y" && pipeline.safeOffset(file: 1, offset: 1000) == 1000)
    }

    @Test func `bounds a group`() {
        var options = StreamOptions()
        options.multiline = .indented
        options.maximumGroupLines = 3
        let (_, outputs) = run(["a", " b", " c", " d", "e", "f"], options)
        #expect(texts(outputs) == ["a\n b\n c", " d", "e"])
    }

    @Test func `leaves lines out by rules and tells of each in their place`() throws {
        var options = StreamOptions()
        options.rules = [
            FilterRule(name: "health", action: .drop(try Pattern("GET /healthz"))), FilterRule(name: "some", action: .sample(oneOf: 2, by: nil)),
        ]
        var (pipeline, outputs) = run(["GET /healthz", "a", "b", "c", "GET /healthz", "d"], options)
        #expect(texts(outputs) == ["a", "c"])
        pipeline.expire(now: 11_000_000_000, outputs: &outputs)
        #expect(
            texts(outputs).suffix(2) == [
                "2 lines (24 bytes) dropped from 2026-11-24T08:48:41.000Z to 2026-11-24T08:48:45.000Z by rule health",
                "2 lines (2 bytes) dropped from 2026-11-24T08:48:43.000Z to 2026-11-24T08:48:46.000Z by rule some",
            ])
        #expect(outputs.last?.loss?.rule == "some" && outputs.last?.record.fields["lines"] == "2")
    }

    @Test func `limits a rate and keeps whole traces when it samples by them`() throws {
        var chain = FilterChain([FilterRule(name: "rate", action: .rate(perSecond: 10, burst: 5))])
        let kept = (0..<100).count { chain.refuses([], now: 1_000_000_000 + Int64($0) * 10_000_000) == nil }
        #expect(kept == 14)
        var traces = FilterChain([FilterRule(name: "t", action: .sample(oneOf: 4, by: try Pattern("trace=[0-9a-f]+")))])
        let ids = (0..<400).map { "x trace=\(String($0 * 7919, radix: 16)) y" }
        let first = ids.filter { traces.refuses(Array($0.utf8), now: 0) == nil }
        let second = ids.filter { traces.refuses(Array("other \($0)".utf8), now: 0) == nil }
        #expect(first == second && (60...140).contains(first.count))
    }

    @Test func `stores a line's own stamp only where it differs, and takes it when asked`() {
        let (_, outputs) = run(["2026-11-24T08:48:41Z same", "2026-11-24T07:00:00Z late"], StreamOptions())
        #expect(outputs[0].record.fields.isEmpty && outputs[1].record.fields["ts"] == "2026-11-24T07:00:00.000000000Z")
        var options = StreamOptions()
        options.time = .line
        let (_, dated) = run(["2026-11-24T07:00:00Z own", "no stamp"], options)
        #expect(dated.map(\.record.time) == [1_795_503_600_000_000_000, 1_795_503_600_000_000_000])
    }

    @Test func `keeps what is forged inside a line as its text`() {
        let (_, outputs) = run(["2026-01-01T00:00:00Z stderr F {\"level\":\"fatal\"}"], StreamOptions())
        #expect(outputs[0].stream == .stdout && outputs[0].record.time == 1_795_510_121_000_000_000)
        #expect(texts(outputs) == ["2026-01-01T00:00:00Z stderr F {\"level\":\"fatal\"}"])
    }

    @Test func `marks what is cut or of another form`() {
        var options = StreamOptions()
        options.maximumLineBytes = 100
        var pipeline = RunPipeline(form: .cri, options)
        var outputs: [StreamPipeline.Output] = []
        _ = pipeline.feed(Array("no form\n".utf8), file: 1, at: 0, now: 5, outputs: &outputs)
        let long = Array("2026-11-24T08:48:41Z stdout F \(String(repeating: "x", count: 300))".utf8)
        _ = pipeline.feed(long, file: 1, at: 8, now: 5, outputs: &outputs)
        #expect(outputs[0].record.fields["parse_error"] == "cri" && outputs[0].record.time == 5)
        #expect(outputs[1].record.fields["truncated"] == "true")
    }
}
