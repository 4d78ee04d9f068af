import Glibc
import Runtime
import Telemetry
import TestKit
import Testing

@testable import LogTail

/// Numbered lines through rotation of every kind, while the tailer dies and the store refuses: every number exactly once.
/// BINNACLE_SOAK=N makes it N times as long.
@Suite struct SoakTests {
    private static var length: Int { unsafe getenv("BINNACLE_SOAK").flatMap { unsafe Int(String(cString: $0)) } ?? 1 }

    /// The machine's, or Debian's unpacked beside the build.
    private static let logrotate = ["/usr/sbin/logrotate", "\(root)/.build-tools/usr/sbin/logrotate"].first { HostFileSystem().exists($0) }
    private static let root = #filePath.split(separator: "/").dropLast(4).reduce("") { "\($0)/\($1)" }

    @Test(arguments: 0..<8) func `kubelet's rotation with compression, restarts of the container, crashes of the tailer`(seed: Int) async throws {
        var random = SeededGenerator(seed: UInt64(seed) &* 0x51ED + 3)
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        var tailer = try fixture.tailer(sink) { $0.turnBytes = 500 }
        var next = 0
        var rotated: [String] = []
        var run = 0
        for step in 0..<(160 * Self.length) {
            let name = "\(run).log"
            switch random.below(14) {
            case 0..<6:
                let count = random.below(12)
                // Some lines in parts, on both streams.
                for number in next..<next + count {
                    let stamp = CivilTime(secondsSinceEpoch: 1_772_323_200 + Int64(number)).rfc3339(fractionDigits: 9)
                    let stream = number % 3 == 0 ? "stderr" : "stdout"
                    try fixture.append(
                        number % 5 == 0 ? "\(stamp) \(stream) P line\n\(stamp) \(stream) F  \(number)\n" : "\(stamp) \(stream) F line \(number)\n", to: name)
                }
                next += count
            case 6, 7:
                guard HostFileSystem().exists(fixture.path(name)) else { continue }
                let stamp = "20260301-\(String(100_000 + step).suffix(6))"
                try HostFileSystem().rename(fixture.path(name), to: fixture.path("\(name).\(stamp)"))
                rotated.append("\(name).\(stamp)")
            case 8: if rotated.count > 1 { try fixture.compress(rotated.removeFirst()) }
            case 9: if random.below(4) == 0 { run += 1 }
            case 10: sink.script([false, nil, true, nil].shuffled(using: &random))
            case 11: tailer = try fixture.tailer(sink) { $0.turnBytes = 500 }
            default: _ = try? await tailer.poll()
            }
            fixture.clock.advance(by: .milliseconds(700))
        }
        sink.script([])
        try await fixture.settle(tailer)
        let missing = Set(numbered(0..<next)).subtracting(sink.texts).sorted()
        #expect(missing.isEmpty && sink.texts.count == next, "seed \(seed): missing \(missing), doubled or torn \(sink.texts.count - next)")
    }

    @Test(.enabled(if: SoakTests.logrotate != nil)) func `logrotate with create and compression, crashes of the tailer`() async throws {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        var tailer = try fixture.plain(sink, "app.log")
        let configuration = fixture.directory.file("rotate.conf")
        try HostFileSystem().write(
            configuration, Array("\(fixture.path("app.log")) { create 0644\n rotate 50\n compress\n delaycompress\n missingok\n su root root\n}\n".utf8))
        var next = 0
        for round in 0..<(12 * Self.length) {
            for _ in 0..<4 {
                let text = (next..<next + 25).map { "line \($0)\n" }.joined()
                try fixture.append(text, to: "app.log")
                next += 25
                if round % 2 == 0 { _ = try? await drain(tailer) }
                fixture.clock.advance(by: .milliseconds(600))
            }
            let outcome = try await Program.run([try #require(Self.logrotate), "-f", "-s", fixture.directory.file("state"), configuration])
            #expect(outcome.status == 0, "\(outcome.description)")
            if round % 3 == 0 { tailer = try fixture.plain(sink, "app.log") }
            if round % 4 == 0 { sink.script([false, nil]) }
            _ = try? await tailer.poll()
            fixture.clock.advance(by: .seconds(1))
        }
        sink.script([])
        try await fixture.settle(tailer)
        #expect(sink.texts.sorted() == numbered(0..<next).sorted())
    }

    @Test(.enabled(if: SoakTests.logrotate != nil)) func `logrotate with copytruncate, whose copies are no source of their own`()
        async throws
    {
        let fixture = try LogWriterFixture()
        let sink = RecordingSink()
        var tailer = try fixture.plain(sink, "app.log")
        let configuration = fixture.directory.file("rotate.conf")
        try HostFileSystem().makeDirectory(fixture.path("old"), mode: 0o755)
        try HostFileSystem().write(
            configuration, Array("\(fixture.path("app.log")) { copytruncate\n rotate 50\n olddir \(fixture.path("old"))\n missingok\n su root root\n}\n".utf8))
        var next = 0
        for round in 0..<(12 * Self.length) {
            try fixture.append((next..<next + 25).map { "line \($0)\n" }.joined(), to: "app.log")
            next += 25
            // What is written between the last look and the cut is lost with copytruncate, so look before it.
            try await fixture.settle(tailer, seconds: 2)
            let outcome = try await Program.run([try #require(Self.logrotate), "-f", "-s", fixture.directory.file("state"), configuration])
            #expect(outcome.status == 0, "\(outcome.description)")
            if round % 3 == 0 { tailer = try fixture.plain(sink, "app.log") }
        }
        try await fixture.settle(tailer)
        #expect(sink.texts.sorted() == numbered(0..<next).sorted())
    }
}
