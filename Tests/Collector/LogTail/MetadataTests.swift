import Runtime
import Synchronization
import Telemetry
import TestKit
import Testing

@testable import LogTail

/// Knows the pods that a test names.
private final class Pods: LogMetadataSource {
    let known = Mutex<[String: LogMetadata]>([:])
    func metadata(namespace: String, pod: String, uid: String, container: String) -> LogMetadata? { known.withLock { $0[uid] } }
    func set(_ uid: String, labels: Labels = [:], _ annotations: [String: String]) {
        known.withLock { $0[uid] = LogMetadata(labels: labels, annotations: annotations) }
    }
}

@Suite struct MetadataTests {
    @Test func `a pod's first lines wait for its annotations, which may be to redact, but not for ever`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        let pods = Pods()
        let tailer = try fixture.tailer(sink) {
            $0.metadata = pods
            $0.configuration.redactionKey = [1]
        }
        try fixture.append("2026-03-01T00:00:00Z stdout F mail me: a@example.org\n")
        try await drain(tailer)
        #expect(sink.texts.isEmpty)
        pods.set("uid-1", labels: ["app": "shop"], ["redact": "email"])
        try await drain(tailer)
        #expect(sink.texts.count == 1 && sink.texts[0].hasPrefix("mail me: [REDACTED:email:"), "\(sink.texts)")
        let labels = sink.state.withLock { $0.lines[0].labels }
        #expect(labels["app"] == "shop" && labels["namespace"] == "shop" && labels["pod"] == "api-0")
        // Nobody knows this one, as after a restart that found logs of a pod that is gone.
        try HostFileSystem().makeDirectory("\(fixture.root)/shop_old_uid-2/app", mode: 0o755)
        try HostFileSystem().write("\(fixture.root)/shop_old_uid-2/app/0.log", Array("2026-03-01T00:00:01Z stdout F left\n".utf8))
        try await drain(tailer)
        #expect(sink.texts.count == 1)
        fixture.clock.advance(by: .seconds(5))
        try await drain(tailer)
        #expect(sink.texts.last == "left")
    }

    @Test func `annotations that change hold from the next line on`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        let pods = Pods()
        pods.set("uid-1", ["exclude": "DEBUG"])
        let tailer = try fixture.tailer(sink) { $0.metadata = pods }
        try fixture.append("2026-03-01T00:00:00Z stdout F DEBUG one\n2026-03-01T00:00:01Z stdout F two\n")
        try await drain(tailer)
        pods.set("uid-1", ["multiline": "indented"])
        // The next look takes them; what the old rule left out is told then.
        try await drain(tailer)
        try fixture.append("2026-03-01T00:00:02Z stdout F DEBUG three\n2026-03-01T00:00:03Z stdout F  four\n2026-03-01T00:00:04Z stdout F five\n")
        try await fixture.settle(tailer)
        #expect(sink.texts.filter { !$0.contains("by rule") } == ["two", "DEBUG three\n four", "five"])
        #expect(sink.texts.contains { $0.hasPrefix("1 lines (9 bytes) dropped") })
    }

    @Test func `the key of secrets' marks is made once, for its owner alone, and no other file is taken for it`() throws {
        let place = TemporaryDirectory("key")
        let path = place.file("redaction.key")
        let key = try RedactionKey.open(path)
        #expect(key.count == 32 && Set(key).count > 8)
        #expect(try RedactionKey.open(path) == key)
        #expect(try HostFileSystem().status(path).mode & 0o777 == 0o600)
        try HostFileSystem().write(place.file("open.key"), key)
        #expect(throws: LogTailError.self) { try RedactionKey.open(place.file("open.key")) }
        try HostFileSystem().replace(place.file("short.key"), [1, 2, 3], mode: 0o600)
        do {
            _ = try RedactionKey.open(place.file("short.key"))
            Issue.record("a short key was taken")
        } catch {
            #expect("\(error)".contains("does not hold 32 bytes; restore it"))
        }
    }

    @Test func `rules and redaction hold for the journal and the kernel too, and what was left out is told by the next`() throws {
        let text = """
            rules:
              - {name: noise, match: {job: journal, unit: "a.*"}, drop: "^debug"}
              - {match: {job: journal}, redact: email}
            """
        let configuration = try ConfigurationReader.read(Array(text.utf8), name: "l", readZone: { _ in nil }, redactionKey: [1])
        let registry = MetricRegistry()
        let metrics = RecordFilterMetrics(registry)
        var filter = RecordFilter { configuration.options(labels: $0, annotations: [:]).options }
        func pass(_ text: String, _ stream: Labels) -> LogRecord? {
            filter.pass(LogRecord(time: 0, body: Array(text.utf8)), of: stream, now: 1, metrics)
        }
        let unit: Labels = ["job": "journal", "unit": "a.service"]
        #expect(pass("debug 1", unit) == nil && pass("debug 2", unit) == nil)
        let next = pass("from a@example.org", unit)
        #expect(next?.fields["dropped_before"] == "2" && next?.fields["rule"] == "noise" && next?.fields["redacted"] == "1")
        #expect(pass("after", unit)?.fields.isEmpty == true)
        #expect(pass("debug 3", ["job": "kernel"])?.body == Array("debug 3".utf8))
        #expect(registry.counter("binnacle_log_tail_dropped_lines_total", "", ["rule": "noise"]).value == 2)
    }
}
