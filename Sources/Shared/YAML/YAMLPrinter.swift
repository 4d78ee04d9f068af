import JSON

/// Writes JSON values as YAML in block style: two spaces a level, list dashes at the level of their key, as kubectl does.
public enum YAMLPrinter {
    /// One document, with a line end.
    public static func text(_ value: JSON) -> String {
        var printer = Printer()
        printer.document(value)
        return String(decoding: printer.text, as: UTF8.self)
    }

    /// Several documents with `---` between them.
    public static func text(documents: [JSON]) -> String { documents.map(text).joined(separator: "---\n") }
}

private struct Printer {
    var text: [UInt8] = []

    mutating func document(_ value: JSON) {
        switch value {
        case .object(let members) where !members.isEmpty: mapping(members, indentation: 0, isAfterDash: false)
        case .array(let elements) where !elements.isEmpty: sequence(elements, indentation: 0, isAfterDash: false)
        default:
            inline(value, indentation: 2)
            put("\n")
        }
    }

    private mutating func put(_ string: String) { text.append(contentsOf: string.utf8) }
    private mutating func indent(_ level: Int) { text.append(contentsOf: repeatElement(0x20, count: level)) }

    /// - Parameter isAfterDash: the first line goes on behind `- `.
    private mutating func mapping(_ members: JSONObject, indentation: Int, isAfterDash: Bool) {
        var isFirst = isAfterDash
        for (key, value) in members {
            if !isFirst { indent(indentation) }
            isFirst = false
            scalar(key, indentation: nil)
            put(":")
            switch value {
            case .object(let inner) where !inner.isEmpty:
                put("\n")
                mapping(inner, indentation: indentation + 2, isAfterDash: false)
            case .array(let elements) where !elements.isEmpty:
                put("\n")
                sequence(elements, indentation: indentation, isAfterDash: false)
            default:
                put(" ")
                inline(value, indentation: indentation + 2)
                put("\n")
            }
        }
    }

    private mutating func sequence(_ elements: [JSON], indentation: Int, isAfterDash: Bool) {
        var isFirst = isAfterDash
        for element in elements {
            if !isFirst { indent(indentation) }
            isFirst = false
            put("- ")
            switch element {
            case .object(let members) where !members.isEmpty: mapping(members, indentation: indentation + 2, isAfterDash: true)
            case .array(let inner) where !inner.isEmpty: sequence(inner, indentation: indentation + 2, isAfterDash: true)
            default:
                inline(element, indentation: indentation + 2)
                put("\n")
            }
        }
    }

    private mutating func inline(_ value: JSON, indentation: Int) {
        switch value {
        case .string(let string): scalar(string, indentation: indentation)
        case .object: put("{}")
        case .array: put("[]")
        default: value.write(to: &text)
        }
    }

    /// Plain if it reads back as the same text, a literal block for whole lines, else in double quotes.
    /// - Parameter indentation: of a literal block's lines; nil where there may be none (keys).
    private mutating func scalar(_ string: String, indentation: Int?) {
        if Self.isPlain(string) {
            put(string)
        } else if let indentation, Self.isBlock(string) {
            put(string.hasSuffix("\n") ? "|" : "|-")
            for line in (string.hasSuffix("\n") ? string.dropLast() : string[...]).split(separator: "\n", omittingEmptySubsequences: false) {
                put("\n")
                if !line.isEmpty { indent(indentation) }
                put(String(line))
            }
        } else {
            quoted(string)
        }
    }

    private static func isPlain(_ string: String) -> Bool {
        let bytes = Array(string.utf8)
        guard let first = bytes.first, let last = bytes.last, first != 0x20, last != 0x20, last != UInt8(ascii: ":") else { return false }
        // Indicators of YAML, and what other readers take for something else.
        guard !#"-?:,[]{}#&*!|>'"%@`=<~.+"#.utf8.contains(first), first &- 0x30 > 9 || isPlainAfterDigit(string) else { return false }
        for (index, byte) in bytes.enumerated() {
            guard byte >= 0x20, byte != 0x7F else { return false }
            // Beyond ASCII only letters are sure to be printable everywhere.
            if byte >= 0x80 { return isPrintable(string) && noSeparators(bytes) }
            let next = index + 1 < bytes.count ? bytes[index + 1] : 0x20
            if byte == UInt8(ascii: ":"), next == 0x20 { return false }
            if byte == UInt8(ascii: "#"), index > 0, bytes[index - 1] == 0x20 { return false }
        }
        return Scalar.resolve(string) == .string(string) && !["y", "Y", "n", "N"].contains(string)
    }

    private static func noSeparators(_ bytes: [UInt8]) -> Bool {
        !zip(bytes, bytes.dropFirst() + [0x20]).contains { ($0 == UInt8(ascii: ":") && $1 == 0x20) || ($0 == 0x20 && $1 == UInt8(ascii: "#")) }
    }

    /// A text may start with a digit if it is neither a number nor a date or a time: `10.0.0.1`, `1/2`.
    private static func isPlainAfterDigit(_ string: String) -> Bool {
        guard let resolved = Scalar.resolve(string), resolved == .string(string) else { return false }
        return !string.utf8.allSatisfy { $0 &- 0x30 <= 9 || "-:_+eExXoObBTZtz. ".utf8.contains($0) } || string.utf8.count(where: { $0 == 0x2E }) == 3
    }

    private static func isPrintable(_ string: String) -> Bool {
        string.unicodeScalars.allSatisfy { scalar in
            switch scalar.value {
            case 0x20...0x7E, 0xA0...0x2027, 0x202A...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD, 0x1_0000...0x10_FFFF: true
            default: false
            }
        }
    }

    private static func isBlock(_ string: String) -> Bool {
        guard string.contains("\n"), !string.hasSuffix("\n\n"), string != "\n" else { return false }
        let lines = string.split(separator: "\n", omittingEmptySubsequences: false)
        // A first line that is empty or indented would need an indentation mark.
        guard let first = lines.first, let start = first.utf8.first, start != 0x20 else { return false }
        return lines.allSatisfy { $0.utf8.last != 0x20 && isPrintable(String($0)) }
    }

    /// JSON's escapes are YAML's, but for characters that YAML does not print.
    private mutating func quoted(_ string: String) {
        put("\"")
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": put("\\\"")
            case "\\": put("\\\\")
            case "\n": put("\\n")
            case "\t": put("\\t")
            case "\r": put("\\r")
            default:
                if Self.isPrintable(String(scalar)) {
                    put(String(scalar))
                } else {
                    let hex = String(scalar.value, radix: 16, uppercase: true)
                    put(scalar.value > 0xFF ? "\\u" + String(repeating: "0", count: 4 - hex.utf8.count) : "\\x" + (hex.utf8.count == 1 ? "0" : ""))
                    put(hex)
                }
            }
        }
        put("\"")
    }
}
