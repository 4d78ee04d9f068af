import ProtoWire

/// The content of JSON's strings.
enum JSONText {
    /// Adds what a string's content between its quotes stands for. A lone surrogate becomes U+FFFD, as in Go; an unknown
    /// escape is refused.
    static func append(_ bytes: Span<UInt8>, _ range: Range<Int>, to text: inout [UInt8]) throws(JSONProblem) {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let start = offset
            while offset < range.upperBound, bytes[offset] != UInt8(ascii: "\\") { offset += 1 }
            text.append(copying: bytes, start..<offset)
            guard offset < range.upperBound else { return }
            guard range.upperBound - offset >= 2 else { throw JSONProblem(offset: offset, message: "an escape without its letter") }
            offset += 2
            switch bytes[offset - 1] {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(bytes[offset - 1])
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0C)
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "u"): text.append(contentsOf: String(try scalar(bytes, range.upperBound, &offset)).utf8)
            default: throw JSONProblem(offset: offset - 2, message: "an unknown escape")
            }
        }
    }

    /// Behind `\u`: the scalar that one or two units stand for.
    private static func scalar(_ bytes: Span<UInt8>, _ end: Int, _ offset: inout Int) throws(JSONProblem) -> Unicode.Scalar {
        var value = try unit(bytes, end, &offset)
        if value & 0xFC00 == 0xD800, end - offset >= 6, bytes[offset] == UInt8(ascii: "\\"), bytes[offset + 1] == UInt8(ascii: "u") {
            var ahead = offset + 2
            let low = try unit(bytes, end, &ahead)
            if low & 0xFC00 == 0xDC00 {
                value = 0x10000 + ((value & 0x3FF) << 10) + (low & 0x3FF)
                offset = ahead
            }
        }
        return Unicode.Scalar(value) ?? "\u{FFFD}"
    }

    private static func unit(_ bytes: Span<UInt8>, _ end: Int, _ offset: inout Int) throws(JSONProblem) -> UInt32 {
        guard end - offset >= 4 else { throw JSONProblem(offset: offset, message: "the text ends inside a \\u escape") }
        var value: UInt32 = 0
        for _ in 0..<4 {
            let byte = bytes[offset]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw JSONProblem(offset: offset, message: "expected four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            offset += 1
        }
        return value
    }

    /// What the string stands for.
    static func bytes(_ bytes: Span<UInt8>, _ range: Range<Int>, isEscaped: Bool) throws(JSONProblem) -> [UInt8] {
        guard isEscaped else { return [UInt8](copying: bytes, range) }
        var text: [UInt8] = []
        text.reserveCapacity(range.count)
        try append(bytes, range, to: &text)
        return text
    }

    static func string(_ bytes: Span<UInt8>, _ range: Range<Int>, isEscaped: Bool) throws(JSONProblem) -> String {
        guard isEscaped else { return String(copying: bytes, range) }
        return String(decoding: try self.bytes(bytes, range, isEscaped: true), as: UTF8.self)
    }

    /// Adds a JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD.
    static func appendQuoted(_ content: [UInt8], to text: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        text.append(UInt8(ascii: "\""))
        for byte in String(decoding: content, as: UTF8.self).utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), byte]
            case 0x0A: text += Array("\\n".utf8)
            case 0x0D: text += Array("\\r".utf8)
            case 0x09: text += Array("\\t".utf8)
            case ..<0x20: text += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: text.append(byte)
            }
        }
        text.append(UInt8(ascii: "\""))
    }
}
