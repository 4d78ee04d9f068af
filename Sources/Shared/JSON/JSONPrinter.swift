extension JSON {
    /// The document's UTF-8 text: compact, or indented by four spaces a level as `kubectl -o json` shows it.
    public func bytes(indented: Bool = false) -> [UInt8] {
        var text: [UInt8] = []
        write(to: &text, indentation: indented ? 0 : nil)
        return text
    }

    /// Appends the compact text to `text`.
    public func write(to text: inout [UInt8]) { write(to: &text, indentation: nil) }

    private func write(to text: inout [UInt8], indentation: Int?) {
        switch self {
        case .null: text.append(contentsOf: "null".utf8)
        case .bool(let value): text.append(contentsOf: (value ? "true" : "false").utf8)
        case .integer(let value): JSON.write(value, to: &text)
        case .number(let value): JSON.write(value, to: &text)
        case .string(let value): JSON.write(value, to: &text)
        case .array(let elements):
            text.append(UInt8(ascii: "["))
            var isFirst = true
            for element in elements {
                if !isFirst { text.append(UInt8(ascii: ",")) }
                isFirst = false
                if let indentation { JSON.newLine(indentation + 1, to: &text) }
                element.write(to: &text, indentation: indentation.map { $0 + 1 })
            }
            if let indentation, !isFirst { JSON.newLine(indentation, to: &text) }
            text.append(UInt8(ascii: "]"))
        case .object(let members):
            text.append(UInt8(ascii: "{"))
            var isFirst = true
            for (key, value) in members {
                if !isFirst { text.append(UInt8(ascii: ",")) }
                isFirst = false
                if let indentation { JSON.newLine(indentation + 1, to: &text) }
                JSON.write(key, to: &text)
                text.append(UInt8(ascii: ":"))
                if indentation != nil { text.append(UInt8(ascii: " ")) }
                value.write(to: &text, indentation: indentation.map { $0 + 1 })
            }
            if let indentation, !isFirst { JSON.newLine(indentation, to: &text) }
            text.append(UInt8(ascii: "}"))
        }
    }

    private static func newLine(_ level: Int, to text: inout [UInt8]) {
        text.append(0x0A)
        text.append(contentsOf: repeatElement(0x20, count: level * 4))
    }

    /// Appends a string in quotes with its escapes.
    public static func write(_ value: String, to text: inout [UInt8]) {
        text.append(UInt8(ascii: "\""))
        // Most texts have nothing to escape, and go as they are.
        let bytes = value.utf8Span.span
        var special: UInt8 = 0
        for index in bytes.indices {
            let byte = bytes[index]
            special |= byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") ? 1 : 0
        }
        if special == 0 {
            text.append(contentsOf: value.utf8)
            text.append(UInt8(ascii: "\""))
            return
        }
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                text.append(UInt8(ascii: "\\"))
                text.append(byte)
            case 0x20...: text.append(byte)
            case 0x0A: text.append(contentsOf: "\\n".utf8)
            case 0x0D: text.append(contentsOf: "\\r".utf8)
            case 0x09: text.append(contentsOf: "\\t".utf8)
            default:
                text.append(contentsOf: "\\u00".utf8)
                for digit in [byte >> 4, byte & 15] { text.append(digit < 10 ? 0x30 + digit : 0x57 + digit) }
            }
        }
        text.append(UInt8(ascii: "\""))
    }

    /// Appends a decimal integer.
    public static func write(_ value: Int64, to text: inout [UInt8]) {
        if value < 0 { text.append(UInt8(ascii: "-")) }
        var magnitude = value.magnitude
        let start = text.count
        repeat {
            text.append(UInt8(ascii: "0") + UInt8(magnitude % 10))
            magnitude /= 10
        } while magnitude > 0
        text[start...].reverse()
    }

    /// Appends the shortest text that reads back as the same double; null for NaN and infinities, which JSON lacks.
    public static func write(_ value: Double, to text: inout [UInt8]) {
        guard value.isFinite else {
            text.append(contentsOf: "null".utf8)
            return
        }
        if let whole = Int64(exactly: value), whole.magnitude < 1 << 53 {
            write(whole, to: &text)
        } else {
            text.append(contentsOf: value.description.utf8)
        }
    }
}
