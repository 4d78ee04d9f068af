import Runtime

import Telemetry
import TestKit
import Testing

@testable import SQLite
@testable import SeriesStore

@Suite struct DurabilityTests {
    private let set = SeriesSet([["__name__": "a"], ["__name__": "b"]])

    /// Ten frames over midnight and two windows, so that a flush writes two files.
    private func frames(_ source: String) -> [SampleFrame] {
        let midnight = (StoreHarness.start / Day.milliseconds + 1) * Day.milliseconds
        return (0..<10).map { frame(source, midnight - 5 * 3_600_000 + Int64($0) * 3_600_000, set, [Double($0), 0.5]) }
    }

    @Test(arguments: ["inside day", "between days", "before trim"], 1...3)
    func `a crash inside a flush loses nothing and stores nothing twice`(step: String, nth: Int) async throws {
        let plan = FaultPlan()
        let harness = try StoreHarness(interrupt: plan.step)
        harness.advance(to: StoreHarness.start + 2 * Day.milliseconds)
        for source in ["x", "y"] { for frame in frames(source) { try await harness.store.append([frame]) } }
        let before = try await harness.all().series.map(\.exact)
        plan.arm(step, nth: nth)
        try? await harness.store.flush()
        // The store that lives on, and the one after the crash.
        #expect(try await harness.all().series.map(\.exact) == before)
        try harness.crash()
        #expect(harness.store.openWarnings == [])
        #expect(try await harness.all().series.map(\.exact) == before)
        // Sent again, they change nothing, and a merge keeps each once.
        try await harness.store.append(frames("x") + frames("y"))
        try await harness.store.flush()
        #expect(try await harness.all().series.map(\.exact) == before)
        try await harness.store.compact()
        #expect(try await harness.all().series.map(\.exact) == before)
        #expect(harness.store.statistics.storedSamples == 20)
    }

    @Test func `a crash inside a seal keeps the parts that it would have merged`() async throws {
        let plan = FaultPlan("inside seal")
        let harness = try StoreHarness(interrupt: plan.step)
        for second in 0..<20 {
            try await harness.store.append([frame("x", StoreHarness.start + Int64(second) * 1000, set, [Double(second), 1])])
            try await harness.store.flush()
        }
        let before = try await harness.all().series.map(\.exact)
        harness.clock.advance(by: .seconds(86_400))
        await #expect(throws: FaultPlan.Stop.self) { try await harness.store.maintain() }
        #expect(try await harness.all().series.map(\.exact) == before)
        let bytes = harness.store.statistics.partBytes
        try harness.crash()
        try await harness.store.maintain()
        #expect(try await harness.all().series.map(\.exact) == before)
        #expect(harness.store.statistics.partBytes < bytes / 5)
        #expect(harness.counter("sealed_windows_total") >= 1)
    }

    @Test func `a full disk is named, nothing acknowledged is lost, and the retry is stored once`() async throws {
        let plan = FaultPlan()
        let harness = try StoreHarness(interrupt: plan.step)
        let frames = (0..<4).map { frame("x", StoreHarness.start + Int64($0) * 1000, set, [Double($0) / 10, 7]) }
        try await harness.store.append([frames[0]])
        plan.arm("before commit", error: SQLiteError(code: 13, message: "database or disk is full", sql: nil, path: "/data/head.db"))
        let error = await #expect(throws: SeriesStoreError.self) { try await harness.store.append([frames[1]]) }
        #expect(error.map { "\($0)" } == "no space is left for /data/head.db: free some, or keep less (--retention, --retention-size)")
        #expect(try await harness.all().series[0].timestamps == [StoreHarness.start])
        try await harness.store.append([frames[1], frames[2]])
        try await harness.store.append([frames[3]])
        try harness.crash()
        #expect(try await harness.all().series.map(\.values) == [[0, 0.1, 0.2, 0.3], [7, 7, 7, 7]])
    }

    @Test func `a flush that fails is tried again and delays no append`() async throws {
        let plan = FaultPlan()
        let harness = try StoreHarness(interrupt: plan.step)
        try await harness.store.append([frame("x", StoreHarness.start, set, [1, 2])])
        plan.arm("inside day")
        harness.clock.advance(by: .seconds(301))
        try await harness.store.append([frame("x", StoreHarness.start + 301_000, set, [1, 2])])
        try await harness.store.maintain()
        #expect(plan.faulted && harness.counter("flush_failures_total") == 1)
        #expect(harness.store.statistics.storedSamples == 0)
        harness.clock.advance(by: .seconds(31))
        try await harness.store.append([frame("x", StoreHarness.start + 332_000, set, [1, 2])])
        #expect(try await harness.all().series[0].timestamps.count == 3)
        try await harness.store.maintain()
        #expect(harness.store.statistics.storedSamples == 4 && harness.store.statistics.headSamples == 2)
    }

    @Test func `the log is trimmed after a flush and its numbers never start anew`() async throws {
        let harness = try StoreHarness()
        for second in 0..<50 { try await harness.store.append([frame("x", StoreHarness.start + Int64(second) * 1000, set, [1, 2])]) }
        try await harness.store.flush()
        await harness.store.close()
        do {
            let log = try HeadLog(path: harness.directory.file("head.db"))
            #expect(log.lastSequence == 50)
            var rows = 0
            try log.forEach { _, _ in rows += 1 }
            #expect(rows == 1)
        }
        // Even without the log, new rows must not look as if they had been flushed.
        for name in ["head.db", "head.db-wal", "head.db-shm"] { try HostFileSystem().remove(harness.directory.file(name)) }
        try await harness.reopen()
        try await harness.store.append([frame("x", StoreHarness.start + 60_000, set, [3, 4])])
        try harness.crash()
        #expect(try await harness.all().series[0].values.last == 3)
    }

    @Test func `many appenders share commits`() async throws {
        let harness = try StoreHarness()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<200 {
                let store = harness.store
                let set = SeriesSet([["__name__": "m", "n": "\(number)"]])
                group.addTask { try await store.append([frame("s\(number)", StoreHarness.start, set, [Double(number)])]).storedSamples }
            }
            var stored = 0
            for try await samples in group { stored += samples }
            #expect(stored == 200)
        }
        #expect(try await harness.all().series.count == 200)
        #expect(harness.counter("commits_total") <= 200)
    }

    @Test func `a damaged row of the log is left out and told of, and the rows after it are kept`() async throws {
        let harness = try StoreHarness()
        for second in 0..<5 { try await harness.store.append([frame("x", StoreHarness.start + Int64(second) * 1000, set, [Double(second), 2])]) }
        let path = harness.directory.file("head.db")
        try Database(path: path, durability: .full).run("UPDATE log SET record=zeroblob(40) WHERE seq=3")
        try harness.crash()
        #expect(try await harness.all().series[0].values == [0, 1, 3, 4])
        #expect(harness.store.openWarnings.map { $0.contains("row 3 of the log cannot be read, and its samples are lost") } == [true])
        #expect(harness.counter("lost_records_total") == 1)
        try await harness.store.append([frame("x", StoreHarness.start + 9000, set, [9, 2])])
        try harness.crash()
        #expect(try await harness.all().series[0].values == [0, 1, 3, 4, 9])
    }
}
