import Telemetry
import Testing

@testable import LogQL

@Suite struct FieldDetectorTests {
    @Test func `fields are told with their kinds, values and parsers`() async throws {
        let source = MemorySource(rows: [
            .init(stream: ["pod": "a"], time: 1, line: #"{"n":1,"d":"1.5s","s":"2KB","b":true,"x":"one"}"#, fields: ["trace": "t1"]),
            .init(stream: ["pod": "a"], time: 2, line: #"{"n":2.5,"d":"20ms","s":"1MiB","b":false,"x":"7"}"#),
            .init(stream: ["pod": "b"], time: 3, line: "n=3 y=z plain"),
        ])
        var detector = FieldDetector()
        for entry in try await source.run("{}") { detector.add(entry) }
        #expect(
            detector.detected().map { "\($0.label) \($0.kind) \($0.cardinality) \($0.parsers)" } == [
                "b boolean 2 [\"json\"]", "d duration 2 [\"json\"]", "n float 3 [\"json\", \"logfmt\"]", "s bytes 2 [\"json\"]", "trace string 1 []",
                "x string 2 [\"json\"]",
                "y string 1 [\"logfmt\"]",
            ])
        #expect(FieldDetector.labels(of: [["pod": "a", "ns": "x"], ["pod": "b", "ns": "x"]]).map { "\($0.label) \($0.cardinality)" } == ["ns 1", "pod 2"])
    }

    @Test func `fields have a bound`() async throws {
        let source = MemorySource(rows: [.init(stream: [:], time: 1, line: "a=1 b=2 c=3")])
        var detector = FieldDetector(maximumFields: 2)
        for entry in try await source.run("{}") { detector.add(entry) }
        #expect(detector.detected().map(\.label) == ["a", "b"])
    }

    @Test func `lines of one form are one pattern`() {
        var counter = PatternCounter(step: 10, maximumPatterns: 2)
        for (number, line) in ["took 15ms", "took 7ms", "done", "took 9ms", "other"].enumerated() { counter.add(Array(line.utf8)[...], at: Int64(number * 4)) }
        #expect(
            counter.patterns().map { "\($0.pattern) \($0.samples.map { "\($0.time):\($0.count)" })" } == ["took <_> [\"0:2\", \"10:1\"]", "done [\"0:1\"]"])
        #expect(counter.uncounted == 1)
    }
}
