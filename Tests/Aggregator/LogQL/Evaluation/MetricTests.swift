import Telemetry
import Testing

@testable import LogQL

@Suite struct MetricTests {
    /// Lines at seconds 10, 20 … 100: web from pods a and b in turn with a duration in JSON; at 95 one that is not JSON.
    static let source: MemorySource = {
        var rows: [MemorySource.Row] = []
        for number in 1...10 {
            let pod = number % 2 == 0 ? "b" : "a"
            rows.append(
                .init(
                    stream: ["app": "web", "pod": pod], time: Int64(number) * 10 * second,
                    line: #"{"ms":\#(number),"took":"\#(number)s","size":"\#(number)KB"}"#,
                    severity: number > 7 ? .error : .info))
        }
        rows.append(.init(stream: ["app": "bad", "pod": "c"], time: 95 * second, line: "oops"))
        return MemorySource(rows: rows)
    }()

    static let table: [(String, [String])] = [
        // Windows are open at their start and closed at their end.
        (#"sum(count_over_time({app="web"}[10s]))"#, ["{} 1"]), (#"sum(count_over_time({app="web"}[11s]))"#, ["{} 2"]),
        (#"sum(count_over_time({app="web"}[20s] offset 10s))"#, ["{} 2"]),
        (
            #"count_over_time({app="web"}[50s])"#,
            [
                #"{app="web", detected_level="error", pod="a"} 1"#, #"{app="web", detected_level="error", pod="b"} 2"#,
                #"{app="web", detected_level="info", pod="a"} 1"#,
                #"{app="web", detected_level="info", pod="b"} 1"#,
            ]
        ),
        (#"sum by (pod) (rate({app="web"}[100s]))"#, [#"{pod="a"} 0.05"#, #"{pod="b"} 0.05"#]),
        (#"sum without (pod, detected_level) (rate({app="web"}[100s]))"#, [#"{app="web"} 0.1"#]),
        (#"sum by (app) (bytes_over_time({app="bad"}[100s]))"#, [#"{app="bad"} 4"#]),
        (#"sum(bytes_rate({app="bad"} | line_format "123456" [2s] offset 4s))"#, ["{} 3"]),
        (#"absent_over_time({app="none", pod=~"x"}[100s])"#, [#"{app="none"} 1"#]), (#"absent_over_time({app="web"}[100s])"#, []),
        (#"sum(sum_over_time({app="web"} | json | unwrap ms [100s]))"#, ["{} 55"]), (#"sum(rate({app="web"} | json | unwrap ms [100s]))"#, ["{} 0.55"]),
        (#"avg_over_time({app="web"} | json | unwrap ms [100s]) by (app)"#, [#"{app="web"} 5.5"#]),
        (#"min_over_time({app="web"} | json | unwrap ms [50s]) by (pod)"#, [#"{pod="a"} 7"#, #"{pod="b"} 6"#]),
        (#"max_over_time({app="web"} | json | unwrap ms [50s]) by (pod)"#, [#"{pod="a"} 9"#, #"{pod="b"} 10"#]),
        (#"first_over_time({app="web"} | json | unwrap ms [50s]) by (app)"#, [#"{app="web"} 6"#]),
        (#"last_over_time({app="web"} | json | unwrap ms [50s]) by (app)"#, [#"{app="web"} 10"#]),
        (#"stdvar_over_time({app="web"} | json | unwrap ms [100s]) by (app)"#, [#"{app="web"} 8.25"#]),
        (#"stddev_over_time({app="web"} | json | unwrap ms [20s]) by (app)"#, [#"{app="web"} 0.5"#]),
        (#"quantile_over_time(0.5, {app="web"} | json | unwrap ms [100s]) by (app)"#, [#"{app="web"} 5.5"#]),
        (#"quantile_over_time(2, {app="web"} | json | unwrap ms [100s]) by (app)"#, [#"{app="web"} +Inf"#]),
        (#"sum(sum_over_time({app="web"} | json | unwrap duration(took) [20s]))"#, ["{} 19"]),
        (#"sum(sum_over_time({app="web"} | json | unwrap bytes(size) [10s]))"#, ["{} 10000"]),
        (#"sum(rate_counter({app="web"} | json ms="ms" | drop detected_level, pod | unwrap ms [40s]))"#, ["{} 0.1"]),
        // Aggregations.
        (#"topk(1, sum by (pod) (sum_over_time({app="web"} | json | unwrap ms [100s])))"#, [#"{pod="b"} 30"#]),
        (#"bottomk(1, sum by (pod) (sum_over_time({app="web"} | json | unwrap ms [100s])))"#, [#"{pod="a"} 25"#]),
        (#"sort_desc(sum by (pod) (sum_over_time({app="web"} | json | unwrap ms [100s])))"#, [#"{pod="b"} 30"#, #"{pod="a"} 25"#]),
        (#"approx_topk(1, sum by (pod) (sum_over_time({app="web"} | json | unwrap ms [100s])))"#, [#"{pod="b"} 30"#]),
        (#"count(count_over_time({app="web"}[100s]))"#, ["{} 4"]), (#"avg(sum by (pod) (sum_over_time({app="web"} | json | unwrap ms [100s])))"#, ["{} 27.5"]),
        (#"stddev(sum by (pod) (sum_over_time({app="web"} | json | unwrap ms [100s])))"#, ["{} 2.5"]),
        (
            #"max(sum by (pod) (sum_over_time({app="web"} | json | unwrap ms [100s]))) - min(sum by (pod) (sum_over_time({app="web"} | json | unwrap ms [100s])))"#,
            ["{} 5"]
        ),
        // Operators.
        ("vector(1)+vector(1)", ["{} 2"]), ("1 + 2 * 3", ["7"]), ("2 ^ 3 ^ 2", ["512"]), ("7 % 4", ["3"]), ("1 / 0", ["+Inf"]), ("1 > 2", ["0"]),
        ("1 > bool 0", ["1"]),
        ("vector(3) > 2", ["{} 3"]), ("vector(1) > 2", []), ("vector(1) > bool 2", ["{} 0"]), ("2 > vector(1)", ["{} 1"]),
        (
            #"sum by (pod) (count_over_time({app="web"}[100s])) / on () group_left () sum(count_over_time({app="web"}[100s]))"#,
            [#"{pod="a"} 0.5"#, #"{pod="b"} 0.5"#]
        ),
        (#"sum by (pod) (count_over_time({app="web"}[100s])) and sum by (pod) (count_over_time({pod="a"}[100s]))"#, [#"{pod="a"} 5"#]),
        (#"sum by (pod) (count_over_time({app="web"}[100s])) unless sum by (pod) (count_over_time({pod="a"}[100s]))"#, [#"{pod="b"} 5"#]),
        (#"sum by (pod) (count_over_time({pod="a"}[100s])) or sum by (pod) (count_over_time({}[100s]))"#, [#"{pod="a"} 5"#, #"{pod="b"} 5"#, #"{pod="c"} 1"#]),
        (#"label_replace(sum by (pod) (count_over_time({pod="a"}[100s])), "x", "$1!", "pod", "(.*)")"#, [#"{pod="a", x="a!"} 5"#]),
        (#"label_replace(sum by (pod) (count_over_time({pod="a"}[100s])), "pod", "", "pod", ".*")"#, ["{} 5"]),
        // Errors that a filter takes out.
        (#"sum(count_over_time({} | json | __error__="" [100s]))"#, ["{} 10"]),
        (#"sum(count_over_time({} | json | __error__!="" | drop __error__, __error_details__ [100s]))"#, ["{} 1"]),
        (#"sum(sum_over_time({app="web"} | json | unwrap took | __error__="" [100s]))"#, []),
    ]

    @Test(arguments: table) func `a metric query has these values at second 100`(query: String, expected: [String]) async throws {
        #expect(try await MetricTests.source.value(query, at: 100) == expected)
    }

    @Test func `an unwrapped label is no label of the series`() async throws {
        let values = try await MetricTests.source.value(#"sum_over_time({app="web"} | json | unwrap ms [10s])"#, at: 100)
        #expect(values == [#"{app="web", detected_level="error", pod="b", size="10KB", took="10s"} 10"#])
    }

    @Test func `steps are filled each by its window`() async throws {
        guard case .metric(let metric) = try LogExpression.parse(#"sum(count_over_time({app="web"}[30s]))"#) else { return }
        let result = try await LogEngine(MetricTests.source).metric(metric, LogSteps(from: 0, through: 140 * second, step: 20 * second))
        guard case .vector(let series) = result.value else { return }
        #expect(series.map { $0.values.map { $0.isAbsent ? -1 : $0 } } == [[-1, 2, 3, 3, 3, 3, 1, -1]])
    }

    @Test(arguments: [
        (#"sum(count_over_time({} | json [100s]))"#, LogQLError.Kind.pipeline, "pipeline error: 'JSONParserErr' for series: '{__error__=\"JSONParserErr\""),
        (#"sum(sum_over_time({app="web"} | json | unwrap took [100s]))"#, .pipeline, "pipeline error: 'SampleExtractionErr'"),
        (
            #"sum by (pod) (count_over_time({app="web"}[100s])) / on () sum by (app) (count_over_time({}[100s]))"#, .pipeline,
            "found duplicate series for the match group {}"
        ),
        (
            #"sum by (pod) (count_over_time({app="web"}[100s])) / on () sum(count_over_time({}[100s]))"#, .pipeline,
            "multiple matches for labels {}: many-to-one"
        ),
        (#"sum(count_over_time({app="web"} | since "deploy/web" [100s]))"#, .pipeline, "since: nothing is known of the start of \"deploy/web\""),
    ]) func `a query that cannot be answered says why`(query: String, kind: LogQLError.Kind, message: String) async throws {
        let error = await #expect(throws: LogQLError.self) { try await MetricTests.source.value(query, at: 100) }
        #expect(error?.kind == kind)
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test func `limits are of a kind of their own`() async throws {
        var options = LogEngine.Options()
        options.maximumSeries = 3
        var error = await #expect(throws: LogQLError.self) {
            try await MetricTests.source.value(#"count_over_time({app="web"}[100s])"#, at: 100, options: options)
        }
        #expect(error?.kind == .limit)
        options.maximumInnerSeries = 1
        error = await #expect(throws: LogQLError.self) {
            try await MetricTests.source.value(#"sum(count_over_time({app="web"} | json [100s])) without (x)"#, at: 100, options: options)
        }
        #expect(error?.kind == .limit)
        options = LogEngine.Options()
        options.isExpired = { true }
        error = await #expect(throws: LogQLError.self) { try await MetricTests.source.value("vector(1)", at: 100, options: options) }
        #expect(error?.kind == .timeout && error?.kind.status == 504)
    }

    @Test(arguments: [
        "sum(count_over_time({}[1m]))", "sum by (pod, detected_level) (rate({}[2m]))",
        #"sum by (level, detected_level) (count_over_time({} | drop __error__ [1m]))"#,
        #"sum(bytes_over_time({app="web"} | detected_level=~"error|warn" [1m]))"#, "absent_over_time({}[1m])",
    ]) func `counts answer as the lines would`(query: String) async throws {
        guard case .metric(let metric) = try LogExpression.parse(query) else { return }
        var source = MetricTests.source
        #expect(source.rows.contains { $0.time % (60 * second) == 0 })
        let steps = LogSteps(from: 60 * second, through: 240 * second, step: 60 * second)
        let plain = try await LogEngine(source).metric(metric, steps)
        source.hasCounts = true
        let counted = try await LogEngine(source).metric(metric, steps)
        #expect(counted.isFromCounts && !plain.isFromCounts)
        guard case .vector(let a) = plain.value, case .vector(let b) = counted.value else { return }
        #expect(a.map(\.labels) == b.map(\.labels))
        #expect(a.map { $0.values.map(\.bitPattern) } == b.map { $0.values.map(\.bitPattern) })
    }

    @Test func `counts do not answer what they cannot know`() async throws {
        var source = MetricTests.source
        source.hasCounts = true
        source.rows[0].fields = ["level": "x"]
        for query in [
            "count_over_time({}[1m])", "sum by (level) (count_over_time({}[1m]))", "sum(count_over_time({}[30s]))", "sum(count_over_time({} |= \"1\" [1m]))",
        ] {
            guard case .metric(let metric) = try LogExpression.parse(query) else { continue }
            #expect(try await LogEngine(source).metric(metric, LogSteps(at: 60 * second)).isFromCounts == false, "\(query)")
        }
    }
}
