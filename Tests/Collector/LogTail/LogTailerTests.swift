import Glibc
import Runtime
import Synchronization
import Telemetry
import TestKit
import Testing

@testable import LogTail

/// A sink that keeps each record once by its origin, as the store does, and fails when told.
final class RecordingSink: LogSink {
    struct Failure: Error {}
    struct State {
        var lines: [(labels: Labels, text: String)] = []
        var stored: Set<String> = []
        var duplicates = 0
        /// The next calls: false fails before storing, nil stores but loses the answer.
        var script: [Bool?] = []
    }
    let state = Mutex(State())

    func append(_ batches: [LogBatch]) async throws {
        let answer: Bool? = state.withLock { $0.script.isEmpty ? true : $0.script.removeFirst() }
        if answer == false { throw Failure() }
        state.withLock { state in
            for batch in batches {
                for (record, end) in zip(batch.records, batch.ends) {
                    guard state.stored.insert("\(batch.origin?.file ?? "")@\(end)").inserted else {
                        state.duplicates += 1
                        continue
                    }
                    state.lines.append((batch.stream, String(decoding: record.body, as: UTF8.self)))
                }
            }
        }
        if answer == nil { throw Failure() }
    }

    var texts: [String] { state.withLock { $0.lines.map(\.text) } }
    func script(_ answers: [Bool?]) { state.withLock { $0.script = answers } }
}

/// A container's log directory that a test writes to, as a kubelet and a runtime do.
struct LogWriterFixture {
    let directory: TemporaryDirectory
    let root: String
    let container: String
    let clock = ManualClock()

    init() throws {
        directory = TemporaryDirectory("tail")
        root = directory.file("pods")
        container = "\(root)/shop_api-0_uid-1/app"
        try HostFileSystem().makeDirectory(container, mode: 0o755)
    }

    func path(_ name: String) -> String { "\(container)/\(name)" }

    func append(_ text: String, to name: String = "0.log") throws {
        let file = try HostFile(path(name), flags: O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
        try file.write(Array(text.utf8))
    }

    /// Lines in the runtime's form, numbered and stamped by their number.
    func lines(_ numbers: Range<Int>, stream: String = "stdout") -> String {
        numbers.map { number in
            let time = CivilTime(secondsSinceEpoch: 1_772_323_200 + Int64(number)).rfc3339(fractionDigits: 9)
            return "\(time) \(stream) F line \(number)\n"
        }.joined()
    }

    func rotate(_ stamp: String) throws { try HostFileSystem().rename(path("0.log"), to: path("0.log.\(stamp)")) }

    func tailer(_ sink: RecordingSink, registry: MetricRegistry = MetricRegistry(), _ change: (inout LogTailer.Options) -> Void = { _ in }) throws
        -> LogTailer
    {
        var options = LogTailer.Options(root: root, checkpoints: directory.file("tail.db"), node: "n1")
        change(&options)
        return try LogTailer(options, sink: sink, metrics: registry, clock: clock)
    }
}

/// Polls until nothing is left to read.
func drain(_ tailer: LogTailer) async throws { while try await tailer.poll() {} }

func numbered(_ range: Range<Int>) -> [String] { range.map { "line \($0)" } }

@Suite struct LogTailerTests {
    @Test func `follows a file, labels its streams, and goes on where a process before it stopped`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        try fixture.append(fixture.lines(0..<3) + fixture.lines(3..<4, stream: "stderr"))
        try await drain(fixture.tailer(sink))
        try fixture.append(fixture.lines(4..<6) + "2026-03-01T00:00:00Z stdout F unfin")
        let second = try fixture.tailer(sink)
        try await drain(second)
        #expect(sink.texts.sorted() == numbered(0..<6).sorted())
        #expect(sink.state.withLock { $0.duplicates } == 0)
        try fixture.append("ished\n")
        try await drain(second)
        #expect(sink.texts.last == "unfinished")
        let labels = sink.state.withLock { $0.lines[0].labels.dictionary }
        #expect(
            labels == [
                "namespace": "shop", "pod": "api-0", "pod_uid": "uid-1", "container": "app", "restart": "0", "stream": "stdout", "node": "n1",
            ])
    }

    @Test func `reads all generations when a file rotates several times between two polls`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        let tailer = try fixture.tailer(sink)
        try fixture.append(fixture.lines(0..<10))
        try await drain(tailer)
        try fixture.append(fixture.lines(10..<20))
        for round in 2..<6 {
            try fixture.rotate("20260301-00000\(round)")
            try fixture.append(fixture.lines(round * 10..<round * 10 + 10))
        }
        // A writer that is slow to notice the rotation.
        try fixture.append(fixture.lines(60..<61), to: "0.log.20260301-000005")
        try await drain(tailer)
        #expect(sink.texts == numbered(0..<50) + ["line 60"] + numbered(50..<60))
        try fixture.append(fixture.lines(61..<62), to: "0.log.20260301-000005")
        try await drain(tailer)
        #expect(sink.texts.last == "line 61")
    }

    @Test func `reads the last lines of a file that is removed, and of a pod that is gone`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        let registry = MetricRegistry()
        let tailer = try fixture.tailer(sink, registry: registry)
        try fixture.append(fixture.lines(0..<2))
        try await drain(tailer)
        try fixture.append(fixture.lines(2..<4) + "2026-03-01T00:00:00Z stdout P last words\n2026-03-01T00:00:00Z stderr F no line feed")
        try HostFileSystem().removeTree("\(fixture.root)/shop_api-0_uid-1")
        try await drain(tailer)
        #expect(sink.texts == numbered(0..<4))
        fixture.clock.advance(by: .seconds(3))
        try await drain(tailer)
        #expect(Set(sink.texts.suffix(2)) == ["last words", "no line feed"])
        #expect(registry.gauge("binnacle_log_tail_open_files", "").value == 0)
        #expect(registry.gauge("binnacle_log_tail_containers", "").value == 1)
        try await tailer.poll()
        #expect(registry.gauge("binnacle_log_tail_containers", "").value == 0)
    }

    @Test func `notices a file that is cut in place, shorter or longer than before`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        let tailer = try fixture.tailer(sink)
        try fixture.append(fixture.lines(0..<5))
        try await drain(tailer)
        try HostFileSystem().write(fixture.path("0.log"), [])
        try await drain(tailer)
        try fixture.append(fixture.lines(5..<7))
        try await drain(tailer)
        // Rewritten between two polls, and longer than what was read.
        try HostFileSystem().write(fixture.path("0.log"), Array(fixture.lines(7..<20).utf8))
        try await drain(tailer)
        #expect(sink.texts == numbered(0..<20))
    }

    @Test func `reads again what begins as before after it was cut in place`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        let tailer = try fixture.tailer(sink)
        try fixture.append("banner\nbanner\nbanner\n")
        try await drain(tailer)
        try HostFileSystem().write(fixture.path("0.log"), Array("banner\n".utf8))
        try await drain(tailer)
        #expect(sink.texts == ["banner", "banner", "banner", "banner"])
    }

    @Test func `keeps records while the sink refuses, and sends what may be stored already again`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        let tailer = try fixture.tailer(sink)
        try fixture.append(fixture.lines(0..<3))
        sink.script([false, nil])
        await #expect(throws: RecordingSink.Failure.self) { try await tailer.poll() }
        try fixture.append(fixture.lines(3..<5))
        await #expect(throws: RecordingSink.Failure.self) { try await tailer.poll() }
        try await drain(tailer)
        #expect(sink.texts == numbered(0..<5))
        #expect(sink.state.withLock { $0.duplicates } == 3)
    }

    @Test func `begins again at the first part of a line that was not whole when the process died`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        try fixture.append(fixture.lines(0..<1) + "2026-03-01T00:00:00Z stdout P be\n" + fixture.lines(1..<3, stream: "stderr"))
        try await drain(fixture.tailer(sink))
        // The line ends in the next generation of the file.
        try fixture.rotate("20260301-000000")
        try fixture.append("2026-03-01T00:00:01Z stdout F gun\n" + fixture.lines(3..<4))
        try await drain(fixture.tailer(sink))
        #expect(sink.texts == ["line 0", "line 1", "line 2", "begun", "line 3"])
        #expect(sink.state.withLock { $0.duplicates } == 2)
    }

    @Test func `sends everything again as the same origins when its checkpoints are lost`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        try fixture.append(fixture.lines(0..<4))
        try await drain(fixture.tailer(sink))
        for suffix in ["", "-wal", "-shm"] { try HostFileSystem().remove(fixture.directory.file("tail.db\(suffix)")) }
        try await drain(fixture.tailer(sink))
        #expect(sink.texts == numbered(0..<4) && sink.state.withLock { $0.duplicates } == 4)
    }

    @Test func `keeps a line of two megabytes whole in pieces`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        let long = String(repeating: "0123456789abcdef", count: 131_072)
        try fixture.append("2026-03-01T00:00:00Z stdout F \(long)\n" + fixture.lines(0..<1))
        try await drain(fixture.tailer(sink))
        #expect(sink.texts.dropLast().joined() == long && sink.texts.last == "line 0")
    }

    @Test func `passes over links, pipes and other names`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        try fixture.append("secret\n", to: "elsewhere.txt")
        #expect(unsafe symlink(fixture.path("elsewhere.txt"), fixture.path("1.log")) == 0)
        #expect(unsafe mkfifo(fixture.path("2.log"), 0o644) == 0)
        try fixture.append(fixture.lines(0..<1))
        try await drain(fixture.tailer(sink))
        #expect(sink.texts == ["line 0"])
    }

    /// Random writes, rotations, removals of old generations, crashes of the tailer and failures of the sink: each line once, in order.
    @Test(arguments: 0..<12) func `keeps each line exactly once through rotations, crashes and failures`(seed: Int) async throws {
        var random = SeededGenerator(seed: UInt64(seed) &* 0x9E37 + 1)
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        var tailer = try fixture.tailer(sink) { $0.turnBytes = 300 }
        var next = 0
        var rotation = 0
        for _ in 0..<120 {
            switch random.next() % 10 {
            case 0..<5:
                let count = Int(random.next() % 12)
                try fixture.append(fixture.lines(next..<next + count))
                next += count
            case 5:
                guard HostFileSystem().exists(fixture.path("0.log")) else { continue }
                rotation += 1
                try fixture.rotate("20260301-0000\(rotation < 10 ? "0" : "")\(rotation)")
            case 6: sink.script([false, nil, true, nil].shuffled(using: &random))
            case 7: tailer = try fixture.tailer(sink) { $0.turnBytes = 300 }
            default: _ = try? await tailer.poll()
            }
            fixture.clock.advance(by: .milliseconds(700))
        }
        sink.script([])
        try await drain(tailer)
        #expect(sink.texts == numbered(0..<next), "seed \(seed)")
    }
}
