import Glibc
import Runtime
import Telemetry
import TestKit
import Testing

@testable import SeriesStore

/// A process that writes, flushes, merges and deletes is killed at any moment, again and again; what it acknowledged
/// is in a journal outside of the store. BINNACLE_KILLS says how often (30 if it is not set).
@Suite struct KillTests {
    static let series = 20
    static let start: Int64 = 1_790_000_000_000

    /// The directory of a parent's child: an exit test's body can capture nothing.
    static func directory(of parent: pid_t) -> String { "/tmp/binnacle-series-kill-\(parent)" }

    /// Sample `step` of each series: its value says which it is.
    static func batches(_ step: Int64) -> [SeriesBatch] {
        (0..<series).map { number in
            // Each fourth step also repeats the step before, as a sender that lost the answer does.
            let repeated = step % 4 == 3 ? [SeriesBatch.Sample(start + (step - 1) * 1000, Double(step - 1) + Double(number) / 100)] : []
            return SeriesBatch(
                labels: ["__name__": "m", "n": "\(number)"], samples: repeated + [.init(start + step * 1000, Double(step) + Double(number) / 100)])
        }
    }

    @Test func `what was acknowledged before a kill is there after it, each once`() async throws {
        let directory = Self.directory(of: getpid())
        let files = HostFileSystem()
        try? files.removeTree(directory)
        try files.makeDirectory(directory, mode: 0o700)
        defer { try? files.removeTree(directory) }
        let kills = unsafe getenv("BINNACLE_KILLS").flatMap { unsafe Int(String(cString: $0)) } ?? 30
        var acknowledged: Int64 = -1
        for round in 0..<kills {
            await #expect(processExitsWith: .signal(SIGKILL)) {
                let directory = KillTests.directory(of: getppid())
                try await KillTests.writeUntilKilled(directory)
            }
            let journal = try files.text("\(directory)/journal").split(separator: "\n").compactMap { Int64($0) }
            let newest = journal.last ?? -1
            #expect(newest >= acknowledged, "round \(round)")
            acknowledged = newest
            let store = try SeriesStore.open(directory: "\(directory)/store", metrics: MetricRegistry(), clock: FixedClock(step: acknowledged))
            #expect(store.openWarnings == [], "round \(round)")
            let answer = try await store.answer([], from: Timestamp(milliseconds: 0), through: Timestamp(milliseconds: .max / 2))
            #expect(answer.warnings == [])
            for series in answer.series where acknowledged >= 0 {
                let number = Double(Int(series.labels["n"])!) / 100
                // One more step may have been stored before its acknowledgement was written down.
                let last = (series.timestamps.last! - Self.start) / 1000
                #expect(last == acknowledged || last == acknowledged + 1, "round \(round): \(last) of \(acknowledged)")
                #expect(series.timestamps == (0...last).map { Self.start + $0 * 1000 }, "round \(round)")
                #expect(series.values == (0...last).map { Double($0) + number }, "round \(round)")
            }
            #expect(answer.series.count == Self.series || acknowledged < 0)
            await store.close()
        }
        #expect(acknowledged > Int64(kills))
    }

    struct FixedClock: WallClock {
        var step: Int64
        var nanoseconds: Int64 { (KillTests.start + max(0, step) * 1000) * 1_000_000 }
    }

    private static func writeUntilKilled(_ directory: String) async throws {
        let files = HostFileSystem()
        let clock = ManualClock(startingAt: Timestamp(milliseconds: start))
        let journal = try HostFile("\(directory)/journal", flags: O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
        var step = try files.text("\(directory)/journal").split(separator: "\n").last.flatMap { Int64($0) } ?? -1
        clock.advance(by: .seconds(Double(max(0, step))))
        var configuration = SeriesStoreConfiguration()
        configuration.flushInterval = .seconds(7)
        let store = try SeriesStore.open(directory: "\(directory)/store", configuration: configuration, metrics: MetricRegistry(), clock: clock)
        // The end comes from outside of all this: at some moment of the next 150 ms.
        let delay = UInt32.random(in: 1000...150_000)
        Task.detached {
            usleep(delay)
            kill(getpid(), SIGKILL)
        }
        while true {
            step += 1
            clock.advance(by: .seconds(1))
            try await store.write(batches(step))
            try journal.write(Array("\(step)\n".utf8))
            if step % 5 == 0 { try await store.maintain() }
            if step % 23 == 0 { try await store.compact() }
            if step % 37 == 0 {
                // Of a series that has nothing: goes through all parts.
                try await store.delete(matchers: [Matcher("n", equals: "none")], from: Timestamp(milliseconds: 0), through: Timestamp(milliseconds: .max / 2))
            }
        }
    }
}
