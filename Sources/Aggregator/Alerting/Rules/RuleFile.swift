import PromQL
import Telemetry

/// A file of rules in Prometheus' form: groups whose rules run in order at one moment.
public struct RuleFile: Sendable, Hashable {
    /// As it was named to us.
    public var path: String
    public var groups: [RuleGroup]

    public init(path: String, groups: [RuleGroup]) {
        self.path = path
        self.groups = groups
    }
}

public struct RuleGroup: Sendable, Hashable {
    /// Unique within its file.
    public var name: String
    public var file: String
    /// How often it runs; nil is the default of the program.
    public var interval: Duration?
    /// The most series or alerts that a rule may yield; 0 is no limit.
    public var limit = 0
    /// Rules look at this long ago, for data that comes late.
    public var queryOffset: Duration?
    /// Added to each rule's result; a rule's own win.
    public var labels: [String: String] = [:]
    public var rules: [Rule]

    public init(name: String, file: String, rules: [Rule]) {
        self.name = name
        self.file = file
        self.rules = rules
    }
}

public struct Rule: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// The result is stored under this name.
        case recording(metric: String)
        case alerting(AlertRule)
    }
    public var kind: Kind
    /// As it stands in the file.
    public var query: String
    /// As it was parsed.
    public var expression: Expression
    /// Of an alert these are templates.
    public var labels: [String: String] = [:]

    public init(kind: Kind, query: String, expression: Expression) {
        self.kind = kind
        self.query = query
        self.expression = expression
    }

    /// The metric's or the alert's name.
    public var name: String {
        switch kind {
        case .recording(let metric): metric
        case .alerting(let alert): alert.name
        }
    }
}

/// What makes a rule an alert.
public struct AlertRule: Sendable, Hashable {
    public var name: String
    /// How long the expression must hold before the alert fires: `for`.
    public var hold: Duration = .zero
    /// How long it goes on firing when the expression holds no more.
    public var keepFiring: Duration = .zero
    /// Templates.
    public var annotations: [String: String] = [:]

    public init(name: String) { self.name = name }
}
