import Glibc
import Runtime
import Synchronization
import Telemetry
import TestKit
import Testing

@testable import LogTail

/// What contracts/logs.md 1.14 lists: the cases that other tailers are tested for, and ours.
@Suite struct RotationTests {
    @Test func `reads a generation that was compressed before it was read, and goes on inside one`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        try fixture.append(fixture.lines(0..<5))
        try await drain(fixture.tailer(sink))
        // Written on, rotated and compressed while nobody looks; then one more generation.
        try fixture.append(fixture.lines(5..<9))
        try fixture.rotate("20260301-000001")
        try fixture.append(fixture.lines(9..<12))
        try fixture.rotate("20260301-000002")
        try fixture.compress("0.log.20260301-000001")
        try fixture.compress("0.log.20260301-000002")
        try fixture.append(fixture.lines(12..<14))
        let tailer = try fixture.tailer(sink)
        try await drain(tailer)
        #expect(sink.texts == numbered(0..<14))
        #expect(sink.state.withLock { $0.duplicates } == 0)
        // Nothing is read again, also by another process.
        try await fixture.settle(tailer)
        try await drain(fixture.tailer(sink))
        #expect(sink.texts == numbered(0..<14))
        #expect(sink.state.withLock { $0.duplicates } == 0)
    }

    @Test func `does not read again what is compressed while it is followed`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        let tailer = try fixture.tailer(sink)
        for round in 0..<4 {
            try fixture.append(fixture.lines(round * 3..<round * 3 + 3))
            if round % 2 == 0 { try await fixture.settle(tailer, seconds: round * 20) }
            try fixture.rotate("20260301-00000\(round)")
            if round > 0 { try fixture.compress("0.log.20260301-00000\(round - 1)") }
            try await drain(tailer)
        }
        try await fixture.settle(tailer, seconds: 40)
        #expect(sink.texts == numbered(0..<12))
        #expect(sink.state.withLock { $0.duplicates } == 0)
    }

    @Test func `tells files apart that have the inode of one before them`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        let files = HostFileSystem()
        var tailer = try fixture.tailer(sink)
        var inodes: Set<UInt64> = []
        for round in 0..<8 {
            try fixture.append(fixture.lines(round * 4..<round * 4 + 4))
            inodes.insert(try files.status(fixture.path("0.log")).inode)
            try await drain(tailer)
            try files.remove(fixture.path("0.log"))
            // Half of the times nobody holds the file open, so that its inode is free at once.
            if round % 2 == 0 { tailer = try fixture.tailer(sink) }
        }
        try await fixture.settle(tailer)
        #expect(sink.texts == numbered(0..<32))
    }

    @Test func `reads on over copytruncate, and passes over the hole that a stale writer leaves`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        let files = HostFileSystem()
        // A writer that does not append but goes on at its own place.
        let writer = try HostFile(fixture.path("0.log"), flags: O_WRONLY | O_CREAT, mode: 0o644)
        try writer.write(Array(fixture.lines(0..<2000).utf8))
        var tailer = try fixture.tailer(sink)
        try await drain(tailer)
        try files.write(fixture.path("0.log.20260301-000000"), try files.read(fixture.path("0.log")))
        #expect(unsafe truncate(fixture.path("0.log"), 0) == 0)
        try writer.write(Array(fixture.lines(2000..<2005).utf8))
        try await drain(tailer)
        // The copy has another inode: its lines are sent as another file's, unless they are known by their text.
        #expect(Set(sink.texts) == Set(numbered(0..<2005)))
        tailer = try fixture.tailer(sink)
        try writer.write(Array(fixture.lines(2005..<2010).utf8))
        try await drain(tailer)
        #expect(sink.texts.suffix(5) == numbered(2005..<2010)[...])
        #expect(sink.texts.count { $0.contains("\0") } == 0)
    }

    @Test func `skips a terabyte of nothing at once`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        let size: Int64 = 1 << 40
        guard unsafe truncate(fixture.path("0.log"), 0) == 0 || true else { return }
        try fixture.append("")
        guard unsafe truncate(fixture.path("0.log"), off_t(size)) == 0 else { return }
        try fixture.append(fixture.lines(0..<3))
        let tailer = try fixture.tailer(sink)
        try await drain(tailer)
        #expect(sink.texts == numbered(0..<3))
    }

    @Test func `follows plain files by a pattern, and what logrotate makes of them`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        let files = HostFileSystem()
        try fixture.append("2026-03-01 00:00:01 ERROR one\nand more\n", to: "app.log")
        try fixture.append("hidden\n", to: "debug.log")
        var tailer = try fixture.plain(sink) {
            $0.exclude = ["\(fixture.container)/debug*"]
            $0.labels = ["job": "app"]
            $0.settings = ["time": "line", "timezone": "UTC"]
        }
        try await fixture.settle(tailer, seconds: 2)
        try files.rename(fixture.path("app.log"), to: fixture.path("app.log.1"))
        try fixture.append("late\n", to: "app.log.1")
        try fixture.append("new\n", to: "app.log")
        try await fixture.settle(tailer, seconds: 2)
        // Again, with compression.
        try files.rename(fixture.path("app.log.1"), to: fixture.path("app.log.2"))
        try fixture.compress("app.log.2")
        try files.rename(fixture.path("app.log"), to: fixture.path("app.log.1"))
        try fixture.append("newest\n", to: "app.log")
        try await fixture.settle(tailer, seconds: 5)
        #expect(sink.texts == ["2026-03-01 00:00:01 ERROR one", "and more", "late", "new", "newest"])
        let labels = sink.state.withLock { $0.lines[0].labels.dictionary }
        #expect(labels == ["job": "app", "filename": fixture.path("app.log"), "node": "n1"])
        tailer = try fixture.plain(sink) { $0.exclude = ["\(fixture.container)/debug*"] }
        try await fixture.settle(tailer, seconds: 3)
        #expect(sink.texts.count == 5)
    }

    @Test func `sends equal files apart, also where one has the place of another`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        let files = HostFileSystem()
        var tailer = try fixture.plain(sink)
        for round in 0..<4 {
            try fixture.append("banner\nline\n", to: "a.log")
            try await fixture.settle(tailer, seconds: 2)
            try files.remove(fixture.path("a.log"))
            try await fixture.settle(tailer, seconds: 4)
            if round % 2 == 0 { tailer = try fixture.plain(sink) }
        }
        #expect(sink.texts.count == 8)
    }

    @Test func `starts at the end when asked, ignores what is old, and reads what becomes readable`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        try fixture.append("old\n", to: "a.log")
        let tailer = try fixture.plain(sink) { $0.startsAtEnd = true }
        try await fixture.settle(tailer, seconds: 2)
        try fixture.append("new\n", to: "a.log")
        try fixture.append("whole\n", to: "b.log")
        try await fixture.settle(tailer, seconds: 2)
        #expect(sink.texts.sorted() == ["new", "whole"])

        let other = try LogWriterFixture()
        let second = RecordingSink()
        try other.append("stale\n", to: "a.log")
        var times = [timeval(tv_sec: 1_000_000_000, tv_usec: 0), timeval(tv_sec: 1_000_000_000, tv_usec: 0)]
        #expect(unsafe utimes(other.path("a.log"), &times) == 0)
        try await other.settle(other.plain(second) { $0.ignoreOlder = 86_400_000_000_000 }, seconds: 2)
        #expect(second.texts.isEmpty)
    }

    @Test func `follows links only into the directories that it may`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        let id = String(repeating: "0a", count: 32)
        let links = fixture.directory.file("containers")
        try HostFileSystem().makeDirectory(links, mode: 0o755)
        try fixture.append(fixture.lines(0..<2))
        #expect(unsafe symlink(fixture.path("0.log"), "\(links)/api-0_shop_app-\(id).log") == 0)
        #expect(unsafe symlink("/etc/hostname", "\(links)/evil.log") == 0)
        var options = LogTailer.Options(root: "", checkpoints: fixture.directory.file("tail.db"), node: "n1")
        options.configuration.files = [GlobFiles.Options(paths: ["\(links)/*.log"], form: .cri, linksWithin: [fixture.root])]
        let tailer = try LogTailer(options, sink: sink, metrics: MetricRegistry(), clock: fixture.clock)
        try await fixture.settle(tailer, seconds: 2)
        #expect(sink.texts == numbered(0..<2))
        let labels = sink.state.withLock { $0.lines[0].labels }
        #expect(labels["pod"] == "api-0" && labels["namespace"] == "shop" && labels["container"] == "app" && labels["container_id"] == "0a0a0a0a0a0a")
    }

    @Test func `follows Docker's and Podman's files`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        let files = HostFileSystem()
        let id = String(repeating: "ab", count: 32)
        let docker = fixture.directory.file("docker")
        let podman = fixture.directory.file("podman")
        try files.makeDirectory("\(docker)/\(id)", mode: 0o755)
        try files.makeDirectory("\(podman)/\(id)/userdata", mode: 0o755)
        try files.write("\(docker)/\(id)/config.v2.json", Array(#"{"Name":"/web","Config":{"Image":"nginx:1"}}"#.utf8))
        let lines = [
            #"{"log":"one\n","stream":"stdout","time":"2026-03-01T00:00:00.000000001Z"}"#, #"{"log":"par","stream":"stderr","time":"2026-03-01T00:00:00.1Z"}"#,
            #"{"log":"two\r\n","stream":"stdout","time":"2026-03-01T00:00:00.2Z","attrs":{"tag":"x"}}"#,
            #"{"log":"tial\n","stream":"stderr","time":"2026-03-01T00:00:00.3Z"}"#, "{torn",
        ]
        try files.write("\(docker)/\(id)/\(id)-json.log", Array((lines.joined(separator: "\n") + "\n").utf8))
        try files.write("\(podman)/\(id)/userdata/ctr.log", Array("2026-03-01T00:00:00.000000001+00:00 stdout F three\n".utf8))
        var options = LogTailer.Options(root: "", checkpoints: fixture.directory.file("tail.db"), node: "n1")
        options.configuration.containerRoots = [(.docker, docker), (.podman, podman)]
        let tailer = try LogTailer(options, sink: sink, metrics: MetricRegistry(), clock: fixture.clock)
        try await fixture.settle(tailer, seconds: 2)
        #expect(sink.texts.sorted() == ["one", "partial", "three", "two", "{torn"])
        let first = sink.state.withLock { $0.lines.first { $0.text == "one" }?.labels }
        #expect(first?["container"] == "web" && first?["image"] == "nginx:1" && first?["container_id"] == "abababababab" && first?["runtime"] == "docker")
    }

    @Test func `goes through more files than may be open`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        for index in 0..<40 { try fixture.append("file \(index) a\n", to: "f\(index).log") }
        var options = LogTailer.Options(root: "", checkpoints: fixture.directory.file("tail.db"), node: "n1")
        options.configuration.files = [GlobFiles.Options(paths: ["\(fixture.container)/*.log"])]
        options.maximumOpenFiles = 8
        let tailer = try LogTailer(options, sink: sink, metrics: MetricRegistry(), clock: fixture.clock)
        try await fixture.settle(tailer, seconds: 30)
        for index in 0..<40 { try fixture.append("file \(index) b\n", to: "f\(index).log") }
        try await fixture.settle(tailer, seconds: 30)
        #expect(Set(sink.texts) == Set((0..<40).flatMap { ["file \($0) a", "file \($0) b"] }) && sink.texts.count == 80)
    }
}
