/// Why a text is not JSON, and where.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    public var offset: Int
    /// From 1, in bytes.
    public var line: Int
    public var column: Int
    public var message: String

    public var description: String { "line \(line), column \(column): \(message)" }
}

extension JSON {
    /// Parses one document (RFC 8259) with nothing after it but white space.
    ///
    /// - Parameter duplicates: receives the path (`spec.replicas`) of each member whose key came
    ///   before in the same object; the last one wins, as in Go's decoder.
    public static func parse(_ bytes: [UInt8], duplicates: ((String) -> Void)? = nil) throws(JSONError) -> JSON {
        var parser = JSONParser(bytes: bytes, duplicates: duplicates)
        return try parser.document()
    }

    public static func parse(_ text: String) throws(JSONError) -> JSON { try parse(Array(text.utf8)) }
}

struct JSONParser {
    /// Deeper documents are refused: recursion must not exhaust the stack. Kubernetes' own limit is 10,000 for Go stacks.
    static let maximumDepth = 500

    let bytes: [UInt8]
    let duplicates: ((String) -> Void)?
    var offset = 0
    /// Keys down to the current value; kept only if duplicates are asked for.
    var path: [String] = []

    mutating func document() throws(JSONError) -> JSON {
        skipSpace()
        let value = try value(depth: 0)
        skipSpace()
        guard offset == bytes.count else { throw error("unexpected \(shown) after the document's end") }
        return value
    }

    private mutating func skipSpace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x0A, 0x0D, 0x09: offset += 1
            default: return
            }
        }
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSON {
        guard depth <= Self.maximumDepth else { throw error("nested deeper than \(Self.maximumDepth) levels") }
        guard offset < bytes.count else { throw error("unexpected end, expected a value") }
        switch bytes[offset] {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw error("unexpected \(shown), expected a value")
        }
    }

    private mutating func word(_ text: StaticString, _ value: JSON) throws(JSONError) -> JSON {
        let text = text.description.utf8
        guard bytes.count - offset >= text.count, bytes[offset..<offset + text.count].elementsEqual(text) else {
            throw error("unexpected \(shown), expected a value")
        }
        offset += text.count
        return value
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSON {
        offset += 1
        var object = JSONObject()
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object(object) }
        while true {
            guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else {
                throw error("unexpected \(shown), expected a member name in quotes")
            }
            let key = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw error("unexpected \(shown), expected \":\" after a member name") }
            skipSpace()
            if let duplicates {
                path.append(key)
                if object.contains(key) { duplicates(path.joined(separator: ".")) }
            }
            object[key] = try value(depth: depth + 1)
            if duplicates != nil { path.removeLast() }
            skipSpace()
            if take(UInt8(ascii: ",")) {
                skipSpace()
                continue
            }
            if take(UInt8(ascii: "}")) { return .object(object) }
            throw error("unexpected \(shown), expected \",\" or \"}\"")
        }
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSON {
        offset += 1
        var array: [JSON] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array(array) }
        while true {
            if duplicates != nil {
                let parent = path.popLast() ?? ""
                path.append("\(parent)[\(array.count)]")
                array.append(try value(depth: depth + 1))
                path.removeLast()
                path.append(parent)
            } else {
                array.append(try value(depth: depth + 1))
            }
            skipSpace()
            if take(UInt8(ascii: ",")) {
                skipSpace()
                continue
            }
            if take(UInt8(ascii: "]")) { return .array(array) }
            throw error("unexpected \(shown), expected \",\" or \"]\"")
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard offset < bytes.count, bytes[offset] == byte else { return false }
        offset += 1
        return true
    }

    private mutating func string() throws(JSONError) -> String {
        offset += 1
        let start = offset
        while offset < bytes.count {
            let byte = bytes[offset]
            if byte == UInt8(ascii: "\"") {
                let text = String(decoding: bytes[start..<offset], as: UTF8.self)
                offset += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            guard byte >= 0x20 else { throw error("control character in a string, expected an escape such as \\n") }
            offset += 1
        }
        throw error("unexpected end inside a string")
    }

    /// The slow path, from the first escape on.
    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var text = Array(bytes[start..<offset])
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &text)
            case ..<0x20:
                offset -= 1
                throw error("control character in a string, expected an escape such as \\n")
            default: text.append(byte)
            }
        }
        throw error("unexpected end inside a string")
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        guard offset < bytes.count else { throw error("unexpected end inside a string") }
        let byte = bytes[offset]
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var unit = try hexUnit()
            if unit & 0xFC00 == 0xD800, offset + 1 < bytes.count,
                bytes[offset] == UInt8(ascii: "\\"), bytes[offset + 1] == UInt8(ascii: "u")
            {
                let mark = offset
                offset += 2
                let low = try hexUnit()
                if low & 0xFC00 == 0xDC00 {
                    unit = 0x10000 + ((unit & 0x3FF) << 10) + (low & 0x3FF)
                } else {
                    offset = mark
                }
            }
            // A lone surrogate becomes the replacement character, as in Go.
            text.append(contentsOf: String(Unicode.Scalar(unit) ?? "\u{FFFD}").utf8)
        default:
            offset -= 1
            throw error("unknown escape \(shown)")
        }
    }

    private mutating func hexUnit() throws(JSONError) -> UInt32 {
        guard bytes.count - offset >= 4 else { throw error("unexpected end inside a \\u escape") }
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(bytes[offset])).hexDigitValue else {
                throw error("unexpected \(shown) in a \\u escape, expected four hexadecimal digits")
            }
            unit = unit << 4 | UInt32(digit)
            offset += 1
        }
        return unit
    }

    private mutating func number() throws(JSONError) -> JSON {
        let start = offset
        let negative = take(UInt8(ascii: "-"))
        var magnitude: UInt64 = 0
        var isExact = true
        let digits = offset
        while offset < bytes.count, case let digit = bytes[offset] &- UInt8(ascii: "0"), digit <= 9 {
            let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            if overflow || carry { isExact = false }
            magnitude = sum
            offset += 1
        }
        guard offset > digits else { throw error("unexpected \(shown), expected a digit") }
        guard bytes[digits] != UInt8(ascii: "0") || offset == digits + 1 else { throw error("a number must not start with 0") }
        var isInteger = true
        if take(UInt8(ascii: ".")) {
            isInteger = false
            try skipDigits()
        }
        if offset < bytes.count, bytes[offset] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            offset += 1
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try skipDigits()
        }
        if isInteger, isExact {
            if negative, magnitude <= 1 << 63 { return .integer(Int64(truncatingIfNeeded: 0 &- magnitude)) }
            if !negative, magnitude <= UInt64(Int64.max) { return .integer(Int64(magnitude)) }
        }
        guard let value = Double(String(decoding: bytes[start..<offset], as: UTF8.self)), value.isFinite else {
            throw error("number out of range")
        }
        return .number(value)
    }

    private mutating func skipDigits() throws(JSONError) {
        let start = offset
        while offset < bytes.count, bytes[offset] &- UInt8(ascii: "0") <= 9 { offset += 1 }
        guard offset > start else { throw error("unexpected \(shown), expected a digit") }
    }

    /// The byte at the cursor as an error message shows it.
    private var shown: String {
        guard offset < bytes.count else { return "end" }
        let scalar = Unicode.Scalar(bytes[offset])
        return bytes[offset] < 0x80 ? "\"\(scalar.escaped(asASCII: true))\"" : "byte 0x\(String(bytes[offset], radix: 16))"
    }

    private func error(_ message: String) -> JSONError {
        let before = bytes[..<min(offset, bytes.count)]
        let line = before.count { $0 == 0x0A } + 1
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return JSONError(offset: offset, line: line, column: offset - lineStart + 1, message: message)
    }
}
