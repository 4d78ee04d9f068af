import Glibc
import Runtime
import TestKit
import Testing

@testable import NodeStats

@Suite struct TaskReaderTests {
    @Test(arguments: [UInt64](1...100))
    func `sums of running time never fall while tasks come, go and take each other's numbers`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var totals = ScheduleTotals()
        var tasks: [Int32: (UInt64, UInt64, UInt64)] = [:]
        var truth: UInt64 = 0
        var last = totals.sum
        for _ in 0..<100 {
            // Some end, some begin (perhaps under an old number, with less time than the old one had), all run.
            for id in tasks.keys.sorted() where Int.random(in: 0..<4, using: &random) == 0 { tasks[id] = nil }
            for _ in 0..<3 where tasks.count < 20 {
                let id = Int32.random(in: 1...30, using: &random)
                if tasks[id] == nil { tasks[id] = (0, 0, 0) }
            }
            totals.beginPass()
            for (id, old) in tasks.sorted(by: { $0.key < $1.key }) {
                let more = UInt64.random(in: 0...1000, using: &random)
                let new = (old.0 + more, old.1 + more / 2, old.2 + 1)
                truth += more
                tasks[id] = new
                totals.add(task: id, runTime: new.0, queueTime: new.1, runPeriods: new.2)
            }
            totals.endPass()
            #expect(totals.sum.runTime >= last.runTime && totals.sum.queueTime >= last.queueTime && totals.sum.runPeriods >= last.runPeriods, "seed \(seed)")
            #expect(totals.sum.runTime <= truth, "seed \(seed)")
            #expect(totals.taskCount == tasks.count)
            last = totals.sum
        }
    }

    @Test func `the load falls to a third in about ten seconds and begins with what it sees first`() {
        var load = TaskLoad()
        var states = TaskStates()
        states.running = 4
        states.uninterruptible = 2
        #expect(load.update(states, elapsed: 0).average == 4000)
        states.running = 0
        var last: UInt64 = 0
        for _ in 0..<10 { last = load.update(states, elapsed: 1).average }
        // 4000 / e, written out.
        #expect((1470...1472).contains(last))
        #expect(load.update(states, elapsed: 1).uninterruptibleAverage == 2000)
    }

    /// A recorded cgroup v2 tree with so many groups of so many tasks.
    private func tree(groups: Int, tasks: Int) throws -> TemporaryDirectory {
        let directory = TemporaryDirectory("tasks")
        let files = HostFileSystem()
        for group in 0..<groups {
            let path = directory.file("sys/g\(group)")
            try files.makeDirectory(path, mode: 0o755)
            let ids = (0..<tasks).map { 1 + group * tasks + $0 }
            try files.write(path + "/cgroup.threads", Array(ids.map { "\($0)\n" }.joined().utf8))
            for id in ids {
                try files.makeDirectory(directory.file("proc/\(id)/fd"), mode: 0o755)
                try files.write(directory.file("proc/\(id)/stat"), Array("\(id) (x) \(id % 2 == 0 ? "R" : "S") 1".utf8))
                try files.write(directory.file("proc/\(id)/schedstat"), Array("\(100 * id) 5 1\n".utf8))
                try files.write(directory.file("proc/\(id)/limits"), Array("Max open files            10         20        files\n".utf8))
            }
        }
        return directory
    }

    private func reader(_ directory: TemporaryDirectory, files: Int, metrics: MetricRegistry) -> TaskReader {
        var configuration = TaskReader.Configuration()
        configuration.root = directory.path
        configuration.sets = [.cpuLoad, .schedstat, .process]
        configuration.filesPerRound = files
        return TaskReader(mounts: CgroupMounts(v2: directory.file("sys")), configuration: configuration, metrics: metrics)
    }

    @Test func `all tasks of a cgroup are counted`() throws {
        let directory = try tree(groups: 1, tasks: 10)
        let reader = reader(directory, files: 1000, metrics: MetricRegistry())
        reader.beginRound(time: 0)
        let reading = reader.read("/g0", processes: [1, 3, 999])
        #expect(reading.load?.running == 5)
        #expect(reading.load?.sleeping == 5)
        #expect(reading.load?.average == 5000)
        #expect(reading.schedule?.runTime == 5500)
        #expect(reading.schedule?.runPeriods == 10)
        #expect(reading.descriptors?.softLimit == 10)
        #expect(reading.descriptors?.hardLimit == 20)
    }

    @Test func `a small budget is never overspent, leaves nobody out, and says that it was short`() throws {
        let directory = try tree(groups: 20, tasks: 10)
        let metrics = MetricRegistry()
        let reader = reader(directory, files: 40, metrics: metrics)
        let files = metrics.counter("binnacle_collector_task_files_total", "")
        var sums: [Int: UInt64] = [:]
        for round in 1...60 {
            let before = files.value
            reader.beginRound(time: Int64(round) * 1_000_000_000)
            for group in 0..<20 {
                let reading = reader.read("/g\(group)", processes: [Int32(1 + group * 10)])
                if let load = reading.load { #expect(load.running == 5) }
                sums[group] = reading.schedule?.runTime
            }
            reader.endRound()
            // The task and the list that are begun are finished, and each costs a file or two.
            #expect(files.value - before <= 42)
        }
        for group in 0..<20 {
            let ids = (1...10).map { UInt64(group * 10 + $0) * 100 }
            #expect(sums[group] == ids.reduce(0, +))
        }
        #expect(metrics.counter("binnacle_collector_task_readings_postponed_total", "").value > 0)
    }

    @Test func `a cgroup with more tasks than the budget is counted over several rounds`() throws {
        let directory = try tree(groups: 1, tasks: 100)
        let reader = reader(directory, files: 30, metrics: MetricRegistry())
        var loads: [UInt64?] = []
        for round in 1...10 {
            reader.beginRound(time: Int64(round) * 1_000_000_000)
            loads.append(reader.read("/g0", processes: (1...100).map(Int32.init)).load?.running)
            reader.endRound()
        }
        #expect(loads.first == .some(nil))
        #expect(loads.last == 50)
    }

    @Test func `a cgroup that did not run is looked at every tenth round`() throws {
        let directory = try tree(groups: 1, tasks: 4)
        let metrics = MetricRegistry()
        let reader = reader(directory, files: 1000, metrics: metrics)
        let files = metrics.counter("binnacle_collector_task_files_total", "")
        var rounds = 0
        for round in 1...30 {
            let before = files.value
            reader.beginRound(time: Int64(round) * 1_000_000_000)
            #expect(reader.read("/g0", processes: [1], isIdle: true).load?.running == 2)
            reader.endRound()
            if files.value > before { rounds += 1 }
        }
        #expect(rounds == 3)
    }
}
