@testable import Alerting
import Telemetry
import Testing

@Suite struct RuleTestRunnerTests {
    static let rules = """
        groups:
        - name: g
          rules:
          - {record: 'job:up:sum', expr: 'sum by (job) (up)'}
          - alert: Down
            expr: up == 0
            for: 2m
            labels: {severity: page}
            annotations: {summary: '{{ $labels.instance }} of {{ $externalLabels.cluster }} is down'}
        """

    private func failures(_ tests: String) async throws -> [String] {
        let (rules, ruleErrors) = RuleFile.parse(Array(Self.rules.utf8), path: "rules.yml")
        let (file, errors) = RuleTestFile.parse(Array(tests.utf8), path: "tests.yml")
        #expect(ruleErrors + errors == [])
        return await RuleTestRunner(file: file, rules: [rules]).failures()
    }

    private func test(_ checks: String) -> String {
        """
        rule_files: [rules.yml]
        tests:
        - interval: 1m
          external_labels: {cluster: home}
          input_series:
          - {series: 'up{job="a", instance="x"}', values: '1 1 0x4 1'}
          - {series: 'up{job="a", instance="y"}', values: '1x10'}
        \(checks)
        """
    }

    @Test func `rules that do as they should pass`() async throws {
        let checks = """
              alert_rule_test:
              - {eval_time: 3m, alertname: Down}
              - eval_time: 4m
                alertname: Down
                exp_alerts:
                - exp_labels: {severity: page, job: a, instance: x}
                  exp_annotations: {summary: x of home is down}
              - {eval_time: 8m, alertname: Down}
              promql_expr_test:
              - expr: job:up:sum
                eval_time: 4m
                exp_samples: [{labels: 'job:up:sum{job="a"}', value: 1}]
              - expr: count(ALERTS{alertstate="firing"})
                eval_time: 5m
                exp_samples: [{labels: '{}', value: 1}]
            """
        #expect(try await failures(test(checks)) == [])
    }

    @Test(arguments: [
        ("  alert_rule_test: [{eval_time: 4m, alertname: Down}]", "exp: []\n    got: [\n        Labels:{"),
        ("  alert_rule_test: [{eval_time: 4m, alertname: Up}]", "no alert is named Up"),
        ("  promql_expr_test: [{expr: sum(up), eval_time: 4m, exp_samples: [{labels: '{}', value: 7}]}]", "exp: [\n        {} 7"),
        ("  promql_expr_test: [{expr: 'sum(up', eval_time: 4m}]", "err: "),
    ])
    func `what differs is shown`(checks: String, part: String) async throws {
        let found = try await failures(test(checks)).joined()
        #expect(found.contains(part), "\(found)")
    }

    @Test(
        arguments: [
            ("1 2 3", [1, 2, 3]), ("1+2x3", [1, 3, 5, 7]), ("10-5x2", [10, 5, 0]), ("3x2", [3, 3, 3]), ("_x2 1", [nil, nil, 1]), ("-1-1x1", [-1, -2]),
            ("1e2+1e1x1", [100, 110]), ("_ 4 _", [nil, 4, nil]),
        ] as [(String, [Double?])])
    func `the notation of values`(text: String, values: [Double?]) throws {
        #expect(try SeriesNotation.values(text) == values)
    }

    @Test(arguments: ["a", "1+x3", "1x-1", "1x99999999999", "x5", "1++2x2"])
    func `bad values are refused`(text: String) {
        #expect(throws: SeriesNotation.Problem.self) { try SeriesNotation.values(text) }
    }

    @Test func `stale ends a series`() throws {
        #expect(try SeriesNotation.values("1 stale")[1]?.isStale == true)
    }
}
