import Alerting
import Logging
import Runtime
import Synchronization
import Telemetry
import TestKit
import Testing

/// Rules over a source of the test's making, whose writes and alerts it keeps.
@Suite struct RuleRunnerTests {
    final class World: RuleQuerier, RuleSampleSink, AlertReceiver {
        struct State {
            var results: [String: [RuleSample]] = [:]
            var stored: [(sample: RuleSample, time: Timestamp)] = []
            var written: [String] = []
            var alerts: [String] = []
        }
        let state = Mutex(State())

        func instant(_ query: String, at time: Timestamp) async throws -> [RuleSample] {
            try state.withLock { state in
                if query == "fails" { throw Answers.Failure() }
                return state.results[query] ?? []
            }
        }
        func newest(_ query: String, from: Timestamp, through: Timestamp) async throws -> [(sample: RuleSample, time: Timestamp)] {
            state.withLock { $0.stored }
        }
        func append(_ samples: [RuleSample], at time: Timestamp) async throws {
            state.withLock { state in
                for sample in samples { state.written.append("\(sample.labels) \(sample.value.isNaN ? "stale" : "\(sample.value)")") }
                // What a recording rule wrote can be read by the next.
                for sample in samples where !sample.value.isNaN { state.results[sample.labels.name] = [sample] }
            }
        }
        func receive(_ alerts: [Alert], at time: Timestamp) async {
            state.withLock { state in state.alerts += alerts.map { "\($0.labels["alertname"]) \($0.state)" } }
        }
        func take() -> [String] {
            state.withLock { state in
                defer { state.written = [] }
                return state.written
            }
        }
    }

    private func manager(_ world: World) -> RuleRunner {
        RuleRunner(
            querier: world, sink: world, receiver: world, clock: ManualClock(), metrics: MetricRegistry(), logger: Logger(label: "test"))
    }
    private func file(_ text: String) -> [RuleFile] {
        let (file, errors) = RuleFile.parse(Array(text.utf8), path: "t.yml")
        #expect(errors == [])
        return [file]
    }
    private func at(_ minute: Int) -> Timestamp { Timestamp(milliseconds: Int64(minute) * 60_000) }

    @Test func `records, ends what vanishes, and builds one rule on another`() async {
        let world = World()
        let manager = manager(world)
        await manager.load(file("groups: [{name: g, labels: {team: x}, rules: [{record: a, expr: up, labels: {kind: k}}, {record: b, expr: a}]}]"))
        world.state.withLock { $0.results["up"] = [RuleSample(labels: ["__name__": "up", "job": "j"], value: 1)] }
        await manager.evaluateAll(at: at(1))
        #expect(world.take() == [#"a{job="j", kind="k", team="x"} 1.0"#, #"b{job="j", kind="k", team="x"} 1.0"#])
        world.state.withLock { $0.results["up"] = [RuleSample(labels: ["job": "other"], value: 2)] }
        await manager.evaluateAll(at: at(2))
        #expect(Set(world.take()).isSuperset(of: [#"a{job="other", kind="k", team="x"} 2.0"#, #"a{job="j", kind="k", team="x"} stale"#]))
    }

    @Test func `a rule that fails does not stop the next, and says why`() async {
        let world = World()
        let manager = manager(world)
        await manager.load(file("groups: [{name: g, rules: [{record: a, expr: fails}, {record: b, expr: up}]}]"))
        world.state.withLock { $0.results["up"] = [RuleSample(labels: [:], value: 1)] }
        await manager.evaluateAll(at: at(1))
        let rules = await manager.groups[0].rules
        #expect(rules.map(\.health) == [.err, .ok])
        #expect(rules[0].lastError == "no such thing")
        #expect(world.take() == ["b 1.0"])
    }

    @Test func `an alert keeps its state over a reload that leaves its rule alone, and its series end with the rule`() async {
        let world = World()
        let manager = manager(world)
        world.state.withLock { $0.results["up == 0"] = [RuleSample(labels: ["pod": "a"], value: 0)] }
        let rule = "{alert: Down, expr: up == 0, for: 2m}"
        await manager.load(file("groups: [{name: g, rules: [\(rule)]}]"))
        await manager.evaluateAll(at: at(1))
        await manager.load(file("groups: [{name: g, rules: [{record: b, expr: up}, \(rule)]}]"))
        await manager.evaluateAll(at: at(3))
        #expect(await manager.activeAlerts.map(\.state) == [.firing])
        #expect(world.state.withLock { $0.alerts } == ["Down firing"])
        _ = world.take()
        await manager.load(file("groups: []"))
        #expect(
            Set(world.take()) == [
                #"ALERTS{alertname="Down", alertstate="firing", pod="a"} stale"#, #"ALERTS_FOR_STATE{alertname="Down", pod="a"} stale"#,
            ])
    }

    @Test func `takes up a pending alert after a restart`() async {
        let world = World()
        let manager = manager(world)
        world.state.withLock { state in
            state.results["up == 0"] = [RuleSample(labels: ["pod": "a"], value: 0)]
            state.stored = [(RuleSample(labels: ["__name__": "ALERTS_FOR_STATE", "alertname": "Down", "pod": "a"], value: 60), at(16))]
        }
        await manager.load(file("groups: [{name: g, rules: [{alert: Down, expr: up == 0, for: 30m}]}]"))
        await manager.evaluateAll(at: at(18))
        // 15 minutes of 30 had passed; the two of the outage do not count.
        #expect(await manager.activeAlerts.map(\.activeAt) == [at(3)])
    }

    @Test func `groups run at moments of their own, and missed ones are counted`() {
        let (one, _) = RuleFile.parse(Array("groups: [{name: a, interval: 10s}, {name: b, interval: 10s}]".utf8), path: "t.yml")
        let schedules = one.groups.map { RuleSchedule(group: $0, defaultInterval: .seconds(60)) }
        #expect(schedules[0].offset != schedules[1].offset)
        let next = schedules[0].next(after: at(5))
        #expect(next > at(5) && next - at(5) <= .seconds(10))
        #expect(schedules[0].next(after: next) - next == .seconds(10))
        #expect(schedules[0].missed(after: next, through: next + .seconds(35)) == 3)
        #expect(schedules[0].missed(after: next, through: next - .seconds(35)) == 0)
    }
}
