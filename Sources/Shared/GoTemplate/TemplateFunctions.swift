/// What a function of a template says when it cannot answer.
public struct TemplateFailure: Error, Sendable, CustomStringConvertible {
    public var description: String
    public init(_ description: String) { self.description = description }
}

public typealias TemplateFunction = @Sendable ([TemplateValue]) throws -> TemplateValue

extension Template {
    /// The functions that every template has. `and`, `or` and `call` are known to the executor.
    static let standardFunctions: [String: TemplateFunction] = [
        "not": { .bool(!(try one($0)).isTrue) },
        "len": { arguments in
            switch try one(arguments) {
            case .string(let text): .integer(text.utf8.count)
            case .list(let values): .integer(values.count)
            case .map(let fields): .integer(fields.count)
            case let value: throw TemplateFailure("len of \(value.kind)")
            }
        },
        "index": { arguments in
            guard let first = arguments.first else { throw TemplateFailure("index needs a value") }
            return try arguments.dropFirst().reduce(first, index)
        },
        "slice": { arguments in
            guard let first = arguments.first, arguments.count <= 3 else { throw TemplateFailure("slice needs a value and at most two indices") }
            let count: Int
            switch first {
            case .string(let text): count = text.utf8.count
            case .list(let values): count = values.count
            default: throw TemplateFailure("cannot slice \(first.kind)")
            }
            let lower = arguments.count > 1 ? try position(arguments[1]) : 0
            let upper = arguments.count > 2 ? try position(arguments[2]) : count
            guard lower >= 0, lower <= upper, upper <= count else { throw TemplateFailure("index out of range: \(lower):\(upper) of \(count)") }
            if case .list(let values) = first { return .list(Array(values[lower..<upper])) }
            return .string(String(decoding: Array(first.text.utf8)[lower..<upper], as: UTF8.self))
        },
        "print": { .string(joined($0)) },
        "println": { .string($0.map(\.text).joined(separator: " ") + "\n") },
        "printf": { arguments in
            guard case .string(let format)? = arguments.first else { throw TemplateFailure("printf needs a format") }
            return .string(FormatVerbs.printf(format, Array(arguments.dropFirst())))
        },
        "html": { .string(joined($0).map(escaped).joined()) },
        "js": { .string(joined($0).map(escapedForScript).joined()) },
        "urlquery": { .string(percentEncoded(joined($0))) },
        "eq": { arguments in
            guard let first = arguments.first, arguments.count > 1 else { throw TemplateFailure("eq needs two values or more") }
            return .bool(try arguments.dropFirst().contains { try isEqual(first, $0) })
        },
        "ne": { .bool(!(try isEqual(two($0).0, two($0).1))) },
        "lt": { .bool(try isLess(two($0).0, two($0).1)) },
        "le": { .bool(try !isLess(two($0).1, two($0).0)) },
        "gt": { .bool(try isLess(two($0).1, two($0).0)) },
        "ge": { .bool(try !isLess(two($0).0, two($0).1)) },
    ]

    private static func one(_ arguments: [TemplateValue]) throws -> TemplateValue {
        guard arguments.count == 1 else { throw TemplateFailure("expected 1 argument, got \(arguments.count)") }
        return arguments[0]
    }

    private static func two(_ arguments: [TemplateValue]) throws -> (TemplateValue, TemplateValue) {
        guard arguments.count == 2 else { throw TemplateFailure("expected 2 arguments, got \(arguments.count)") }
        return (arguments[0], arguments[1])
    }

    private static func position(_ value: TemplateValue) throws -> Int {
        guard case .integer(let position) = value else { throw TemplateFailure("cannot index with \(value.kind)") }
        return position
    }

    private static func index(_ value: TemplateValue, _ key: TemplateValue) throws -> TemplateValue {
        switch (value, key) {
        case (.map(let fields), .string(let name)): return fields[name] ?? .string("")
        case (.list(let values), .integer(let position)):
            guard values.indices.contains(position) else { throw TemplateFailure("index out of range: \(position)") }
            return values[position]
        case (.string(let text), .integer(let position)):
            let bytes = Array(text.utf8)
            guard bytes.indices.contains(position) else { throw TemplateFailure("index out of range: \(position)") }
            return .integer(Int(bytes[position]))
        case (.none, _): throw TemplateFailure("index of untyped nil")
        default: throw TemplateFailure("cannot index \(value.kind) with \(key.kind)")
        }
    }

    /// Numbers compare with numbers of their kind, as in Go, and for convenience also integers with floats.
    private static func isEqual(_ a: TemplateValue, _ b: TemplateValue) throws -> Bool {
        switch (a, b) {
        case (.string(let a), .string(let b)): return a == b
        case (.bool(let a), .bool(let b)): return a == b
        case (.none, .none): return true
        case (.none, _), (_, .none): return false
        case (.list, _), (_, .list), (.map, _), (_, .map): throw TemplateFailure("non-comparable type: \(a.kind) and \(b.kind)")
        default:
            guard let x = a.number, let y = b.number else { throw TemplateFailure("incompatible types for comparison: \(a.kind) and \(b.kind)") }
            return x == y
        }
    }

    private static func isLess(_ a: TemplateValue, _ b: TemplateValue) throws -> Bool {
        if case (.string(let x), .string(let y)) = (a, b) { return x < y }
        guard let x = a.number, let y = b.number else { throw TemplateFailure("incompatible types for comparison: \(a.kind) and \(b.kind)") }
        return x < y
    }

    /// `print` puts a space between two values of which neither is a string.
    private static func joined(_ values: [TemplateValue]) -> String {
        var text = ""
        var wasString = true
        for (position, value) in values.enumerated() {
            let isString = if case .string = value { true } else { false }
            if position > 0, !isString, !wasString { text += " " }
            text += value.text
            wasString = isString
        }
        return text
    }

    private static func escaped(_ character: Character) -> String {
        switch character {
        case "&": "&amp;"
        case "<": "&lt;"
        case ">": "&gt;"
        case "\"": "&#34;"
        case "'": "&#39;"
        case "\0": "\u{FFFD}"
        default: String(character)
        }
    }

    private static func escapedForScript(_ character: Character) -> String {
        switch character {
        case "\\": "\\\\"
        case "'": "\\'"
        case "\"": "\\\""
        case "<": "\\u003C"
        case ">": "\\u003E"
        case "&": "\\u0026"
        case "=": "\\u003D"
        case "\n": "\\u000A"
        case "\r": "\\u000D"
        default: String(character)
        }
    }

    private static func percentEncoded(_ text: String) -> String {
        text.utf8.reduce(into: "") { encoded, byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            case 0x20: encoded += "+"
            default: encoded += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
    }
}
