import Glibc
import JSON
import Runtime
import TestKit
import Testing

/// Files that nobody should write, given to a real `collect`.
@Suite(.serialized, .timeLimit(.minutes(10))) struct LogAbuseTests {
    private func rss(_ process: Program.Running) -> Int {
        let text = (try? HostFileSystem().text("/proc/\(process.pid)/status")) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM") } ?? ""
        return Int(line.filter(\.isNumber)) ?? 0
    }

    private func collect(_ place: TemporaryDirectory, _ aggregate: Aggregate, _ sources: String, _ more: [String] = []) async throws -> Collecting {
        try HostFileSystem().write(place.file("logs.yaml"), Array(sources.utf8))
        return try await Collecting.start(
            LogShippingTests.quiet + ["--logs-to", aggregate.ingest, "--logs-config", place.file("logs.yaml"), "--logs-spool", place.file("spool")] + more)
    }

    @Test func `links, pipes, devices and holes of a terabyte are not read, and odd bytes come through as they are`() async throws {
        let place = TemporaryDirectory("abuse")
        let files = HostFileSystem()
        let aggregate = try await Aggregate.start()
        try files.makeDirectory(place.file("logs"), mode: 0o755)
        try files.makeDirectory(place.file("pods/shop_evil_u-1/app"), mode: 0o755)
        func path(_ name: String) -> String { place.file("logs/\(name).log") }
        try files.write(place.file("secret"), Array("root:secret\n".utf8))
        #expect(unsafe symlink(place.file("secret"), path("link")) == 0)
        #expect(unsafe mkfifo(path("fifo"), 0o644) == 0)
        if geteuid() == 0 { #expect(unsafe mknod(path("device"), S_IFCHR | 0o644, dev_t(0x105)) == 0) }
        try files.write(path("sparse"), Array("before the hole\n".utf8))
        #expect(unsafe truncate(path("sparse"), 1 << 40) == 0)
        let bodies: [[UInt8]] = [
            Array("a\u{0}b".utf8), Array("c\rd".utf8), [0x65, 0xFF, 0xFE, 0x66], Array("\u{1B}[31mred\u{1B}]52;c;x\u{7}".utf8), Array("".utf8),
            Array("end".utf8),
        ]
        try files.write(path("bytes"), bodies.joined(separator: [0x0A]) + [0x0A])
        // What looks like the runtime's header inside a line is text.
        let forged = "2026-11-24T08:00:00Z stdout F real 2026-11-24T09:00:00Z stderr F forged\n2026-11-24T08:00:01Z nowhere F not the form\n"
        try files.write(place.file("pods/shop_evil_u-1/app/0.log"), Array(forged.utf8))
        let collecting = try await collect(
            place, aggregate, "sources:\n  - {files: \"\(place.file("logs"))/*.log\", labels: {job: abuse}, multiline: none}\n  - pods: \(place.file("pods"))\n"
        )
        var lines: [String] = []
        _ = try await eventually(within: 30) {
            lines = try await aggregate.lines(#"{job="abuse"}"#)
            return lines.contains("end") && lines.contains("before the hole")
        }
        #expect(Set(lines) == ["before the hole", "a\u{0}b", "c\rd", "e\u{FFFD}\u{FFFD}f", "\u{1B}[31mred\u{1B}]52;c;x\u{7}", "", "end"], "\(lines)")
        #expect(try await eventually(within: 20) { try await aggregate.lines(#"{pod="evil"}"#).count == 2 })
        #expect(try await aggregate.lines(#"{pod="evil", stream="stderr"}"#) == [])
        #expect(
            try await aggregate.lines(#"{pod="evil"}"#).sorted() == [
                "2026-11-24T08:00:01Z nowhere F not the form", "real 2026-11-24T09:00:00Z stderr F forged",
            ])
        // A file that becomes a link is read no further, whatever it leads to.
        try files.write(path("turns"), Array("one\n".utf8))
        #expect(try await eventually(within: 20) { try await aggregate.lines(#"{job="abuse"}"#).contains("one") })
        try files.remove(path("turns"))
        #expect(unsafe symlink(place.file("secret"), path("turns")) == 0)
        try files.write(path("later"), Array("later\n".utf8))
        #expect(try await eventually(within: 20) { try await aggregate.lines(#"{job="abuse"}"#).contains("later") })
        #expect(try await !aggregate.lines(#"{job="abuse"}"#).contains { $0.contains("secret") })
        #expect(try await collecting.stop() == 0)
        #expect(try await aggregate.stop() == 0)
    }

    @Test func `a line without an end needs no memory of its length`() async throws {
        let place = TemporaryDirectory("abuse")
        let megabytes = unsafe getenv("BINNACLE_LONG_LINE").flatMap { unsafe Int(String(cString: $0)) } ?? 24
        let aggregate = try await Aggregate.start()
        try HostFileSystem().makeDirectory(place.file("logs"), mode: 0o755)
        do {
            let file = try HostFile(place.file("logs/long.log"), flags: O_WRONLY | O_CREAT, mode: 0o644)
            let block = Array(String(repeating: "0123456789abcdef", count: 1 << 16).utf8)
            for _ in 0..<megabytes { try file.write(block) }
            try file.write(Array("\nafter\n".utf8))
        }
        let collecting = try await collect(place, aggregate, "sources:\n  - {files: \"\(place.file("logs"))/*.log\", labels: {job: long}}\n")
        let isWhole = try await eventually(within: 300) {
            let counts = try await Program.run(["curl", "-sS", "-G", "\(aggregate.queries)/api/logs/count", "--data-urlencode", "selector={job=\"long\"}"])
                .output
            return (try JSON.parse(counts)["total"].int ?? 0) >= megabytes
        }
        #expect(isWhole)
        let held = rss(collecting.process) >> 10
        print("long line: \(megabytes) MB without an end, the collector held at most \(held) MB")
        #expect(held < 200)
        #expect(try await collecting.stop() == 0)
        #expect(try await aggregate.stop() == 0)
    }
}
