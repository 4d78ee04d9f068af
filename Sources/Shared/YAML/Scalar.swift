import JSON

/// What a scalar without quotes means.
///
/// YAML 1.1 as the converter resolves it that Kubernetes' clients use: `yes`, `no`, `on` and `off` are booleans, `0644` is
/// octal, `1_000` a thousand, dates stay text. `y` and `n` stay text as well: they are more often names than answers.
enum Scalar {
    /// Nil for `.inf` and `.nan`, which JSON cannot say.
    static func resolve(_ text: String) -> JSON? {
        guard let first = text.utf8.first else { return .null }
        switch first {
        case UInt8(ascii: "~"), UInt8(ascii: "n"), UInt8(ascii: "N"), UInt8(ascii: "t"), UInt8(ascii: "T"), UInt8(ascii: "f"),
            UInt8(ascii: "F"), UInt8(ascii: "y"), UInt8(ascii: "Y"), UInt8(ascii: "o"), UInt8(ascii: "O"):
            return words[text] ?? .string(text)
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."): return number(text)
        default: return .string(text)
        }
    }

    private static let words: [String: JSON] = [
        "~": .null, "null": .null, "Null": .null, "NULL": .null, "true": true, "True": true, "TRUE": true, "yes": true, "Yes": true,
        "YES": true, "on": true, "On": true, "ON": true, "false": false, "False": false, "FALSE": false, "no": false, "No": false,
        "NO": false, "off": false, "Off": false, "OFF": false,
    ]

    private static func number(_ text: String) -> JSON? {
        switch text {
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN": return nil
        default: break
        }
        var digits = text[...]
        var sign: Int64 = 1
        if digits.first == "+" || digits.first == "-" {
            if digits.removeFirst() == "-" { sign = -1 }
        }
        guard let first = digits.utf8.first, first &- 0x30 <= 9 || first == UInt8(ascii: ".") else { return .string(text) }
        let plain = digits.utf8.contains(UInt8(ascii: "_")) ? String(digits.filter { $0 != "_" }) : String(digits)
        if let value = integer(plain, isNegative: sign < 0) { return .integer(value) }
        if isDecimalFloat(plain.utf8), let value = Double(plain), value.isFinite { return .number(Double(sign) * value) }
        return .string(text)
    }

    /// Decimal, `0x`, `0o`, `0b`, and octal by a leading zero.
    private static func integer(_ digits: String, isNegative: Bool) -> Int64? {
        var (body, radix) = (digits[...], 10)
        if digits.utf8.count > 1, digits.utf8.first == UInt8(ascii: "0") {
            switch digits.utf8.dropFirst().first {
            case UInt8(ascii: "x"), UInt8(ascii: "X"): (body, radix) = (digits.dropFirst(2), 16)
            case UInt8(ascii: "o"), UInt8(ascii: "O"): (body, radix) = (digits.dropFirst(2), 8)
            case UInt8(ascii: "b"), UInt8(ascii: "B"): (body, radix) = (digits.dropFirst(2), 2)
            default: (body, radix) = (digits.dropFirst(1), 8)
            }
        }
        // `Int64` would take a second sign.
        guard let first = body.first, first != "+", first != "-" else { return nil }
        return Int64((isNegative ? "-" : "") + body, radix: radix)
    }

    /// `1`, `1.`, `.5`, `1.5e-3`.
    private static func isDecimalFloat(_ bytes: String.UTF8View) -> Bool {
        var rest = Substring(String(bytes)).utf8
        func digits() -> Int {
            let count = rest.prefix { $0 &- 0x30 <= 9 }.count
            rest = rest.dropFirst(count)
            return count
        }
        var mantissa = digits()
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            mantissa += digits()
        }
        guard mantissa > 0 else { return false }
        if let exponent = rest.first, exponent | 0x20 == UInt8(ascii: "e") {
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
            guard digits() > 0 else { return false }
        }
        return rest.isEmpty
    }
}
