import Glibc
import Runtime
import Telemetry
import TestKit
import Testing

@testable import LogTail

@Suite struct ManyFilesTests {
    /// More files than may be open: each is read in its turn, and lines that come later too.
    @Test func `reads many more files than it may open`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        var options = LogTailer.Options(root: "", checkpoints: fixture.directory.file("tail.db"), node: "n1")
        options.configuration.files = [.init(paths: ["\(fixture.container)/*.log"])]
        options.maximumOpenFiles = 16
        let tailer = try LogTailer(options, sink: sink, metrics: MetricRegistry(), clock: fixture.clock)
        for index in 0..<200 { try fixture.append("line \(index)\n", to: "f\(index).log") }
        try await fixture.settle(tailer, seconds: 40)
        #expect(sink.texts.sorted() == numbered(0..<200).sorted())
        for index in 0..<200 { try fixture.append("line \(200 + index)\n", to: "f\(index).log") }
        try await fixture.settle(tailer, seconds: 40)
        #expect(sink.texts.sorted() == numbered(0..<400).sorted())
    }

    @Test func `a link that is led elsewhere is followed there, and what it led to is read to its end`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        let real = fixture.directory.file("real")
        try HostFileSystem().makeDirectory(real, mode: 0o755)
        try HostFileSystem().write("\(real)/one.log", Array("line 0\n".utf8))
        try HostFileSystem().write("\(real)/two.log", Array("line 2\n".utf8))
        #expect(unsafe symlink("\(real)/one.log", fixture.path("current.log")) == 0)
        let tailer = try fixture.plain(sink) { $0.linksWithin = [real] }
        try await fixture.settle(tailer, seconds: 2)
        #expect(sink.texts == ["line 0"])
        let file = try HostFile("\(real)/one.log", flags: O_WRONLY | O_APPEND)
        try file.write(Array("line 1\n".utf8))
        try HostFileSystem().remove(fixture.path("current.log"))
        #expect(unsafe symlink("\(real)/two.log", fixture.path("current.log")) == 0)
        try await fixture.settle(tailer, seconds: 4)
        #expect(sink.texts == numbered(0..<3))
    }

    /// Figures, not checks: BINNACLE_MEASURE=1.
    @Test(.enabled(if: unsafe getenv("BINNACLE_MEASURE") != nil)) func `cost of 100,000 files`() async throws {
        let fixture = try LogWriterFixture()
        for index in 0..<100_000 { try fixture.append("line \(index) and some more\n", to: "f\(index).log") }
        let registry = MetricRegistry()
        var options = LogTailer.Options(root: "", checkpoints: fixture.directory.file("tail.db"), node: "n1")
        options.configuration.files = [.init(paths: ["\(fixture.container)/*.log"])]
        let tailer = try LogTailer(options, sink: NullSink(), metrics: registry)
        let records = registry.counter("binnacle_log_tail_records_total", "")
        let start = ContinuousClock.now
        var rounds = 0
        while records.value < 100_000, rounds < 300 {
            try await tailer.poll()
            rounds += 1
            try await Task.sleep(for: .milliseconds(500))
        }
        print("many: \(records.value) lines of 100,000 files in \(rounds) rounds, \(ContinuousClock.now - start)")
        let descriptors = try HostFileSystem().list("/proc/self/fd").count
        print(
            "many: \(descriptors) descriptors, \(try HostFileSystem().text("/proc/self/status").split(separator: "\n").filter { $0.hasPrefix("VmHWM") || $0.hasPrefix("VmRSS") })"
        )
        try await Task.sleep(for: .seconds(3))
        try await tailer.poll()
        let before = clock()
        for _ in 0..<10 {
            try await tailer.poll()
            try await Task.sleep(for: .seconds(1))
        }
        print("many: \(Double(clock() - before) / Double(CLOCKS_PER_SEC) / 10 * 1000) ms of CPU a round, idle")
    }
}

private struct NullSink: LogSink {
    func append(_ batches: [LogBatch]) async throws {}
}
