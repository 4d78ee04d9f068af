public import Telemetry

/// A query in LogQL, as a tree. `description` prints it back.
public enum LogExpression: Sendable, Hashable {
    /// Asks for lines.
    case lines(LogPipeline)
    /// Asks for numbers.
    case metric(LogMetric)
}

/// Which streams, and what happens to each of their lines in turn.
public struct LogPipeline: Sendable, Hashable {
    public var matchers: [Matcher]
    public var stages: [LogStage]

    public init(matchers: [Matcher], stages: [LogStage] = []) {
        self.matchers = matchers
        self.stages = stages
    }
}

/// One step of a pipeline.
public enum LogStage: Sendable, Hashable {
    case line(LineCondition)
    /// Without extractions: all fields.
    case json([Extraction])
    case logfmt(isStrict: Bool, keepsEmpty: Bool, [Extraction])
    case regexp(String)
    case pattern(String)
    case unpack
    case label(LabelFilter)
    case lineFormat(String)
    case labelFormat([LabelFormat])
    case decolorize
    case drop([LabelChoice])
    case keep([LabelChoice])

    // Ours, beyond Loki's.
    /// Lines of the same stream around each line found.
    case context(before: Int, after: Int)
    case sort(by: String, isDescending: Bool)
    /// Of lines that are equal (or have equal labels) the first; `isConsecutive` of a run only.
    case dedup(by: [String], isConsecutive: Bool)
    case limit(Int)
    /// This many lines of a hundred, always the same ones.
    case sample(percent: Double)
    /// Adds the labels `template` and `template_id`.
    case template
    /// Masks secrets in the line.
    case redact
    /// Only lines from the last start of this object on.
    case since(String)
}

/// A named value out of a line: `status="response.code"`. The path is the name itself if none is written.
public struct Extraction: Sendable, Hashable {
    public var name: String
    public var path: String

    public init(_ name: String, path: String) {
        self.name = name
        self.path = path
    }
}

/// `dst=src` or `dst="template"`.
public struct LabelFormat: Sendable, Hashable {
    public enum Source: Sendable, Hashable {
        case label(String)
        case template(String)
    }
    public var destination: String
    public var source: Source

    public init(_ destination: String, _ source: Source) {
        self.destination = destination
        self.source = source
    }
}

/// A label of `drop` and `keep`: always, or if its value matches.
public enum LabelChoice: Sendable, Hashable {
    case name(String)
    case matching(Matcher)

    public var name: String {
        switch self {
        case .name(let name): name
        case .matching(let matcher): matcher.name
        }
    }
}

/// A filter of lines as it is written: one operator, and alternatives.
public struct LineCondition: Sendable, Hashable {
    public enum Operation: String, Sendable, Hashable, CaseIterable {
        case contains = "|="
        case lacks = "!="
        case matches = "|~"
        case notMatches = "!~"
        case fits = "|>"
        case notFits = "!>"
        /// Ours: ASCII letters match either case.
        case containsIgnoringCase = "|=i"
        case lacksIgnoringCase = "!=i"

        var isNegated: Bool { self == .lacks || self == .notMatches || self == .notFits || self == .lacksIgnoringCase }
    }
    public enum Alternative: Sendable, Hashable {
        case text(String)
        /// A single address, a network (`10.0.0.0/8`) or a range (`10.0.0.1-10.0.0.9`).
        case address(String)
    }
    public var operation: Operation
    public var alternatives: [Alternative]

    public init(_ operation: Operation, _ alternatives: [Alternative]) {
        self.operation = operation
        self.alternatives = alternatives
    }

    public init(_ operation: Operation, _ text: String) { self.init(operation, [.text(text)]) }
}

/// A condition on labels.
public indirect enum LabelFilter: Sendable, Hashable {
    public enum Comparison: String, Sendable, Hashable {
        case equal = "=="
        case notEqual = "!="
        case greater = ">"
        case greaterOrEqual = ">="
        case less = "<"
        case lessOrEqual = "<="

        func holds(_ left: Double, _ right: Double) -> Bool {
            switch self {
            case .equal: left == right
            case .notEqual: left != right
            case .greater: left > right
            case .greaterOrEqual: left >= right
            case .less: left < right
            case .lessOrEqual: left <= right
            }
        }
    }
    /// What a numeric filter compares with, and so how it reads the label.
    public enum Quantity: Sendable, Hashable {
        case number(Double)
        /// In nanoseconds.
        case duration(Int64)
        case bytes(Double)
    }

    case matcher(Matcher)
    case quantity(String, Comparison, Quantity)
    case address(String, isNegated: Bool, String)
    case and(LabelFilter, LabelFilter)
    case or(LabelFilter, LabelFilter)
}
