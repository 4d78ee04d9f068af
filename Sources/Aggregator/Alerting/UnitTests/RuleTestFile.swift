import JSON
import PromQL
import Telemetry
import YAML

/// A file of unit tests for rules in promtool's form.
public struct RuleTestFile: Sendable {
    struct Series: Sendable {
        var labels: Labels
        var values: [Double?]
    }

    struct AlertCheck: Sendable {
        var time: Timestamp
        var alert: String
        var expected: [(labels: Labels, annotations: [String: String])]
    }

    struct QueryCheck: Sendable {
        var time: Timestamp
        var query: String
        var expected: [RuleSample]
    }

    struct Test: Sendable {
        var name: String
        var interval = Duration.seconds(60)
        var series: [Series] = []
        var alerts: [AlertCheck] = []
        var queries: [QueryCheck] = []
        var externalLabels: [String: String] = [:]
        var externalURL = ""
    }

    public let path: String
    /// As the file names them, relative to it; they may hold `*`.
    public private(set) var ruleFiles: [String] = []
    var evaluationInterval = Duration.seconds(60)
    var groupOrder: [String] = []
    var comparesFuzzily = false
    var tests: [Test] = []

    /// Reads a file; with errors it must not be run.
    public static func parse(_ bytes: [UInt8], path: String) -> (file: RuleTestFile, errors: [RuleFileError]) {
        var file = RuleTestFile(path: path)
        var errors: [RuleFileError] = []
        do {
            let document = try YAMLParser.documents(bytes, file: path).first ?? .null
            try file.read(document)
        } catch let error as RuleFileError {
            errors.append(error)
        } catch {
            errors.append(RuleFileError(file: path, problem: "\(error)"))
        }
        return (file, errors)
    }

    private init(path: String) { self.path = path }

    private mutating func read(_ document: JSON) throws(RuleFileError) {
        try check(document, ["rule_files", "evaluation_interval", "group_eval_order", "tests", "fuzzy_compare", "start_timestamp"], "")
        ruleFiles = (document["rule_files"].array ?? []).compactMap(\.string)
        evaluationInterval = try duration(document["evaluation_interval"], "evaluation_interval") ?? .seconds(60)
        groupOrder = (document["group_eval_order"].array ?? []).compactMap(\.string)
        comparesFuzzily = document["fuzzy_compare"].bool ?? false
        for (position, item) in (document["tests"].array ?? []).enumerated() { tests.append(try test(item, "tests[\(position)]")) }
    }

    private func test(_ document: JSON, _ place: String) throws(RuleFileError) -> Test {
        let fields: Set<String> = [
            "interval", "name", "input_series", "alert_rule_test", "promql_expr_test", "external_labels", "external_url",
        ]
        try check(document, fields, place)
        var test = Test(name: document["name"].string ?? place)
        test.interval = try duration(document["interval"], "\(place).interval") ?? evaluationInterval
        test.externalLabels = document["external_labels"].stringMap
        test.externalURL = document["external_url"].string ?? ""
        for (position, item) in (document["input_series"].array ?? []).enumerated() {
            let place = "\(place).input_series[\(position)]"
            let labels = try labels(item["series"].string ?? "", place)
            do {
                let text = item["values"].string ?? item["values"].double.map(NumberText.string) ?? ""
                test.series.append(Series(labels: labels, values: try SeriesNotation.values(text)))
            } catch {
                throw problem("\(place).values", error.description)
            }
        }
        for (position, item) in (document["alert_rule_test"].array ?? []).enumerated() {
            let place = "\(place).alert_rule_test[\(position)]"
            try check(item, ["eval_time", "alertname", "exp_alerts"], place)
            guard let name = item["alertname"].string else { throw problem("\(place).alertname", "is not set") }
            let expected = (item["exp_alerts"].array ?? []).map { alert in
                (
                    labels: Labels(alert["exp_labels"].stringMap.merging(["alertname": name]) { $1 }),
                    annotations: alert["exp_annotations"].stringMap
                )
            }
            test.alerts.append(AlertCheck(time: try moment(item, place), alert: name, expected: expected))
        }
        for (position, item) in (document["promql_expr_test"].array ?? []).enumerated() {
            let place = "\(place).promql_expr_test[\(position)]"
            try check(item, ["expr", "eval_time", "exp_samples"], place)
            guard let query = item["expr"].string else { throw problem("\(place).expr", "is not set") }
            var expected: [RuleSample] = []
            for (number, sample) in (item["exp_samples"].array ?? []).enumerated() {
                guard let value = sample["value"].double ?? sample["value"].string.flatMap(Double.init) else {
                    throw problem("\(place).exp_samples[\(number)].value", "expected a number")
                }
                expected.append(RuleSample(labels: try labels(sample["labels"].string ?? "", place), value: value))
            }
            test.queries.append(QueryCheck(time: try moment(item, place), query: query, expected: expected))
        }
        return test
    }

    /// `name{label="value"}` as labels; empty text has none.
    private func labels(_ text: String, _ place: String) throws(RuleFileError) -> Labels {
        guard !text.isEmpty, text != "{}" else { return [:] }
        do {
            var pairs: [(String, String)] = []
            for matcher in try Parser.parseSelector(text) {
                guard matcher.operation == .equal else { throw problem(place, "a series has labels with = only: \(text)") }
                pairs.append((matcher.name, matcher.value))
            }
            return Labels(pairs)
        } catch let error as RuleFileError {
            throw error
        } catch {
            throw problem(place, "\"\(text)\": \(error)")
        }
    }

    private func moment(_ document: JSON, _ place: String) throws(RuleFileError) -> Timestamp {
        Timestamp(milliseconds: 0) + (try duration(document["eval_time"], "\(place).eval_time") ?? .zero)
    }

    private func duration(_ document: JSON, _ place: String) throws(RuleFileError) -> Duration? {
        guard !document.isNull else { return nil }
        if document.int == 0 { return .zero }
        guard let text = document.string, let milliseconds = NumberText.parseDuration(Array(text.utf8)) else {
            throw problem(place, "expected a duration such as 1m")
        }
        return .milliseconds(milliseconds)
    }

    private func check(_ document: JSON, _ fields: Set<String>, _ place: String) throws(RuleFileError) {
        guard let members = document.object else { throw problem(place, "expected a map") }
        for name in members.map(\.key) where !fields.contains(name) {
            throw problem(place, "unknown field \"\(name)\"; expected one of \(fields.sorted().joined(separator: ", "))")
        }
    }

    private func problem(_ place: String, _ text: String) -> RuleFileError { RuleFileError(file: path, place: place, problem: text) }
}
