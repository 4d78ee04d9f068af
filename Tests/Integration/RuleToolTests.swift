import Runtime
import TestKit
import Testing

/// Debian's tools, which scripts/setup --with-test-tools unpacks.
enum DebianTool {
    static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
    static let promtool = "\(root)/.build-tools/usr/bin/promtool"
    static let alertmanager = "\(root)/.build-tools/usr/bin/prometheus-alertmanager"
    /// Before a command: a mount namespace in which Alertmanager finds its templates where Debian's build looks for them.
    static let inPlace = [
        "unshare", "-rm", "sh", "-c",
        """
        mount --bind \(root)/.build-tools/usr/share/prometheus /mnt && mount -t tmpfs none /usr/share &&
        mkdir /usr/share/prometheus && mount --move /mnt /usr/share/prometheus && exec "$@"
        """, "sh",
    ]
    static let hasPromtool = HostFileSystem().exists(promtool)
    static let hasAlertmanager = HostFileSystem().exists(alertmanager)
}

/// `binnacle check rules` and `binnacle test rules` beside Debian's promtool on the same files.
@Suite(.enabled(if: DebianTool.hasPromtool, "scripts/setup --with-test-tools fetches promtool"), .timeLimit(.minutes(5)))
struct RuleToolTests {
    private static func rules(_ text: String, group: String = "name: g") -> String { "groups: [{\(group), rules: [\(text)]}]\n" }

    static let good: [String] = [
        "groups: []\n", rules("{record: a, expr: up}"), rules("{record: 'a:b', expr: 'sum by (job) (rate(x_total[5m]))', labels: {k: v}}"),
        rules("{alert: A, expr: up == 0, for: 5m, labels: {severity: page}, annotations: {summary: '{{ $labels.job }} {{ $value | humanize }}'}}"),
        rules("{alert: A, expr: up, keep_firing_for: 1h}"), rules("{alert: A, expr: up, for: 0s}"), rules("{alert: A, expr: 1}"),
        rules("{record: a, expr: up}", group: "name: g, interval: 30s, limit: 5"),
        rules("{record: a, expr: up}, {record: a, expr: up, labels: {x: y}}"),
        rules("{alert: A, expr: up, annotations: {a: '{{ range query \"up\" }}{{ .Labels.job }}{{ end }}{{ if gt $value 1.0 }}x{{ else }}y{{ end }}'}}"),
        rules("{alert: A, expr: up, annotations: {a: '{{ printf \"%.2f\" $value }} {{ $externalURL }} {{ reReplaceAll \"a(.)\" \"$1\" $labels.job }}'}}"),
    ]

    static let bad: [String] = [
        "groups: {}\n", "rules: []\n", "groups: [{rules: []}]\n", "[]\n", "groups: [\n", rules("{record: a}"), rules("{expr: up}"),
        rules("{record: a, alert: B, expr: up}"), rules("{record: a, expr: 'sum('}"), rules("{record: a, expr: 'nosuch(up)'}"),
        rules("{record: a, expr: up, for: 5m}"), rules("{record: a, expr: up, annotations: {x: y}}"), rules("{record: a, expr: up, keep_firing_for: 5m}"),
        rules("{alert: A, expr: up, for: five}"), rules("{alert: A, expr: up, for: 5}"), rules("{alert: A, expr: up, hold: 5m}"),
        rules("{alert: A, expr: up, labels: [x]}"), rules("{alert: A, expr: up, annotations: {a: '{{ $labels.job '}}"),
        rules("{alert: A, expr: up, annotations: {a: '{{ nosuch 1 }}'}}"), rules("{alert: A, expr: up, annotations: {a: '{{ if }}x{{ end }}'}}"),
        rules("{alert: A, expr: up, labels: {__name__: x}}"), rules("{record: 'a{b}', expr: up}"),
        "groups: [{name: g, rules: []}, {name: g, rules: []}]\n", rules("{record: a, expr: up}", group: "name: g, interval: often"),
        rules("{record: a, expr: up}", group: "name: g, intervall: 5s"), rules("{record: a, expr: 'up[5m]'}").replacing("up[5m]", with: "up[5m"),
    ]

    /// Both verdicts; true is well.
    private func verdicts(_ command: [String], _ path: String) async throws -> (ours: Bool, theirs: Bool, text: String) {
        let ours = try await Program.run([Instance.binnacle] + command + [path])
        let theirs = try await Program.run([DebianTool.promtool] + command + [path])
        #expect(ours.status == 0 || ours.status == 1, "\(ours.description)")
        return (ours.status == 0, theirs.status == 0, "binnacle: \(ours.description)\npromtool: \(theirs.description)")
    }

    @Test(arguments: (good.map { ($0, true) } + bad.map { ($0, false) }))
    func `check rules gives promtool's verdict`(text: String, isGood: Bool) async throws {
        let directory = TemporaryDirectory("check")
        try HostFileSystem().write(directory.file("rules.yml"), Array(text.utf8))
        let (ours, theirs, said) = try await verdicts(["check", "rules"], directory.file("rules.yml"))
        #expect(ours == theirs, "\(text)\n\(said)")
        #expect(ours == isGood, "\(text)\n\(said)")
    }

    private static let testedRules = """
        groups:
        - name: g
          rules:
          - {record: 'job:up:sum', expr: 'sum by (job) (up)'}
          - {alert: Down, expr: 'up == 0', for: 2m, labels: {severity: page}, annotations: {summary: '{{ $labels.instance }} is down'}}
          - {alert: Fast, expr: 'rate(c_total[5m]) > 0.5', annotations: {value: '{{ $value | humanize }}'}}

        """

    /// Checks behind the series of one test; true if they hold.
    static let checks: [(String, Bool)] = [
        ("alert_rule_test: [{eval_time: 3m, alertname: Down}]", true),
        ("alert_rule_test: [{eval_time: 4m, alertname: Down}]", false),
        ("alert_rule_test: [{eval_time: 4m, alertname: Down, exp_alerts: [{exp_labels: {job: a, instance: x}}]}]", false),
        ("alert_rule_test: [{eval_time: 4m, alertname: Down, exp_alerts: [" + down + "]}]", true),
        ("alert_rule_test: [{eval_time: 4m30s, alertname: Down, exp_alerts: [" + down + "]}]", true),
        ("alert_rule_test: [{eval_time: 8m, alertname: Down}]", true),
        ("alert_rule_test: [{eval_time: 4m, alertname: Down, exp_alerts: [" + down.replacing("page", with: "info") + "]}]", false),
        ("promql_expr_test: [{expr: 'job:up:sum', eval_time: 4m, exp_samples: [{labels: 'job:up:sum{job=\"a\"}', value: 1}]}]", true),
        ("promql_expr_test: [{expr: 'job:up:sum', eval_time: 4m, exp_samples: [{labels: '{job=\"a\"}', value: 1}]}]", false),
        ("promql_expr_test: [{expr: 'sum(up)', eval_time: 4m, exp_samples: [{labels: '{}', value: 2}]}]", false),
        ("promql_expr_test: [{expr: 'count(ALERTS{alertstate=\"firing\"})', eval_time: 5m, exp_samples: [{labels: '{}', value: 2}]}]", true),
        ("promql_expr_test: [{expr: 'nothing', eval_time: 5m}]", true), ("promql_expr_test: [{expr: 'sum(', eval_time: 5m}]", false),
        ("alert_rule_test: [{eval_time: soon, alertname: Down}]", false), ("alert_test: []", false),
        ("alert_rule_test: [{eval_time: 8m, alertname: Fast, exp_alerts: [{exp_labels: {}, exp_annotations: {value: '1'}}]}]", true),
    ]
    private static let down = "{exp_labels: {severity: page, job: a, instance: x}, exp_annotations: {summary: x is down}}"

    @Test(arguments: checks) func `test rules gives promtool's verdict`(check: String, isGood: Bool) async throws {
        let directory = TemporaryDirectory("test")
        let text = """
            rule_files: ['rul*.yml']
            evaluation_interval: 1m
            tests:
            - interval: 1m
              input_series:
              - {series: 'up{job="a", instance="x"}', values: '1 1 0x4 1'}
              - {series: 'up{job="a", instance="y"}', values: '1x10'}
              - {series: 'c_total', values: '0+60x10'}
              \(check)

            """
        try HostFileSystem().write(directory.file("rules.yml"), Array(Self.testedRules.utf8))
        try HostFileSystem().write(directory.file("tests.yml"), Array(text.utf8))
        let (ours, theirs, said) = try await verdicts(["test", "rules"], directory.file("tests.yml"))
        #expect(ours == theirs, "\(check)\n\(said)")
        #expect(ours == isGood, "\(check)\n\(said)")
    }

    @Test func `the built-in alerts pass promtool too`() async throws {
        let directory = TemporaryDirectory("built-in")
        let printed = try await Program.run([Instance.binnacle, "alerts", "--built-in"])
        try HostFileSystem().write(directory.file("rules.yml"), Array(printed.output.utf8))
        let checked = try await verdicts(["check", "rules"], directory.file("rules.yml"))
        #expect(checked.ours && checked.theirs, "\(checked.text)")
        let tested = try await verdicts(["test", "rules"], "\(DebianTool.root)/Tests/Aggregator/Alerting/RuleFiles/default-rules-test.yaml")
        #expect(tested.ours && tested.theirs, "\(tested.text)")
    }
}
