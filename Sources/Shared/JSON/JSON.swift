/// A JSON document as a value.
///
/// Kubernetes objects are kept, patched, compared and printed in this form from the wire to the
/// store: contracts/platform.md measures Foundation's coders at five to eighty times its cost.
/// Integers that fit 64 bits stay exact; object members keep the order in which they came.
public enum JSON: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// Any other number, and integers outside 64 bits. Never NaN or infinite when parsed; those print as null.
    case number(Double)
    case string(String)
    case array([JSON])
    case object(JSONObject)
}

extension JSON: Hashable {
    /// Numbers compare by value (`1 == 1.0`), objects without regard to the order of members.
    public static func == (left: JSON, right: JSON) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.integer(let a), .integer(let b)): a == b
        case (.number(let a), .number(let b)): a == b
        case (.integer(let a), .number(let b)), (.number(let b), .integer(let a)): Double(a) == b
        case (.string(let a), .string(let b)): a == b
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)): a == b
        default: false
        }
    }

    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let value): hasher.combine(value)
        case .integer(let value): hasher.combine(Double(value))
        case .number(let value): hasher.combine(value)
        case .string(let value): hasher.combine(value)
        case .array(let value): hasher.combine(value)
        case .object(let value): hasher.combine(value)
        }
    }
}

extension JSON {
    /// The member `key`, or null if this is no object or has none. Setting null on an object keeps an
    /// explicit null; use `remove(_:)` to take a member away. Setting on null makes an object.
    public subscript(key: String) -> JSON {
        get {
            guard case .object(let object) = self else { return .null }
            return object[key] ?? .null
        }
        _modify {
            var object: JSONObject
            if case .object(let existing) = self { object = existing } else { object = JSONObject() }
            // Drop our reference so that the change below is made in place.
            self = .null
            var value = object[key] ?? .null
            yield &value
            object[key] = value
            self = .object(object)
        }
    }

    /// The element `index`, or null where there is none. Setting past the end is ignored.
    public subscript(index: Int) -> JSON {
        get {
            guard case .array(let array) = self, array.indices.contains(index) else { return .null }
            return array[index]
        }
        set {
            guard case .array(var array) = self, array.indices.contains(index) else { return }
            self = .null
            array[index] = newValue
            self = .array(array)
        }
    }

    /// Takes the member away and returns it; nil if there was none.
    @discardableResult
    public mutating func remove(_ key: String) -> JSON? {
        guard case .object(var object) = self else { return nil }
        self = .null
        let old = object.remove(key)
        self = .object(object)
        return old
    }

    public var isNull: Bool { if case .null = self { true } else { false } }
    public var string: String? { if case .string(let value) = self { value } else { nil } }
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
    public var object: JSONObject? { if case .object(let value) = self { value } else { nil } }
    /// The value as an integer: an integer, or a number without fraction.
    public var int: Int? {
        switch self {
        case .integer(let value): Int(value)
        case .number(let value): Int(exactly: value)
        default: nil
        }
    }
    public var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }
    /// The elements; empty if this is no array.
    public var elements: [JSON] { array ?? [] }
    /// The members; empty if this is no object.
    public var members: JSONObject { object ?? JSONObject() }
    /// Members whose value is a string, as a dictionary (labels, annotations, selectors).
    public var stringMap: [String: String] {
        var map: [String: String] = [:]
        for (key, value) in members { if let text = value.string { map[key] = text } }
        return map
    }

    /// What the value is, as an error message says it.
    public var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .integer: "integer"
        case .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    public static func object(_ members: [(String, JSON)]) -> JSON { .object(JSONObject(members)) }
    /// An object of strings, its keys sorted.
    public static func strings(_ map: [String: String]) -> JSON {
        .object(JSONObject(map.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSON)...) { self = .object(JSONObject(elements)) }
    public init(nilLiteral: ()) { self = .null }
}

extension JSON {
    public init(_ value: Int) { self = .integer(Int64(value)) }
    public init(_ value: String) { self = .string(value) }
    public init(_ value: Bool) { self = .bool(value) }
    public init(_ value: Double) { self = .number(value) }
}

extension JSON: CustomStringConvertible {
    public var description: String { String(decoding: bytes(), as: UTF8.self) }
}
