import Glibc
import LogQL
import Runtime
import Telemetry
import TestKit
import Testing

@testable import LogStore

/// A disk that is full: real errors of the kernel, at whatever call they come.
@Suite(.serialized) struct DiskFullTests {
    @Test(.enabled(if: getuid() == 0)) func `a full disk refuses by name, loses nothing, doubles nothing, and the store goes on when there is room`()
        async throws
    {
        let directory = TemporaryDirectory("full")
        let mounted = try await Program.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", directory.path])
        try #require(mounted.status == 0)
        do {
            try await fill(directory)
        } catch {
            Issue.record(error)
        }
        _ = try await Program.run(["umount", directory.path])
    }

    private static let linesPerBatch = 50

    private static func batch(_ step: Int, _ random: inout SeededGenerator) -> LogBatch {
        let numbers = step * linesPerBatch..<(step + 1) * linesPerBatch
        let records = numbers.map { record("line \($0) id=\(String(random.next(), radix: 16))\(String(random.next(), radix: 16))", at: march + Int64($0)) }
        return LogBatch(
            stream: stream("a"), records: records,
            origin: LogBatch.Origin(node: "n", file: "f", start: Int64(numbers.lowerBound), end: Int64(numbers.upperBound)),
            ends: numbers.map { Int64($0 + 1) })
    }

    private func fill(_ directory: TemporaryDirectory) async throws {
        // Room that can be given back.
        let ballast = directory.file("ballast")
        try HostFileSystem().write(ballast, [UInt8](repeating: 1, count: 1_500_000))
        var options = options(directory)
        options.flushBytes = 60_000
        options.chunkBytes = 60_000
        var archive = try LogArchive(options, metrics: MetricRegistry())
        var random = SeededGenerator(seed: 21)
        var steps = 0
        var failures = 0
        var refused: LogBatch?
        while steps < 4000, failures < 4 {
            let batch = refused ?? Self.batch(steps, &random)
            do {
                try await archive.append([batch])
                refused = nil
                steps += 1
            } catch let error as LogStoreError {
                #expect(error.isTransient, "\(error)")
                refused = batch
                failures += 1
            }
        }
        #expect(failures == 4 && steps > 5)
        try await check(archive, steps)
        try HostFileSystem().remove(ballast)
        // The sender tries again what was refused, and once more as if the answer had been lost.
        let batch = try #require(refused)
        try await archive.append([batch])
        try await archive.append([batch])
        steps += 1
        try await archive.flush()
        try await check(archive, steps)
        try await archive.close()
        archive = try LogArchive(options, metrics: MetricRegistry())
        #expect(archive.damagedFiles.isEmpty)
        try await check(archive, steps)
        #expect(try await archive.check().damaged == [])
        try await archive.close()
    }

    /// Each acknowledged line once, and no other.
    private func check(_ archive: LogArchive, _ steps: Int) async throws {
        let lines = try await archive.read(LogQuery(limit: 1_000_000, direction: .oldest)).lines
        let numbers = lines.compactMap { Int(String(decoding: $0.body, as: UTF8.self).split(separator: " ")[1]) }
        #expect(numbers == Array(0..<steps * Self.linesPerBatch))
    }
}
