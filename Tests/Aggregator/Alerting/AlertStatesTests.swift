import Alerting
import Telemetry
import Testing

@Suite struct AlertStatesTests {
    static let labels: Labels = ["alertname": "Down", "pod": "a"]

    private func hit(_ labels: Labels = Self.labels, value: Double = 1) -> AlertStates.Hit { .init(labels: labels, annotations: [:], value: value) }
    private func at(_ seconds: Int) -> Timestamp { Timestamp(milliseconds: Int64(1_000_000 + seconds) * 1000) }

    /// One letter an evaluation, a minute apart: does the expression hold? And the state after each.
    @Test(arguments: [
        (hold: 0, keep: 0, holds: "x.", states: "fi"),
        (hold: 60, keep: 0, holds: "xx.", states: "pfi"),
        (hold: 120, keep: 0, holds: "x.xxx.", states: "p-ppfi"),
        (hold: 0, keep: 120, holds: "x...x", states: "fffif"),
        (hold: 0, keep: 120, holds: "x.x...", states: "fffffi"),
        (hold: 60, keep: 60, holds: "xx..", states: "pffi"),
    ])
    func `goes through pending and firing`(hold: Int, keep: Int, holds: String, states: String) throws {
        var rule = AlertRule(name: "Down")
        rule.hold = .seconds(hold)
        rule.keepFiring = .seconds(keep)
        var alerts = AlertStates()
        var seen = ""
        for (minute, mark) in holds.enumerated() {
            try alerts.advance(mark == "x" ? [hit()] : [], rule: rule, limit: 0, now: at(minute * 60))
            let letter =
                switch alerts.alerts[Self.labels]?.state {
                case .pending: "p"
                case .firing: "f"
                case .inactive: "i"
                case nil: "-"
                }
            seen += letter
        }
        #expect(seen == states)
    }

    @Test func `an ended alert is remembered for 15 minutes, and comes back as a new one`() throws {
        let rule = AlertRule(name: "Down")
        var alerts = AlertStates()
        try alerts.advance([hit()], rule: rule, limit: 0, now: at(0))
        try alerts.advance([], rule: rule, limit: 0, now: at(60))
        try alerts.advance([], rule: rule, limit: 0, now: at(60 + 900))
        #expect(alerts.alerts.count == 1)
        try alerts.advance([], rule: rule, limit: 0, now: at(60 + 901))
        #expect(alerts.alerts.isEmpty)
        try alerts.advance([hit()], rule: rule, limit: 0, now: at(2000))
        try alerts.advance([], rule: rule, limit: 0, now: at(2060))
        try alerts.advance([hit()], rule: rule, limit: 0, now: at(2120))
        #expect(alerts.alerts[Self.labels]?.activeAt == at(2120))
        #expect(alerts.alerts[Self.labels]?.resolvedAt == nil)
    }

    @Test func `shows itself as series`() throws {
        var rule = AlertRule(name: "Down")
        rule.hold = .seconds(60)
        var alerts = AlertStates()
        try alerts.advance([hit()], rule: rule, limit: 0, now: at(0))
        #expect(
            alerts.samples == [
                RuleSample(labels: ["__name__": "ALERTS", "alertname": "Down", "alertstate": "pending", "pod": "a"], value: 1),
                RuleSample(labels: ["__name__": "ALERTS_FOR_STATE", "alertname": "Down", "pod": "a"], value: 1_000_000),
            ])
        try alerts.advance([], rule: rule, limit: 0, now: at(60))
        #expect(alerts.samples == [])
    }

    @Test func `two elements of the same labels are refused, and nothing changes`() throws {
        var alerts = AlertStates()
        try alerts.advance([hit()], rule: AlertRule(name: "Down"), limit: 0, now: at(0))
        let before = alerts
        #expect(throws: AlertStates.Problem.duplicate(Self.labels)) {
            try alerts.advance([hit(), hit(value: 2)], rule: AlertRule(name: "Down"), limit: 0, now: at(60))
        }
        #expect(alerts == before)
    }

    @Test func `over the limit all alerts are dropped`() throws {
        var alerts = AlertStates()
        let hits = (0..<3).map { hit(["alertname": "Down", "pod": "\($0)"]) }
        #expect(throws: AlertStates.Problem.limit(2, count: 3)) { try alerts.advance(hits, rule: AlertRule(name: "Down"), limit: 2, now: at(0)) }
        #expect(alerts.alerts.isEmpty)
    }

    @Test func `is told when it fires, again after the resend delay, and once more when it ends`() throws {
        var alerts = AlertStates()
        let rule = AlertRule(name: "Down")
        var told: [String] = []
        for (second, holds) in [(0, true), (15, true), (60, true), (75, false), (90, false), (135, false)] {
            try alerts.advance(holds ? [hit()] : [], rule: rule, limit: 0, now: at(second))
            for alert in alerts.takeDue(now: at(second), resendDelay: .seconds(60), interval: .seconds(15)) {
                told.append("\(second) \(alert.state)")
                #expect(alert.validUntil == at(second + 240))
            }
        }
        #expect(told == ["0 firing", "60 firing", "75 inactive", "135 inactive"])
    }

    /// Hold of 20 minutes, active since 0; written until `written`, up again at `now` (minutes).
    @Test(arguments: [
        (written: 5, now: 8, active: 3 as Int?), (written: 25, now: 30, active: 0), (written: 15, now: 16, active: 6),
        (written: 5, now: 66, active: nil),
    ])
    func `takes up the time before a restart`(written: Int, now: Int, active: Int?) {
        let restored = AlertRestoration().activeAt(
            storedActiveAt: at(0), lastWritten: at(written * 60), hold: .seconds(1200), now: at(now * 60))
        #expect(restored == active.map { at($0 * 60) })
    }

    @Test func `a short alert is not restored`() {
        #expect(AlertRestoration().activeAt(storedActiveAt: at(0), lastWritten: at(60), hold: .seconds(300), now: at(120)) == nil)
    }
}
