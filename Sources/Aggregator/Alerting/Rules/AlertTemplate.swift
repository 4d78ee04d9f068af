import GoTemplate
import PromQL
import Pattern
import Telemetry

/// Expands the templates of an alert's labels and annotations with Prometheus' data and functions
/// (contracts/metrics.md 4.6).
public struct AlertTemplate: Sendable {
    /// A query inside a template whose answer is not at hand yet: it is asked and the template is run again.
    struct NeedsQuery: Error { var query: String }

    /// So that short names work, as in Prometheus.
    static let prelude =
        "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"
    /// Queries that one template may ask.
    static let maximumQueries = 20

    public var externalLabels: [String: String]
    public var externalURL: String

    public init(externalLabels: [String: String] = [:], externalURL: String = "") {
        self.externalLabels = externalLabels
        self.externalURL = externalURL
    }

    /// The text; a failure is the text that Prometheus would put there, and never stops the alert.
    public func expand(
        _ text: String, name: String, labels: Labels, value: Double, at time: Timestamp, querier: some RuleQuerier
    ) async -> String {
        guard text.contains("{{") else { return text }
        do {
            let template = try Template(Self.prelude + text, name: name)
            let data = TemplateValue.map([
                "Labels": .map(labels.dictionary.mapValues { .string($0) }), "ExternalLabels": .map(externalLabels.mapValues { .string($0) }),
                "ExternalURL": .string(externalURL), "Value": .float(value),
            ])
            var answers: [String: TemplateValue] = [:]
            var options = Template.Options()
            options.invocation = Self.invocation
            while true {
                do {
                    return try template.text(for: data, functions: functions(at: time, answers: answers), options: options)
                } catch let need as NeedsQuery {
                    guard answers.count < Self.maximumQueries else { throw TemplateFailure("more than \(Self.maximumQueries) queries") }
                    answers[need.query] = .list(try await querier.instant(need.query, at: time).map(Self.value))
                }
            }
        } catch {
            return "<error expanding template: \(error)>"
        }
    }

    private static func value(_ sample: RuleSample) -> TemplateValue {
        .map(["Labels": .map(sample.labels.dictionary.mapValues { .string($0) }), "Value": .float(sample.value)])
    }

    /// Everything that a template may call besides Go's own.
    static let functionNames = Set(functions.keys).union(["query", "externalURL", "pathPrefix", invocation])
    private static let invocation = "tmpl"

    private func functions(at time: Timestamp, answers: [String: TemplateValue]) -> [String: TemplateFunction] {
        let externalURL = externalURL
        let own: [String: TemplateFunction] = [
            "query": { arguments in
                let query = try TemplateArguments.text(arguments)
                guard let answer = answers[query] else { throw NeedsQuery(query: query) }
                return answer
            },
            "externalURL": { _ in .string(externalURL) },
            "pathPrefix": { _ in
                // The path of the external address.
                let afterScheme = externalURL.split(separator: "://", maxSplits: 1).last ?? ""
                return .string(afterScheme.firstIndex(of: "/").map { String(afterScheme[$0...]) } ?? "")
            },
        ]
        return own.merging(AlertTemplate.functions) { first, _ in first }
    }
}

/// Reads a function's arguments.
enum TemplateArguments {
    static func text(_ arguments: [TemplateValue], at position: Int = 0) throws -> String {
        guard position < arguments.count else { throw TemplateFailure("expected \(position + 1) arguments, got \(arguments.count)") }
        return arguments[position].text
    }

    /// Numbers, and texts that hold one.
    static func number(_ arguments: [TemplateValue], at position: Int = 0) throws -> Double {
        guard position < arguments.count else { throw TemplateFailure("expected \(position + 1) arguments, got \(arguments.count)") }
        if let number = arguments[position].number { return number }
        guard case .string(let text) = arguments[position], let number = Double(text) else {
            throw TemplateFailure("cannot make a number of \"\(arguments[position].text)\"")
        }
        return number
    }
}
