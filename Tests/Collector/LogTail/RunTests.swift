import Glibc
import Runtime
import Telemetry
import TestKit
import Testing

@testable import LogTail

@Suite struct RunTests {
    @Test func `runs until it is cancelled, and notices a new container and a new line`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        let tailer = try LogTailer(
            .init(root: fixture.root, checkpoints: fixture.directory.file("tail.db"), node: "n1"), sink: sink, metrics: MetricRegistry())
        let task = Task { await tailer.run() }
        func expect(_ count: Int) async throws {
            // A real process: polls with a bound of ten seconds.
            for _ in 0..<1000 where sink.texts.count < count { try await Task.sleep(for: .milliseconds(10)) }
            #expect(sink.texts.count == count)
        }
        try fixture.append(fixture.lines(0..<2))
        try await expect(2)
        try HostFileSystem().makeDirectory("\(fixture.root)/shop_other_uid-2/web", mode: 0o755)
        try HostFileSystem().write("\(fixture.root)/shop_other_uid-2/web/0.log", Array(fixture.lines(2..<3).utf8))
        try await expect(3)
        try fixture.append(fixture.lines(3..<4))
        try await expect(4)
        task.cancel()
        await task.value
    }

    @Test func `tells that a watched directory changed`() throws {
        let directory = TemporaryDirectory("hint")
        let hint = DirectoryHint()
        hint.watch(directory.path)
        #expect(!hint.takeEvents())
        try HostFileSystem().write(directory.file("a"), [1])
        #expect(hint.takeEvents())
        #expect(!hint.takeEvents())
        hint.watch(directory.file("missing"))
    }

    /// Figures, not checks: BINNACLE_MEASURE=1.
    @Test(.enabled(if: unsafe getenv("BINNACLE_MEASURE") != nil)) func `speed of reading and cost of idling`() async throws {
        let fixture = try LogWriterFixture()
        let sink = CountingSink()
        let text = Array(fixture.lines(0..<100_000).utf8)
        for index in 0..<100 {
            try HostFileSystem().makeDirectory("\(fixture.root)/shop_p\(index)_u\(index)/web", mode: 0o755)
            try HostFileSystem().write("\(fixture.root)/shop_p\(index)_u\(index)/web/0.log", index < 20 ? text : Array(text.prefix(1000)))
        }
        let tailer = try LogTailer(
            .init(root: fixture.root, checkpoints: fixture.directory.file("tail.db"), node: "n1"), sink: sink, metrics: MetricRegistry(),
            clock: SystemClock())
        var start = cpuSeconds()
        while try await tailer.poll() {}
        let spent = cpuSeconds() - start
        print("tail: \(text.count * 20 >> 20) MiB in \(spent) CPU s = \(Double(text.count * 20) / 1e6 / spent) MB/s of CPU")
        try await Task.sleep(for: .seconds(3))
        try await tailer.poll()
        start = cpuSeconds()
        for _ in 0..<100 { try await tailer.poll() }
        print("idle: \((cpuSeconds() - start) * 10) ms of CPU a poll of 100 containers")
    }
}

private final class CountingSink: LogSink {
    func append(_ batches: [LogBatch]) async throws {}
}

private func cpuSeconds() -> Double {
    var usage = rusage()
    unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
}
