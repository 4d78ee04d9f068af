/// A value that a template sees.
public enum TemplateValue: Sendable, Hashable {
    case none
    case bool(Bool)
    case integer(Int)
    case float(Double)
    case string(String)
    case list([TemplateValue])
    /// What a map or a struct is in Go: fields by name, walked in the order of their names.
    case map([String: TemplateValue])

    /// Whether `if` takes it for true: not zero, not empty.
    public var isTrue: Bool {
        switch self {
        case .none: false
        case .bool(let value): value
        case .integer(let value): value != 0
        case .float(let value): value != 0
        case .string(let value): !value.isEmpty
        case .list(let values): !values.isEmpty
        case .map(let fields): !fields.isEmpty
        }
    }

    /// As `print` shows it.
    public var text: String {
        switch self {
        case .none: "<no value>"
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .float(let value): FormatVerbs.shortest(value)
        case .string(let value): value
        case .list(let values): "[" + values.map(\.text).joined(separator: " ") + "]"
        case .map(let fields): "map[" + fields.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value.text)" }.joined(separator: " ") + "]"
        }
    }

    /// The word for its kind in messages.
    var kind: String {
        switch self {
        case .none: "nil"
        case .bool: "a truth value"
        case .integer: "an integer"
        case .float: "a number"
        case .string: "a string"
        case .list: "a list"
        case .map: "a map"
        }
    }

    public var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .float(let value): value
        default: nil
        }
    }
}

/// What is wrong with a template, and where.
public struct TemplateError: Error, Hashable, Sendable, CustomStringConvertible {
    public var name: String
    /// 1 is the first line.
    public var line: Int
    public var problem: String

    public init(name: String, line: Int, problem: String) {
        self.name = name
        self.line = line
        self.problem = problem
    }

    public var description: String { "template: \(name):\(line): \(problem)" }
}
