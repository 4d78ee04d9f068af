import Glibc

/// What Go's printf does, as far as values of templates go.
enum FormatVerbs {
    /// The widest field and the most digits that a format may ask for.
    private static let maximumWidth = 1000

    private struct Spec {
        var flags: Set<Character> = []
        var width: Int?
        var precision: Int?
        var verb: Character = "v"
    }

    static func printf(_ format: String, _ arguments: [TemplateValue]) -> String {
        var text = ""
        var rest = arguments[...]
        var characters = format[...]
        while let character = characters.popFirst() {
            guard character == "%" else {
                text.append(character)
                continue
            }
            guard let spec = spec(&characters, &rest) else {
                text += "%!(NOVERB)"
                break
            }
            if spec.verb == "%" {
                text += "%"
            } else if let value = rest.popFirst() {
                text += padded(formatted(value, spec), spec)
            } else {
                text += "%!\(spec.verb)(MISSING)"
            }
        }
        if !rest.isEmpty { text += "%!(EXTRA " + rest.map { "\(typeName($0))=\($0.text)" }.joined(separator: ", ") + ")" }
        return text
    }

    private static func spec(_ characters: inout Substring, _ arguments: inout ArraySlice<TemplateValue>) -> Spec? {
        var spec = Spec()
        while let flag = characters.first, "+-# 0".contains(flag) {
            spec.flags.insert(flag)
            characters.removeFirst()
        }
        spec.width = number(&characters, &arguments)
        if characters.first == "." {
            characters.removeFirst()
            spec.precision = number(&characters, &arguments) ?? 0
        }
        guard let verb = characters.popFirst() else { return nil }
        spec.verb = verb
        return spec
    }

    private static func number(_ characters: inout Substring, _ arguments: inout ArraySlice<TemplateValue>) -> Int? {
        if characters.first == "*" {
            characters.removeFirst()
            guard case .integer(let value) = arguments.popFirst() else { return nil }
            return min(max(value, 0), maximumWidth)
        }
        var value: Int?
        while let digit = characters.first?.wholeNumberValue, characters.first?.isASCII == true {
            value = min((value ?? 0) * 10 + digit, maximumWidth)
            characters.removeFirst()
        }
        return value
    }

    private static func formatted(_ value: TemplateValue, _ spec: Spec) -> String {
        switch (spec.verb, value) {
        case ("v", .float(let number)): return float(number, "g", spec)
        case ("v", .integer(let number)): return integer(number, radix: 10, spec)
        case ("v", _): return value.text
        case ("s", .string(let text)): return spec.precision.map { String(text.prefix($0)) } ?? text
        case ("s", .list(let values)): return "[" + values.map { formatted($0, spec) }.joined(separator: " ") + "]"
        case ("q", .string(let text)): return quoted(text)
        case ("x", .string(let text)): return text.utf8.map { hex(Int($0), width: 2) }.joined()
        case ("t", .bool(let flag)): return flag ? "true" : "false"
        case ("d", .integer(let number)): return integer(number, radix: 10, spec)
        case ("x", .integer(let number)): return integer(number, radix: 16, spec)
        case ("X", .integer(let number)): return integer(number, radix: 16, spec).uppercased()
        case ("o", .integer(let number)): return integer(number, radix: 8, spec)
        case ("b", .integer(let number)): return integer(number, radix: 2, spec)
        case ("c", .integer(let number)): return Unicode.Scalar(UInt32(clamping: number)).map { String(Character($0)) } ?? "\u{FFFD}"
        case ("f", .float(let number)), ("F", .float(let number)): return float(number, "f", spec)
        case ("e", .float(let number)), ("E", .float(let number)), ("g", .float(let number)), ("G", .float(let number)):
            return float(number, spec.verb, spec)
        case ("T", _): return typeName(value)
        default: return "%!\(spec.verb)(\(typeName(value))=\(value.text))"
        }
    }

    private static func integer(_ value: Int, radix: Int, _ spec: Spec) -> String {
        let digits = String(value.magnitude, radix: radix)
        let zeros = String(repeating: "0", count: max(0, (spec.precision ?? 0) - digits.count))
        return (value < 0 ? "-" : spec.flags.contains("+") ? "+" : spec.flags.contains(" ") ? " " : "") + zeros + digits
    }

    private static func float(_ value: Double, _ verb: Character, _ spec: Spec) -> String {
        let sign = value.sign == .plus && !value.isNaN ? (spec.flags.contains("+") ? "+" : spec.flags.contains(" ") ? " " : "") : ""
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if (verb == "g" || verb == "G") && spec.precision == nil { return sign + shortest(value) }
        return sign + c("%.\(spec.precision ?? 6)\(verb)", value)
    }

    /// C's printf of one number.
    private static func c(_ format: String, _ value: Double) -> String {
        // 308 digits before the point, 1000 behind it.
        var buffer = [CChar](repeating: 0, count: 1400)
        let length = unsafe withVaList([value]) { arguments in
            unsafe buffer.withUnsafeMutableBufferPointer { unsafe vsnprintf($0.baseAddress, $0.count, format, arguments) }
        }
        return String(decoding: buffer.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Go's `%v` of a float64: the fewest digits that read back, with an exponent below 1e-4 and from 1e21 on.
    static func shortest(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if value == 0 { return value.sign == .minus ? "-0" : "0" }
        // Swift gives the same digits; only the place of the exponent differs.
        let text = "\(value.magnitude)"
        let halves = text.split(separator: "e")
        var digits = halves[0].filter { $0 != "." }
        var exponent = (halves[0].firstIndex(of: ".").map { halves[0].distance(from: halves[0].startIndex, to: $0) } ?? halves[0].count) - 1
        if halves.count > 1 { exponent += Int(halves[1]) ?? 0 }
        while digits.hasPrefix("0"), digits.count > 1 {
            digits.removeFirst()
            exponent -= 1
        }
        while digits.hasSuffix("0"), digits.count > 1 { digits.removeLast() }
        let sign = value < 0 ? "-" : ""
        if exponent < -4 || exponent >= 21 {
            let fraction = digits.dropFirst()
            let power = "\(exponent.magnitude)"
            return sign + digits.prefix(1) + (fraction.isEmpty ? "" : "." + fraction) + (exponent < 0 ? "e-" : "e+") + (power.count < 2 ? "0" : "") + power
        }
        if exponent < 0 { return sign + "0." + String(repeating: "0", count: -exponent - 1) + digits }
        if digits.count <= exponent + 1 { return sign + digits + String(repeating: "0", count: exponent + 1 - digits.count) }
        return sign + digits.prefix(exponent + 1) + "." + digits.dropFirst(exponent + 1)
    }

    /// As strconv.Quote does.
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case "\r": quoted += "\\r"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F: quoted += "\\x" + hex(Int(scalar.value), width: 2)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    private static func hex(_ value: Int, width: Int) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private static func padded(_ text: String, _ spec: Spec) -> String {
        guard let width = spec.width, text.count < width else { return text }
        let missing = width - text.count
        if spec.flags.contains("-") { return text + String(repeating: " ", count: missing) }
        guard spec.flags.contains("0"), "dfFeEgGxX".contains(spec.verb) else { return String(repeating: " ", count: missing) + text }
        let sign = text.hasPrefix("-") || text.hasPrefix("+") ? String(text.prefix(1)) : ""
        return sign + String(repeating: "0", count: missing) + text.dropFirst(sign.count)
    }

    private static func typeName(_ value: TemplateValue) -> String {
        switch value {
        case .none: "<nil>"
        case .bool: "bool"
        case .integer: "int"
        case .float: "float64"
        case .string: "string"
        case .list: "[]interface {}"
        case .map: "map[string]interface {}"
        }
    }
}
