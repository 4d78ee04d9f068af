import Pattern

/// One condition on a label, as in `{job="api", code!~"5.."}`. An absent label has the value "".
public struct Matcher: Sendable, Hashable, CustomStringConvertible {
    public enum Operation: String, Sendable, Hashable {
        case equal = "="
        case notEqual = "!="
        /// Fully anchored, as all PromQL and LogQL label expressions are.
        case matches = "=~"
        case notMatches = "!~"
    }

    public let name: String
    public let operation: Operation
    public let value: String
    private let pattern: Pattern?

    /// Throws if `value` is not a regular expression where it must be one.
    public init(_ name: String, _ operation: Operation, _ value: String) throws(PatternError) {
        self.name = name
        self.operation = operation
        self.value = value
        switch operation {
        case .equal, .notEqual: pattern = nil
        case .matches, .notMatches: pattern = try Pattern(value, anchored: true)
        }
    }

    /// `name = value`, which cannot fail.
    public init(_ name: String, equals value: String) {
        self.name = name
        self.value = value
        operation = .equal
        pattern = nil
    }

    /// Whether a label of this value satisfies the condition.
    public func accepts(_ candidate: String) -> Bool {
        switch operation {
        case .equal: candidate == value
        case .notEqual: candidate != value
        case .matches: pattern?.matches(candidate) ?? false
        case .notMatches: !(pattern?.matches(candidate) ?? false)
        }
    }

    public func accepts(_ labels: Labels) -> Bool { accepts(labels[name]) }

    /// The values that alone can match, if the condition is `=` or an expression of plain alternatives (`a|b|c`).
    public var literalValues: [String]? {
        switch operation {
        case .equal: [value]
        case .matches: pattern?.literals
        case .notEqual, .notMatches: nil
        }
    }

    public static func == (left: Matcher, right: Matcher) -> Bool {
        left.name == right.name && left.operation == right.operation && left.value == right.value
    }
    public func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(operation)
        hasher.combine(value)
    }

    public var description: String { "\(name)\(operation.rawValue)\"\(value.escapedForLabel)\"" }
}
