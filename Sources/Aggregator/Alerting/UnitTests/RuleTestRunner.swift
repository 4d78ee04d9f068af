import Logging
import PromQL
import Runtime
import Telemetry

/// Runs unit tests of rules: loads the series, evaluates the groups at each interval, compares.
public struct RuleTestRunner: Sendable {
    /// Evaluations of one test, so that a far eval_time ends.
    static let maximumEvaluations: Int64 = 1_000_000

    public let file: RuleTestFile
    public let rules: [RuleFile]

    public init(file: RuleTestFile, rules: [RuleFile]) {
        self.file = file
        self.rules = rules
    }

    /// What failed, a paragraph each; empty if all is well.
    public func failures() async -> [String] {
        var failures: [String] = []
        for test in file.tests { failures += await self.failures(of: test).map { "\(test.name): \($0)" } }
        return failures
    }

    private func failures(of test: RuleTestFile.Test) async -> [String] {
        let samples = MemorySamples()
        for series in test.series { samples.load(series.labels, series.values, interval: test.interval) }
        let engine = Engine(source: samples)
        var configuration = RuleRunner.Configuration()
        configuration.interval = file.evaluationInterval
        configuration.template = AlertTemplate(externalLabels: test.externalLabels, externalURL: test.externalURL)
        let manager = RuleRunner(
            configuration: configuration, querier: EngineQuerier(engine: engine), sink: samples, receiver: NobodyToTell(), clock: TimeZero(),
            metrics: MetricRegistry(), logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        await manager.load(ordered)
        let interval = max(1, file.evaluationInterval.wholeMilliseconds)
        let last = (test.alerts.map(\.time) + test.queries.map(\.time)).max()?.milliseconds ?? 0
        guard last / interval <= Self.maximumEvaluations else { return ["eval_time is more than \(Self.maximumEvaluations) evaluations away"] }
        var failures: [String] = []
        for time in stride(from: 0, through: last, by: Int(interval)).map({ Int64($0) }) {
            await manager.evaluateAll(at: Timestamp(milliseconds: time))
            let due = time..<(time + interval)
            for group in await manager.groups {
                for (rule, state) in zip(group.group.rules, group.rules) where state.health == .err {
                    return failures + ["rule \(rule.name) at \(moment(time)): \(state.lastError)"]
                }
            }
            for check in test.alerts where due.contains(check.time.milliseconds) {
                if let failure = compare(check, await manager.activeAlerts) { failures.append(failure) }
            }
            for check in test.queries where due.contains(check.time.milliseconds) {
                if let failure = await compare(check, engine) { failures.append(failure) }
            }
        }
        return failures
    }

    /// The groups in the order that the file asks for; others behind.
    private var ordered: [RuleFile] {
        guard !file.groupOrder.isEmpty else { return rules }
        let groups = rules.flatMap(\.groups)
        func place(_ group: RuleGroup) -> Int { file.groupOrder.firstIndex(of: group.name) ?? file.groupOrder.count }
        return [
            RuleFile(path: file.path, groups: groups.enumerated().sorted { (place($0.element), $0.offset) < (place($1.element), $1.offset) }.map(\.element))
        ]
    }

    private func compare(_ check: RuleTestFile.AlertCheck, _ active: [Alert]) -> String? {
        guard rules.contains(where: { $0.groups.contains { $0.rules.contains { $0.name == check.alert } } }) else {
            return "no alert is named \(check.alert)"
        }
        func shown(_ labels: Labels, _ annotations: [String: String]) -> String {
            "Labels:\(labels) Annotations:{"
                + annotations.sorted { $0.key < $1.key }.map { "\($0.key)=\"\($0.value.escapedForLabel)\"" }.joined(separator: ", ") + "}"
        }
        let got = active.filter { $0.state == .firing && $0.labels["alertname"] == check.alert }.map { shown($0.labels, $0.annotations) }.sorted()
        let expected = check.expected.map { shown($0.labels, $0.annotations) }.sorted()
        guard got != expected else { return nil }
        return "alertname: \(check.alert), time: \(moment(check.time.milliseconds)),\n    exp: \(list(expected))\n    got: \(list(got))"
    }

    private func compare(_ check: RuleTestFile.QueryCheck, _ engine: Engine) async -> String? {
        let head = "expr: \"\(check.query)\", time: \(moment(check.time.milliseconds)),"
        let samples: [RuleSample]
        do {
            samples = try await EngineQuerier(engine: engine).instant(check.query, at: check.time)
        } catch {
            return "\(head)\n    err: \(error)"
        }
        let expected = Dictionary(check.expected.map { ($0.labels, $0.value) }) { $1 }
        let got = Dictionary(samples.map { ($0.labels, $0.value) }) { $1 }
        guard expected.count != got.count || !expected.allSatisfy({ labels, value in got[labels].map { isSame(value, $0) } ?? false }) else { return nil }
        func shown(_ samples: [RuleSample]) -> [String] { samples.map { "\($0.labels) \(NumberText.string($0.value))" }.sorted() }
        return "\(head)\n    exp: \(list(shown(check.expected)))\n    got: \(list(shown(samples)))"
    }

    private func isSame(_ a: Double, _ b: Double) -> Bool {
        if a == b || a.isNaN && b.isNaN { return true }
        return file.comparesFuzzily && (a - b).magnitude <= 1e-6 * (a.magnitude + b.magnitude)
    }

    private func list(_ texts: [String]) -> String { texts.isEmpty ? "[]" : "[\n        " + texts.joined(separator: "\n        ") + "\n    ]" }
    private func moment(_ milliseconds: Int64) -> String { NumberText.duration(milliseconds: milliseconds) }
}

private struct NobodyToTell: AlertReceiver {
    func receive(_ alerts: [Alert], at time: Timestamp) async {}
}

/// A unit test's time is given with each evaluation.
private struct TimeZero: WallClock {
    var nanoseconds: Int64 { 0 }
}
