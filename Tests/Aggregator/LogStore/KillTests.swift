import Glibc
import LogQL
import Runtime
import Telemetry
import TestKit
import Testing

@testable import LogStore

/// A process that writes, flushes, compacts, groups and deletes is killed at any moment, again and again; what it
/// acknowledged is in a journal outside of the store. BINNACLE_KILLS says how often (20 if it is not set).
@Suite struct KillTests {
    static let streams = 3
    static let linesPerStep = 40

    /// The directory of a parent's child: an exit test's body can capture nothing.
    static func directory(of parent: pid_t) -> String { "/tmp/binnacle-logs-kill-\(parent)" }

    static func options(_ directory: String) -> LogArchive.Options {
        var options = LogArchive.Options(directory: "\(directory)/logs")
        options.clock = ManualClock(startingAt: Timestamp(milliseconds: march / 1_000_000 + 3_600_000))
        options.chunkBytes = 8_000
        options.flushBytes = 8_000
        return options
    }

    /// Lines `step * 40` and on, a third of them a stream's. Every third batch was sent before and is cut elsewhere now.
    static func batches(_ step: Int) -> [LogBatch] {
        (0..<streams).map { number in
            let first = step % 3 == 2 ? step - 1 : step
            let lines = (first * linesPerStep..<(step + 1) * linesPerStep).filter { $0 % streams == number }
            let records = lines.map { record("line \($0) of \(String($0 &* 2_654_435_761, radix: 16))", at: march + Int64($0) * 1_000_000) }
            var batch = LogBatch(
                stream: stream("p\(number)"), records: records,
                origin: LogBatch.Origin(node: "n", file: "f\(number)", start: Int64(first * linesPerStep), end: Int64((step + 1) * linesPerStep)))
            batch.ends = lines.map { Int64($0 + 1) }
            return batch
        }
    }

    @Test func `lines acknowledged before a kill are there after it, each once`() async throws {
        let directory = Self.directory(of: getpid())
        let files = HostFileSystem()
        try? files.removeTree(directory)
        try files.makeDirectory(directory, mode: 0o700)
        defer { try? files.removeTree(directory) }
        let kills = unsafe getenv("BINNACLE_KILLS").flatMap { unsafe Int(String(cString: $0)) } ?? 20
        var acknowledged = -1
        for round in 0..<kills {
            await #expect(processExitsWith: .signal(SIGKILL)) {
                let directory = KillTests.directory(of: getppid())
                try await KillTests.writeUntilKilled(directory)
            }
            let journal = try files.text("\(directory)/journal").split(separator: "\n").compactMap { Int($0) }
            acknowledged = journal.last ?? -1
            let archive = try LogArchive(Self.options(directory), metrics: MetricRegistry())
            #expect(archive.damagedFiles.isEmpty, "round \(round)")
            let (partials, statistics) = try await archive.scan(LogSelection([], in: 0..<(.max)), into: { [Int]() }) { numbers, rows in
                let text = try rows.text()
                for row in 0..<rows.count {
                    let line = String(decoding: text.bytes[text.starts[row]..<text.ends[row]], as: UTF8.self)
                    numbers.append(Int(line.split(separator: " ")[1]) ?? -1)
                }
            }
            #expect(statistics.damaged == [], "round \(round)")
            let numbers = partials.flatMap { $0 }.sorted()
            // One more step may have been stored before its acknowledgement was written down.
            let steps = (numbers.last ?? -1) / Self.linesPerStep
            #expect(numbers.isEmpty || steps == acknowledged || steps == acknowledged + 1, "round \(round): \(steps) of \(acknowledged)")
            #expect(numbers == Array(0..<(acknowledged < 0 && numbers.isEmpty ? 0 : (steps + 1) * Self.linesPerStep)), "round \(round)")
            #expect(try await archive.check().damaged == [], "round \(round)")
            await archive.abandon()
        }
        #expect(acknowledged > kills / 2)
    }

    private static func writeUntilKilled(_ directory: String) async throws {
        let files = HostFileSystem()
        let journal = try HostFile("\(directory)/journal", flags: O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
        var step = try files.text("\(directory)/journal").split(separator: "\n").last.flatMap { Int($0) } ?? -1
        let archive = try LogArchive(options(directory), metrics: MetricRegistry())
        // The end comes from outside of all this: at some moment of the next 150 ms.
        let delay = UInt32.random(in: 1000...150_000)
        Task.detached {
            usleep(delay)
            kill(getpid(), SIGKILL)
        }
        while true {
            step += 1
            try await archive.append(batches(step))
            try journal.write(Array("\(step)\n".utf8))
            if step % 5 == 0 { try await archive.maintain() }
            if step % 11 == 0 { try await archive.flush() }
            if step % 17 == 0 { try await archive.compact() }
            // Of a line that is not there: goes through all chunks.
            if step % 29 == 0 {
                _ = try await archive.delete(LogDeletion([], filters: [.init(.contains, "never written")], in: 0..<(.max)))
                try await archive.maintain()
            }
        }
    }
}
