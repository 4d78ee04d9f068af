/// Why a text is no JSON, and where.
struct JSONProblem: Error, Hashable, Sendable, CustomStringConvertible {
    var offset: Int
    var message: String
    var description: String { "byte \(offset): \(message)" }
}

/// What a JSON value is.
enum JSONForm: Hashable, Sendable {
    case object, array
    /// A string without escapes: its content is its bytes.
    case text
    /// A string with escapes.
    case escaped
    case number, boolean, null
}

/// Walks over JSON without making a value of it: a place in bytes that stay with the caller, who passes them to each call.
///
/// It takes what RFC 8259 takes. Every call ends at or before `end`; nesting is bounded by the caller's `depth`.
struct JSONCursor: Sendable {
    var offset: Int
    let end: Int

    init(_ bytes: Span<UInt8>) { self.init(0..<bytes.count) }

    init(_ range: Range<Int>) {
        offset = range.lowerBound
        end = range.upperBound
    }

    @inline(__always)
    mutating func skipSpace(_ bytes: Span<UInt8>) {
        while offset < end {
            switch bytes[offset] {
            case 0x20, 0x0A, 0x0D, 0x09: offset += 1
            default: return
            }
        }
    }

    /// The next byte that is no white space; 0 at the end.
    mutating func peek(_ bytes: Span<UInt8>) -> UInt8 {
        skipSpace(bytes)
        return offset < end ? bytes[offset] : 0
    }

    /// Goes behind `byte` if it is the next one that is no white space.
    mutating func take(_ byte: UInt8, _ bytes: Span<UInt8>) -> Bool {
        guard peek(bytes) == byte, offset < end else { return false }
        offset += 1
        return true
    }

    mutating func expect(_ byte: UInt8, _ bytes: Span<UInt8>) throws(JSONProblem) {
        guard take(byte, bytes) else { throw problem("expected \"\(Character(Unicode.Scalar(byte)))\"") }
    }

    func problem(_ message: String) -> JSONProblem { JSONProblem(offset: offset, message: message) }

    // MARK: Values

    /// At a quote: the content's place, and whether it has escapes. The cursor goes behind the closing quote.
    mutating func string(_ bytes: Span<UInt8>) throws(JSONProblem) -> (range: Range<Int>, isEscaped: Bool) {
        guard offset < end, bytes[offset] == UInt8(ascii: "\"") else { throw problem("expected a string") }
        offset += 1
        let start = offset
        var isEscaped = false
        while true {
            skipPlain(bytes)
            guard offset < end else { throw problem("the text ends inside a string") }
            switch bytes[offset] {
            case UInt8(ascii: "\""):
                offset += 1
                return (start..<offset - 1, isEscaped)
            case UInt8(ascii: "\\"):
                isEscaped = true
                // Which escape it is is looked at when the string is wanted.
                guard end - offset >= 2 else { throw problem("the text ends inside a string") }
                offset += 2
            default: throw problem("a control character in a string, expected an escape such as \\n")
            }
        }
    }

    /// Goes to the next quote, backslash or control character, eight bytes a step.
    @inline(__always)
    private mutating func skipPlain(_ bytes: Span<UInt8>) {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        precondition(end <= bytes.count)
        let raw = unsafe bytes.bytes
        while end - offset >= 8 {
            // The load ends at or before `end`, which the precondition put within the span.
            let word = unsafe UInt64(littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
            let quote = word ^ (ones &* 0x22)
            let backslash = word ^ (ones &* 0x5C)
            // A zero byte sets its top bit; bytes above a hit may be wrong, the lowest is right, and that one is used.
            let hits =
                (((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash) | ((word &- ones &* 0x20) & ~word)) & tops
            if hits != 0 {
                offset += hits.trailingZeroBitCount / 8
                return
            }
            offset += 8
        }
        while offset < end {
            let byte = bytes[offset]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { return }
            offset += 1
        }
    }

    /// The next value's form and place, quotes and brackets not counted as part of a string but of the others. The cursor goes
    /// behind it; with `entering` an object's or array's inside is left to the caller, and the place is its first byte's.
    mutating func value(_ bytes: Span<UInt8>, depth: Int) throws(JSONProblem) -> (form: JSONForm, range: Range<Int>) {
        let first = peek(bytes)
        let start = offset
        switch first {
        case UInt8(ascii: "\""):
            let (range, isEscaped) = try string(bytes)
            return (isEscaped ? .escaped : .text, range)
        case UInt8(ascii: "{"):
            try skipContainer(bytes, UInt8(ascii: "}"), depth: depth)
            return (.object, start..<offset)
        case UInt8(ascii: "["):
            try skipContainer(bytes, UInt8(ascii: "]"), depth: depth)
            return (.array, start..<offset)
        case UInt8(ascii: "t"):
            try word("true", bytes)
            return (.boolean, start..<offset)
        case UInt8(ascii: "f"):
            try word("false", bytes)
            return (.boolean, start..<offset)
        case UInt8(ascii: "n"):
            try word("null", bytes)
            return (.null, start..<offset)
        default:
            try number(bytes)
            return (.number, start..<offset)
        }
    }

    private mutating func skipContainer(_ bytes: Span<UInt8>, _ close: UInt8, depth: Int) throws(JSONProblem) {
        guard depth > 0 else { throw problem("nested too deeply") }
        offset += 1
        if take(close, bytes) { return }
        while true {
            if close == UInt8(ascii: "}") {
                guard peek(bytes) == UInt8(ascii: "\"") else { throw problem("expected a member's name in quotes") }
                _ = try string(bytes)
                try expect(UInt8(ascii: ":"), bytes)
            }
            _ = try value(bytes, depth: depth - 1)
            if take(UInt8(ascii: ","), bytes) { continue }
            try expect(close, bytes)
            return
        }
    }

    private mutating func word(_ text: StaticString, _ bytes: Span<UInt8>) throws(JSONProblem) {
        for byte in text.description.utf8 {
            guard offset < end, bytes[offset] == byte else { throw problem("expected a value") }
            offset += 1
        }
    }

    private mutating func number(_ bytes: Span<UInt8>) throws(JSONProblem) {
        if offset < end, bytes[offset] == UInt8(ascii: "-") { offset += 1 }
        let first = offset
        guard digits(bytes) else {
            throw problem(offset < end ? "expected a value" : "the text ends where a value is expected")
        }
        guard bytes[first] != UInt8(ascii: "0") || offset == first + 1 else { throw problem("a number must not start with 0") }
        if offset < end, bytes[offset] == UInt8(ascii: ".") {
            offset += 1
            guard digits(bytes) else { throw problem("expected a digit") }
        }
        if offset < end, bytes[offset] | 0x20 == UInt8(ascii: "e") {
            offset += 1
            if offset < end, bytes[offset] == UInt8(ascii: "+") || bytes[offset] == UInt8(ascii: "-") { offset += 1 }
            guard digits(bytes) else { throw problem("expected a digit") }
        }
    }

    private mutating func digits(_ bytes: Span<UInt8>) -> Bool {
        let start = offset
        while offset < end, bytes[offset] &- UInt8(ascii: "0") <= 9 { offset += 1 }
        return offset > start
    }
}
