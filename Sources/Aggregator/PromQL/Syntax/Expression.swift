import Telemetry

/// What an expression yields.
public enum ValueType: String, Sendable, Hashable {
    case scalar
    case string
    case vector
    case matrix

    /// As messages say it.
    public var phrase: String {
        switch self {
        case .scalar: "scalar"
        case .string: "string"
        case .vector: "instant vector"
        case .matrix: "range vector"
        }
    }
}

/// A parsed PromQL expression. Two are equal if they mean the same text, wherever it stood.
public struct Expression: Sendable, Hashable {
    public indirect enum Node: Sendable, Hashable {
        case number(Double)
        case string(String)
        case selector(Selector)
        /// A selector with a range: `foo[5m]`.
        case range(RangeSelector)
        case subquery(Subquery)
        case call(String, [Expression])
        case aggregation(Aggregation)
        /// True is minus.
        case unary(isMinus: Bool, Expression)
        case binary(Binary)
        case parentheses(Expression)
    }

    public var node: Node
    /// Offsets in bytes of the text.
    public var position: Range<Int>

    public init(_ node: Node, at position: Range<Int>) {
        self.node = node
        self.position = position
    }

    public static func == (left: Expression, right: Expression) -> Bool { left.node == right.node }
    public func hash(into hasher: inout Hasher) { hasher.combine(node) }

    public var type: ValueType {
        switch node {
        case .number: .scalar
        case .string: .string
        case .selector, .aggregation: .vector
        case .range, .subquery: .matrix
        case .call(let name, _): Function.named(name)?.result ?? .vector
        case .unary(_, let inner), .parentheses(let inner): inner.type
        case .binary(let binary): binary.left.type == .scalar && binary.right.type == .scalar ? .scalar : .vector
        }
    }

    /// The expression without parentheses around it.
    public var inner: Expression {
        var inner = self
        while case .parentheses(let next) = inner.node { inner = next }
        return inner
    }
}

/// Where a selector or a subquery looks: `offset 5m @ 1700000000`.
public struct TimeShift: Sendable, Hashable {
    public enum Anchor: Sendable, Hashable {
        case time(Timestamp)
        case start
        case end
    }

    public var offset = Length(milliseconds: 0)
    public var anchor: Anchor?
    public init() {}

    public var offsetMilliseconds: Int64 { offset.milliseconds }
}

/// How a selector looks beyond its samples (experimental in Prometheus): `anchored` takes the last sample before a
/// range as its value at the range's start, `smoothed` interpolates at both edges.
public enum SelectorExtension: String, Sendable, Hashable {
    case anchored, smoothed
}

/// `name{label="value"}`.
public struct Selector: Sendable, Hashable {
    /// All conditions, that on the name with them.
    public var matchers: [Matcher]
    public var shift = TimeShift()
    public var looksBeyond: SelectorExtension?

    public init(matchers: [Matcher]) { self.matchers = matchers }

    /// The metric's name, if the selector fixes it.
    public var name: String? {
        matchers.first { $0.name == Labels.metricName && $0.operation == .equal }?.value
    }
}

/// `name{label="value"}[5m]`; the shift is the selector's.
public struct RangeSelector: Sendable, Hashable {
    public var selector: Selector
    public var range: Length
    public init(selector: Selector, range: Length) {
        self.selector = selector
        self.range = range
    }
}

/// `expression[range:step]`.
public struct Subquery: Sendable, Hashable {
    public var inner: Expression
    public var range: Length
    /// Nil is the engine's default.
    public var step: Length?
    public var shift = TimeShift()
    public init(inner: Expression, range: Length, step: Length?) {
        self.inner = inner
        self.range = range
        self.step = step
    }
}

/// `sum by (a) (v)`.
public struct Aggregation: Sendable, Hashable {
    public enum Operation: String, Sendable, Hashable, CaseIterable {
        case sum, avg, min, max, count, group, stddev, stdvar, topk, bottomk, quantile
        case countValues = "count_values"
        case limitk
        case limitRatio = "limit_ratio"

        /// The type of the parameter before the vector, if one is needed.
        var parameter: ValueType? {
            switch self {
            case .topk, .bottomk, .quantile, .limitk, .limitRatio: .scalar
            case .countValues: .string
            default: nil
            }
        }
    }

    public var operation: Operation
    public var parameter: Expression?
    public var inner: Expression
    /// True: the labels are those to leave out.
    public var isWithout: Bool
    public var labels: [String]
}

/// `left op right`.
public struct Binary: Sendable, Hashable {
    public enum Operation: String, Sendable, Hashable, CaseIterable {
        case add = "+"
        case subtract = "-"
        case multiply = "*"
        case divide = "/"
        case modulo = "%"
        case power = "^"
        case atan2
        case equal = "=="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        /// These cut native histograms, which are not stored: on plain samples they yield nothing.
        case trimUpper = "</"
        case trimLower = ">/"
        case and, or, unless

        public var isTrim: Bool { self == .trimUpper || self == .trimLower }
        public var isComparison: Bool {
            switch self {
            case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: true
            default: false
            }
        }
        public var isSet: Bool { self == .and || self == .or || self == .unless }

        /// Higher binds tighter.
        var precedence: Int {
            switch self {
            case .or: 1
            case .and, .unless: 2
            case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .trimUpper, .trimLower: 3
            case .add, .subtract: 4
            case .multiply, .divide, .modulo, .atan2: 5
            case .power: 7
            }
        }
    }

    /// Between `*` and `^`, so that `-1^2` is -1.
    static let unaryPrecedence = 6

    /// How series of both sides find each other.
    public struct Matching: Sendable, Hashable {
        public enum Cardinality: Sendable, Hashable { case oneToOne, manyToOne, oneToMany, manyToMany }
        public var cardinality = Cardinality.oneToOne
        /// True: `on`, only these labels count. False: `ignoring`, all but these.
        public var isOn = false
        public var labels: [String] = []
        /// Labels to take over from the one side.
        public var include: [String] = []
        /// What stands for a missing left or right element, by `fill (..)` and its kin; nil: the other one is dropped.
        public var fillLeft: Double?
        public var fillRight: Double?
    }

    public var operation: Operation
    public var left: Expression
    public var right: Expression
    public var returnsBool = false
    public var matching = Matching()
}
