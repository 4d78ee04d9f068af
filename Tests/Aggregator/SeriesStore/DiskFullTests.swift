import Glibc
import Runtime
import Telemetry
import TestKit
import Testing

@testable import SeriesStore

/// A disk that is full, and files that may not grow: real errors of the kernel, at whatever call they come.
@Suite(.serialized) struct DiskFullTests {
    private static let start = StoreHarness.start

    private static func batches(_ step: Int64) -> [SeriesBatch] {
        (0..<40).map { number in
            SeriesBatch(
                labels: ["__name__": "m", "n": "\(number)"], samples: [.init(start + step * 1000, Double(step &* 7_919 &* Int64(number + 1) % 1_000_003) / 7)])
        }
    }

    @Test(.enabled(if: getuid() == 0)) func `a full disk refuses by name, loses nothing, and the store goes on when there is room`() async throws {
        let directory = TemporaryDirectory("full")
        let mounted = try await Program.run(["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", directory.path])
        try #require(mounted.status == 0)
        do {
            try await fill(directory)
        } catch {
            Issue.record(error)
        }
        _ = try await Program.run(["umount", directory.path])
    }

    private func fill(_ directory: TemporaryDirectory) async throws {
        let clock = ManualClock(startingAt: Timestamp(milliseconds: Self.start))
        // Room that can be given back.
        let ballast = directory.file("ballast")
        try HostFileSystem().write(ballast, [UInt8](repeating: 1, count: 400_000))
        let path = directory.file("store")
        var store = try SeriesStore.open(directory: path, metrics: MetricRegistry(), clock: clock)
        var acknowledged = Set<Int64>()
        var failures = 0
        for step in Int64(0)..<4000 {
            clock.advance(by: .seconds(1))
            do {
                try await store.write(Self.batches(step))
                acknowledged.insert(step)
                if step % 50 == 0 { try? await store.maintain() }
            } catch {
                failures += 1
                guard case .diskFull = error else { throw error }
                if failures > 3 { break }
            }
        }
        #expect(failures > 3 && acknowledged.count > 20)
        try await check(store, acknowledged)
        try HostFileSystem().remove(ballast)
        clock.advance(by: .seconds(60))
        let later = acknowledged.max()! + 60
        #expect(try await store.write(Self.batches(later)).total.written == 40)
        acknowledged.insert(later)
        try await store.flush()
        try await check(store, acknowledged)
        await store.close()
        store = try SeriesStore.open(directory: path, metrics: MetricRegistry(), clock: clock)
        #expect(store.openWarnings == [])
        try await check(store, acknowledged)
        await store.close()
    }

    /// Everything acknowledged is there; a step whose write failed may be there too.
    private func check(_ store: SeriesStore, _ acknowledged: Set<Int64>) async throws {
        let answer = try await store.answer([], from: Timestamp(milliseconds: 0), through: Timestamp(milliseconds: .max / 2))
        #expect(answer.series.count == 40)
        for series in answer.series {
            let number = Int(series.labels["n"])!
            let steps = series.timestamps.map { ($0 - Self.start) / 1000 }
            #expect(acknowledged.isSubset(of: steps))
            for (step, value) in zip(steps, series.values) { #expect(value == Self.batches(step)[number].samples[0].value) }
        }
    }

    /// SQLite's write fails when a file would grow beyond the limit: each limit is another place for the first failure.
    @Test func `an error at any write is thrown, and what was acknowledged is there afterwards`() async throws {
        let root = "/tmp/binnacle-series-limit-\(getpid())"
        let files = HostFileSystem()
        try? files.removeTree(root)
        try files.makeDirectory(root, mode: 0o700)
        defer { try? files.removeTree(root) }
        var failed = 0
        for limit in stride(from: 8, to: 200, by: 16) {
            try files.write("\(root)/limit", Array("\(limit)".utf8))
            await #expect(processExitsWith: .exitCode(7)) {
                let root = "/tmp/binnacle-series-limit-\(getppid())"
                let kilobytes = Int(try HostFileSystem().text("\(root)/limit"))!
                try await DiskFullTests.writeUnderLimit("\(root)/\(kilobytes)", kilobytes)
                exit(7)
            }
            let journal = (try? files.text("\(root)/\(limit).journal")) ?? ""
            let acknowledged = Set(journal.split(separator: "\n").compactMap { Int64($0) })
            failed += journal.contains("failed") ? 1 : 0
            let clock = ManualClock(startingAt: Timestamp(milliseconds: Self.start + 3_600_000))
            let store = try SeriesStore.open(directory: "\(root)/\(limit)", metrics: MetricRegistry(), clock: clock)
            #expect(store.openWarnings == [])
            if !acknowledged.isEmpty { try await check(store, acknowledged) }
            try await store.compact()
            if !acknowledged.isEmpty { try await check(store, acknowledged) }
            await store.close()
        }
        #expect(failed > 8)
    }

    private static func writeUnderLimit(_ path: String, _ kilobytes: Int) async throws {
        signal(SIGXFSZ, SIG_IGN)
        let journal = try HostFile("\(path).journal", flags: O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
        var limit = rlimit(rlim_cur: rlim_t(kilobytes * 1024), rlim_max: rlim_t.max)
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        let clock = ManualClock(startingAt: Timestamp(milliseconds: start))
        guard let store = try? SeriesStore.open(directory: path, metrics: MetricRegistry(), clock: clock) else {
            try journal.write(Array("failed\n".utf8))
            return
        }
        for step in Int64(0)..<120 {
            clock.advance(by: .seconds(1))
            if (try? await store.write(batches(step))) != nil {
                try journal.write(Array("\(step)\n".utf8))
            } else {
                try journal.write(Array("failed\n".utf8))
            }
            if step % 20 == 19 { try? await store.flush() }
            if step % 50 == 49 { try? await store.compact() }
        }
    }
}
