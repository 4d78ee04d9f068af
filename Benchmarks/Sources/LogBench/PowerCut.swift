import Glibc
import LogQL
import LogStore
import Runtime
import Telemetry

/// The two halves of a test that cuts the power under a store: one writes numbered lines and says when each batch was acknowledged,
/// the other says what a store holds. What cuts the power is outside (docs/benchmarks.md).
enum PowerCut {
    private static let linesPerBatch = 50

    private static func open(_ directory: String) throws -> LogArchive {
        var options = LogArchive.Options(directory: directory)
        options.chunkBytes = 64 << 10
        options.flushBytes = 64 << 10
        options.clock = LogBench.BenchClock()
        return try LogArchive(options, metrics: MetricRegistry())
    }

    /// Writes for so many seconds; prints the monotonic time in nanoseconds after each batch.
    static func write(_ directory: String, seconds: Int) async throws {
        let archive = try open(directory)
        var random = UInt64(7)
        var number = 0
        let end = now() + Int64(seconds) * 1_000_000_000
        while now() < end {
            let records = (0..<linesPerBatch).map { _ -> LogRecord in
                number += 1
                random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return LogRecord(
                    time: MadeLogs.start + Int64(number) * 1_000_000, severity: .info, body: Array("line \(number) id=\(String(random, radix: 16))".utf8))
            }
            try await archive.append([LogBatch(stream: ["pod": "p\(number / linesPerBatch % 5)"], records: records, origin: nil)])
            print(now())
            if number % 20_000 == 0 { try await archive.compact() }
        }
        // No close: the disk is about to lose its power.
        fflush(nil)
        exit(0)
    }

    /// Prints how many batches are there from the first on without a gap, what is twice, and what is damaged.
    static func verify(_ directory: String) async throws {
        let archive = try open(directory)
        let (partials, statistics) = try await archive.scan(LogSelection([], in: 0..<(.max)), into: { [Int]() }) { numbers, rows in
            let text = try rows.text()
            for row in 0..<rows.count {
                let line = String(decoding: text.bytes[text.starts[row]..<text.ends[row]], as: UTF8.self)
                numbers.append(Int(line.split(separator: " ")[1]) ?? -1)
            }
        }
        let numbers = partials.flatMap { $0 }.sorted()
        let whole = numbers.enumerated().prefix { $0.offset + 1 == $0.element }.count
        let check = try await archive.check()
        print(
            "batches \(whole / linesPerBatch) lines \(numbers.count) twice \(numbers.count - Set(numbers).count) beyond \(numbers.count - whole) damaged \(statistics.damaged.count + check.damaged.count + archive.damagedFiles.count)"
        )
        try await archive.close()
    }

    private static func now() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
