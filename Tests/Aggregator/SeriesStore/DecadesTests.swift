import Glibc
import Runtime
import Telemetry
import TestKit
import Testing

@testable import SeriesStore

/// A store of old data.
@Suite struct DecadesTests {
    private static func batches(_ days: Range<Int64>) -> [SeriesBatch] {
        (0..<3).map { number in
            SeriesBatch(
                labels: ["__name__": "m", "n": "\(number)"], samples: days.map { .init($0 * Day.milliseconds + 43_200_000, Double($0 * 3 + Int64(number))) })
        }
    }

    /// BINNACLE_DECADES=all takes each day since 1970; otherwise it is two years.
    @Test func `a sample a day for years is in a file a month, and found again`() async throws {
        var configuration = SeriesStoreConfiguration()
        configuration.retention = SeriesStoreConfiguration.unlimited
        configuration.outOfOrderWindow = SeriesStoreConfiguration.unlimited
        let harness = try StoreHarness(configuration)
        let last = StoreHarness.start / Day.milliseconds
        let days = (unsafe getenv("BINNACLE_DECADES") != nil ? 0 : last - 2 * 365)..<last
        let clock = ContinuousClock()
        var spent = clock.now
        try await harness.store.write(Self.batches(days))
        try await harness.store.compact()
        let written = clock.now - spent
        let files = try HostFileSystem().list(harness.directory.path).filter { Day.isSeriesFile($0) }
        let months = files.count(where: Day.isMonthFile)
        #expect(months >= days.count / 31 && files.count <= days.count / 28 + 65, "\(files.count) files")
        spent = clock.now
        try await harness.reopen()
        let opened = clock.now - spent
        spent = clock.now
        let answer = try await harness.all()
        let read = clock.now - spent
        #expect(answer.warnings == [] && answer.series.map(\.values.count) == [days.count, days.count, days.count])
        for (number, series) in answer.series.enumerated() { #expect(series.values == days.map { Double($0 * 3 + Int64(number)) }) }
        print("\(days.count) days in \(files.count) files, \(harness.store.statistics.fileBytes) bytes: written \(written), opened \(opened), read \(read)")
        // A later sample of an old day goes where the day is, also when the clock was set back meanwhile.
        let old = days.lowerBound * Day.milliseconds + 50_000_000
        try await harness.store.write([SeriesBatch(labels: ["__name__": "m", "n": "0"], samples: [.init(old, 5)])])
        try await harness.reopen()
        #expect(try await harness.all().series[0].timestamps[1] == old)
        #expect(try HostFileSystem().list(harness.directory.path).filter { Day.isSeriesFile($0) }.count == files.count)
        #expect(try StoreCheck(directory: harness.directory.path).run().flatMap(\.problems) == [])
    }

    @Test func `the retention takes single days out of a month's file, and the file with its last`() async throws {
        var configuration = SeriesStoreConfiguration()
        configuration.retention = .seconds(86_400 * 400)
        configuration.outOfOrderWindow = SeriesStoreConfiguration.unlimited
        configuration.makesRollups = false
        let harness = try StoreHarness(configuration)
        let first = StoreHarness.start / Day.milliseconds - 300
        try await harness.store.write(Self.batches(first..<first + 40))
        try await harness.store.compact()
        for kept in [30, 2] as [Int64] {
            let now = (first + 40 - kept + 400) * Day.milliseconds
            try await harness.store.applyRetention(now: Timestamp(milliseconds: now))
            for _ in 0..<2 {
                let answer = try await harness.all()
                #expect(answer.series.map { $0.values.count } == [Int(kept), Int(kept), Int(kept)])
                #expect(harness.store.statistics.days == Int(kept))
                try await harness.reopen()
            }
        }
        #expect(try HostFileSystem().list(harness.directory.path).count(where: Day.isSeriesFile) == 1)
    }
}
