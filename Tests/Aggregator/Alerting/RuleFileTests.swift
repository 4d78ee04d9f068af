import Alerting
import Telemetry
import Testing

@Suite struct RuleFileTests {
    @Test(
        arguments: [
            ("{{ nosuch 1 }}", "function \"nosuch\" not defined"), ("{{ $nosuch }}", "undefined variable \"$nosuch\""),
            ("{{ if true }}{{ $x := 1 }}{{ end }}{{ $x }}", "undefined variable \"$x\""), ("{{ $x = 1 }}", "undefined variable \"$x\""),
            ("{{ range $i, $e := query \"up\" }}{{ $i }}{{ $e.Value | humanize }}{{ end }}", nil), ("{{ $x := $value }}{{ $x | printf \"%v\" }}", nil),
            ("{{ with $x := $labels.job }}{{ $x }}{{ else }}{{ $x }}{{ end }}{{ and true (not false) }}", nil),
        ] as [(String, String?)])
    func `what a template may not name is said before it is run`(text: String, problem: String?) {
        let rules = "groups: [{name: g, rules: [{alert: A, expr: up, annotations: {a: '\(text)'}}]}]"
        let errors = RuleFile.parse(Array(rules.utf8), path: "r.yml").errors
        #expect(errors.count == (problem == nil ? 0 : 1), "\(errors)")
        if let problem { #expect("\(errors)".contains(problem.replacing("\"", with: "\\\"")) || errors[0].problem == problem) }
    }

    @Test func `reads groups, rules and durations`() throws {
        let (file, errors) = RuleFile.parse(
            Array(
                """
                groups:
                - name: node
                  interval: 30s
                  limit: 10
                  labels: {team: infra}
                  rules:
                  - record: job:up:sum
                    expr: sum by (job) (up)
                    labels: {kind: sum}
                  - alert: Down
                    expr: up == 0
                    for: 1h30m
                    keep_firing_for: 5m
                    labels: {severity: page}
                    annotations: {summary: "{{ $labels.instance }} is down"}
                - name: empty
                """.utf8), path: "a.yml")
        #expect(errors == [])
        #expect(file.groups.map(\.name) == ["node", "empty"])
        let group = file.groups[0]
        #expect(group.interval == .seconds(30))
        #expect(group.limit == 10)
        #expect(group.rules.map(\.name) == ["job:up:sum", "Down"])
        guard case .alerting(let alert) = group.rules[1].kind else { return #expect(Bool(false), "not an alert") }
        #expect(alert.hold == .seconds(5400))
        #expect(alert.keepFiring == .seconds(300))
        #expect(group.rules[1].labels == ["severity": "page"])
    }

    @Test(arguments: [
        ("groups: 3", "groups: expected a list, found a number"),
        ("group: []", "unknown field \"group\""),
        ("groups: [{rules: []}]", "group 1: has no name"),
        ("groups: [{name: a}, {name: a}]", "named twice"),
        ("groups: [{name: a, interval: fast}]", "interval: expected a duration"),
        ("groups: [{name: a, rules: [{expr: up}]}]", "one of record and alert must be set"),
        ("groups: [{name: a, rules: [{record: x, alert: y, expr: up}]}]", "only one of record and alert"),
        ("groups: [{name: a, rules: [{record: x}]}]", "rule 1 (x), expr: is not set"),
        ("groups: [{name: a, rules: [{record: x, expr: 'sum(up'}]}]", "rule 1 (x), expr: "),
        ("groups: [{name: a, rules: [{record: x, expr: up, for: 1m}]}]", "for: is for alerts only"),
        ("groups: [{name: a, rules: [{alert: x, expr: up, keepFiringFor: 1m}]}]", "did you mean keep_firing_for?"),
        ("groups: [{name: a, rules: [{alert: x, expr: up, labels: {__name__: y}}]}]", "cannot be set by a rule"),
        ("groups: [{name: a, rules: [{alert: x, expr: up, annotations: {d: '{{ if }}'}}]}]", "annotations, d: missing value"),
        ("groups: [", "a.yml:"),
    ])
    func `says what is wrong and where`(text: String, part: String) {
        let (_, errors) = RuleFile.parse(Array(text.utf8), path: "a.yml")
        #expect(errors.contains { "\($0)".contains(part) }, "\(errors)")
    }

    @Test func `one mistake does not hide another`() {
        let (file, errors) = RuleFile.parse(
            Array("groups: [{name: a, interval: x, rules: [{record: b, expr: '('}, {record: c, expr: up}]}]".utf8), path: "a.yml")
        #expect(errors.count == 2)
        #expect(file.groups[0].rules.map(\.name) == ["c"])
    }
}
