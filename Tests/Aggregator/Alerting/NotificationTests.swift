@testable import Alerting
import JSON
import PromQL
import Telemetry
import Testing

@Suite struct NotificationTests {
    static let policyText = """
        external_labels: {cluster: home}
        external_url: http://binnacle:10255
        route:
          receiver: ops
          group_by: [alertname]
          routes:
          - receiver: night
            matchers: ['severity=page', 'pod=~"web.*"']
            group_wait: 0s
            continue: true
          - receiver: ops
            matchers: [severity!=none]
        receivers:
        - name: ops
          webhook_configs: [{url: 'http://x/'}]
        - name: night
          email_configs: [{to: 'a@x, b@x', from: c@x, smarthost: 'mail:25'}]
        inhibit_rules:
        - source_matchers: [severity=page]
          target_matchers: [severity=warning]
          equal: [pod]
        silences:
        - matchers: [alertname=Quiet]
          until: 2001-09-09T02:00:00Z
        """

    private func policy() -> NotificationPolicy {
        let (policy, errors) = NotificationPolicy.parse(Array(Self.policyText.utf8), path: "n.yml")
        #expect(errors == [])
        return policy
    }
    private func at(_ seconds: Int) -> Timestamp { Timestamp(milliseconds: Int64(1_000_000_000 + seconds) * 1000) }
    private func alert(_ name: String, _ labels: [String: String] = [:], _ state: Alert.State = .firing, at time: Int = 0) -> Alert {
        var alert = Alert(labels: Labels(labels.merging(["alertname": name]) { $1 }), annotations: [:], value: 1, activeAt: at(0))
        alert.state = state
        alert.validUntil = at(time + 100_000)
        if state == .inactive { alert.resolvedAt = at(time) }
        return alert
    }
    private func words(_ words: [Notification]) -> [String] {
        words.map { word in "\(word.receiver): " + word.alerts.map { "\($0.labels["alertname"])\($0.state == .firing ? "!" : ".")" }.joined(separator: " ") }
    }

    @Test func `alerts find their routes`() throws {
        let route = try #require(policy().route)
        #expect(route.routes(for: ["severity": "page", "pod": "web-1"]).map(\.route.receiver) == ["night", "ops"])
        #expect(route.routes(for: ["severity": "none"]).map(\.place) == [""])
        #expect(route.routes[0].groupBy == ["alertname"], "a child takes over what it does not say")
    }

    @Test func `a group waits, is told once, again when it changes, and repeated when it does not`() {
        var groups = NotificationGroups(policy: policy())
        groups.receive([alert("Down", ["pod": "a"])], at: at(0))
        #expect(words(groups.takeDue(at: at(29))) == [])
        groups.receive([alert("Down", ["pod": "b"])], at: at(29))
        #expect(words(groups.takeDue(at: at(30))) == ["ops: Down! Down!"])
        #expect(words(groups.takeDue(at: at(330))) == [])
        groups.receive([alert("Down", ["pod": "c"])], at: at(400))
        #expect(words(groups.takeDue(at: at(630))) == ["ops: Down! Down! Down!"])
        groups.receive([alert("Down", ["pod": "c"], .inactive, at: 700)], at: at(700))
        #expect(words(groups.takeDue(at: at(930))) == ["ops: Down! Down! Down."])
        #expect(words(groups.takeDue(at: at(930 + 4 * 3600))) == ["ops: Down! Down!"])
        groups.receive([alert("Down", ["pod": "a"], .inactive, at: 20_000), alert("Down", ["pod": "b"], .inactive, at: 20_000)], at: at(20_000))
        #expect(words(groups.takeDue(at: at(20_300))) == ["ops: Down. Down."])
        #expect(groups.groupCount == 0)
    }

    @Test func `what ends before it was told is no news`() {
        var groups = NotificationGroups(policy: policy())
        groups.receive([alert("Down", ["severity": "x"])], at: at(0))
        groups.receive([alert("Down", ["severity": "x"], .inactive, at: 10)], at: at(10))
        #expect(words(groups.takeDue(at: at(60))) == [])
        groups.receive([alert("Down", [:], .inactive, at: 10)], at: at(70))
        #expect(groups.groupCount == 0)
    }

    @Test func `an alert that nobody renews ends`() {
        var groups = NotificationGroups(policy: policy())
        var short = alert("Down")
        short.validUntil = at(100)
        groups.receive([short], at: at(0))
        #expect(words(groups.takeDue(at: at(30))) == ["ops: Down!"])
        #expect(words(groups.takeDue(at: at(330))) == ["ops: Down."])
    }

    @Test func `silences and inhibition keep quiet for as long as they hold`() {
        var groups = NotificationGroups(policy: policy())
        groups.receive(
            [
                alert("Slow", ["severity": "warning", "pod": "a"]), alert("Slow", ["severity": "warning", "pod": "b"]), alert("Quiet"),
                alert("Dead", ["severity": "page", "pod": "a"]),
            ],
            at: at(0))
        #expect(words(groups.takeDue(at: at(30))).sorted() == ["ops: Dead!", "ops: Slow!"])
        #expect(words(groups.takeDue(at: at(7200))).contains("ops: Quiet!"), "the silence has ended")
    }

    @Test(arguments: [
        ("route: {}", "route.receiver: is not set"), ("route: {receiver: x}", "\"x\" is not among the receivers"),
        ("rout: {}", "unknown field \"rout\""), ("receivers: [{name: a, webhook_configs: [{url: x}]}]", "expected an http://"),
        ("receivers: [{name: a, command_configs: [{command: [rm]}]}]", "whole path"), ("silences: [{comment: x}]", "needs matchers"),
        ("receivers: [{name: a, email_configs: [{to: b@x}]}]", "needs to, from and smarthost"),
        ("receivers: [{name: a, email_configs: [{to: \"b@x\\r\\nDATA\", from: c@x, smarthost: 'm:25'}]}]", "control character"),
        ("inhibit_rules: [{source_matchers: ['a=~(']}]", "inhibit_rules[0].source_matchers"),
        ("route: {receiver: a, group_interval: 0s}\nreceivers: [{name: a}]", "at least 1s"),
    ])
    func `says what is wrong with a policy`(text: String, part: String) {
        let (_, errors) = NotificationPolicy.parse(Array(text.utf8), path: "n.yml")
        #expect(errors.contains { "\($0)".contains(part) }, "\(errors)")
    }

    @Test func `the webhook's body is Alertmanager's`() {
        var ended = alert("Down", ["pod": "b"], .inactive, at: 60)
        ended.firedAt = at(0)
        let word = Notification(receiver: "ops", groupKey: "{}:x", groupLabels: ["alertname": "Down"], alerts: [alert("Down", ["pod": "a"]), ended])
        let body = AlertPayload.webhook(word, policy: policy(), queries: ["Down": "up == 0"])
        #expect(body["status"] == "firing")
        #expect(body["version"] == "4")
        #expect(body["commonLabels"] == ["alertname": "Down"])
        #expect(body["alerts"][0]["endsAt"] == "0001-01-01T00:00:00Z")
        #expect(body["alerts"][1]["endsAt"] == "2001-09-09T01:47:40.000Z")
        #expect(body["alerts"][0]["labels"] == ["alertname": "Down", "cluster": "home", "pod": "a"])
        #expect(body["alerts"][0]["generatorURL"] == "http://binnacle:10255/graph?g0.expr=up%20%3D%3D%200&g0.tab=1")
    }

    @Test func `values are shown with an exponent`() {
        #expect(
            [1, 0, 1234.5, 0.00125, -2, 1e21, .infinity].map(NumberText.scientific) == ["1e+00", "0e+00", "1.2345e+03", "1.25e-03", "-2e+00", "1e+21", "+Inf"])
    }
}
