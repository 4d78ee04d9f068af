import Glibc
import GoTemplate
import Pattern
import PromQL
import Telemetry

extension AlertTemplate {
    /// Prometheus' functions that depend on their arguments alone.
    static let functions: [String: TemplateFunction] = [
        "first": { arguments in
            guard case .list(let values)? = arguments.first, let first = values.first else {
                throw TemplateFailure("first() called on vector with no elements")
            }
            return first
        },
        "label": { arguments in
            guard case .map(let sample)? = arguments.last, case .map(let labels)? = sample["Labels"] else { throw TemplateFailure("label needs a sample") }
            return labels[try TemplateArguments.text(arguments)] ?? .string("")
        },
        "strvalue": { arguments in
            guard case .map(let sample)? = arguments.first, case .map(let labels)? = sample["Labels"] else { throw TemplateFailure("strvalue needs a sample") }
            return labels["__value__"] ?? .string("")
        },
        "value": { arguments in
            guard case .map(let sample)? = arguments.first, let value = sample["Value"] else { throw TemplateFailure("value needs a sample") }
            return value
        },
        "sortByLabel": { arguments in
            guard case .list(let values)? = arguments.last else { throw TemplateFailure("sortByLabel needs a result") }
            let name = try TemplateArguments.text(arguments)
            func key(_ value: TemplateValue) -> String {
                guard case .map(let sample) = value, case .map(let labels)? = sample["Labels"] else { return "" }
                return labels[name]?.text ?? ""
            }
            return .list(values.enumerated().sorted { (key($0.element), $0.offset) < (key($1.element), $1.offset) }.map(\.element))
        },
        "humanize": { .string(HumanText.humanize(try TemplateArguments.number($0))) },
        "humanize1024": { .string(HumanText.humanize1024(try TemplateArguments.number($0))) },
        "humanizeDuration": { .string(HumanText.duration(try TemplateArguments.number($0))) },
        "humanizePercentage": { .string(HumanText.general(try TemplateArguments.number($0) * 100) + "%") },
        "humanizeTimestamp": { .string(HumanText.timestamp(try TemplateArguments.number($0))) },
        "toTime": { .string(HumanText.timestamp(try TemplateArguments.number($0))) },
        "title": { .string(HumanText.title(try TemplateArguments.text($0))) },
        "toUpper": { .string(try TemplateArguments.text($0).uppercased()) },
        "toLower": { .string(try TemplateArguments.text($0).lowercased()) },
        "stripPort": { .string(HumanText.withoutPort(try TemplateArguments.text($0))) },
        "stripDomain": { .string(HumanText.withoutDomain(try TemplateArguments.text($0))) },
        "match": { .bool(try pattern($0).firstMatch(in: Array(try TemplateArguments.text($0, at: 1).utf8)) != nil) },
        "reReplaceAll": { arguments in
            .string(
                HumanText.replaceAll(
                    try pattern(arguments), with: try TemplateArguments.text(arguments, at: 1), in: try TemplateArguments.text(arguments, at: 2)))
        },
        "graphLink": { .string("/graph?g0.expr=\(HumanText.percentEncoded(try TemplateArguments.text($0)))&g0.tab=0") },
        "tableLink": { .string("/graph?g0.expr=\(HumanText.percentEncoded(try TemplateArguments.text($0)))&g0.tab=1") },
        "parseDuration": { arguments in
            let text = try TemplateArguments.text(arguments)
            guard let milliseconds = NumberText.parseDuration(Array(text.utf8)) else { throw TemplateFailure("not a valid duration string: \"\(text)\"") }
            return .float(Double(milliseconds) / 1000)
        },
        "safeHtml": { .string(try TemplateArguments.text($0)) },
        "args": { arguments in
            .map(Dictionary(uniqueKeysWithValues: arguments.enumerated().map { ("arg\($0.offset)", $0.element) }))
        },
    ]

    private static func pattern(_ arguments: [TemplateValue]) throws -> Pattern {
        let text = try TemplateArguments.text(arguments)
        do {
            return try Pattern(text)
        } catch {
            throw TemplateFailure("invalid regular expression \"\(text)\": \(error)")
        }
    }
}

/// Numbers, times and names as Prometheus' templates show them.
enum HumanText {
    /// Four digits and a prefix of powers of 1000.
    static func humanize(_ value: Double) -> String {
        guard value != 0, value.isFinite else { return general(value) }
        var value = value
        if value.magnitude >= 1 {
            var prefix = ""
            for next in ["k", "M", "G", "T", "P", "E", "Z", "Y"] where value.magnitude >= 1000 {
                prefix = next
                value /= 1000
            }
            return general(value) + prefix
        }
        var prefix = ""
        for next in ["m", "u", "n", "p", "f", "a", "z", "y"] where value.magnitude < 1 {
            prefix = next
            value *= 1000
        }
        return general(value) + prefix
    }

    static func humanize1024(_ value: Double) -> String {
        guard value.magnitude > 1, value.isFinite else { return general(value) }
        var value = value
        var prefix = ""
        for next in ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"] where value.magnitude >= 1024 {
            prefix = next
            value /= 1024
        }
        return general(value) + prefix
    }

    /// `1d 2h 3m 4s`, or four digits with a prefix below a second.
    static func duration(_ value: Double) -> String {
        guard value.isFinite else { return general(value) }
        guard value != 0 else { return "0s" }
        guard value.magnitude >= 1 else {
            var value = value
            var prefix = ""
            for next in ["m", "u", "n", "p", "f", "a", "z", "y"] where value.magnitude < 1 {
                prefix = next
                value *= 1000
            }
            return general(value) + prefix + "s"
        }
        let sign = value < 0 ? "-" : ""
        let magnitude = value.magnitude
        guard magnitude < 1e15 else { return general(value) + "s" }
        let whole = Int64(magnitude)
        let (days, hours, minutes, seconds) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60, whole % 60)
        if days != 0 { return "\(sign)\(days)d \(hours)h \(minutes)m \(seconds)s" }
        if hours != 0 { return "\(sign)\(hours)h \(minutes)m \(seconds)s" }
        if minutes != 0 { return "\(sign)\(minutes)m \(seconds)s" }
        return "\(sign)\(general(magnitude))s"
    }

    /// As Go prints a time in UTC.
    static func timestamp(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds.magnitude < 9e12 else { return general(seconds) }
        let milliseconds = (seconds * 1000).rounded()
        let time = CivilTime(Timestamp(milliseconds: Int64(milliseconds)))
        var text = time.rfc3339(fractionDigits: time.nanosecond == 0 ? 0 : 3)
        text.removeLast()
        if time.nanosecond != 0 { while text.hasSuffix("0") { text.removeLast() } }
        return text.replacing("T", with: " ") + " +0000 UTC"
    }

    /// Four digits, as `%.4g`.
    static func general(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        var buffer = [CChar](repeating: 0, count: 64)
        let length = unsafe withVaList([value]) { arguments in
            unsafe buffer.withUnsafeMutableBufferPointer { unsafe vsnprintf($0.baseAddress, $0.count, "%.4g", arguments) }
        }
        return String(decoding: buffer.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The first letter of each word as a capital.
    static func title(_ text: String) -> String {
        var isStart = true
        return String(
            text.map { character in
                defer { isStart = !(character.isLetter || character.isNumber || character == "'") }
                return isStart ? Character(character.uppercased().first.map(String.init) ?? "") : character
            })
    }

    static func withoutPort(_ address: String) -> String {
        if address.hasPrefix("["), let end = address.firstIndex(of: "]") { return String(address[address.index(after: address.startIndex)..<end]) }
        guard let colon = address.lastIndex(of: ":"), address.firstIndex(of: ":") == colon else { return address }
        return String(address[..<colon])
    }

    static func withoutDomain(_ address: String) -> String {
        let host = withoutPort(address)
        let isAddress = host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." }
        guard !isAddress, let dot = host.firstIndex(of: ".") else { return address }
        return String(host[..<dot]) + address.dropFirst(host.count)
    }

    static func replaceAll(_ pattern: Pattern, with replacement: String, in text: String) -> String {
        let bytes = Array(text.utf8)
        let template = ReplacementTemplate(replacement)
        var result: [UInt8] = []
        var position = 0
        while position <= bytes.count, let groups = pattern.groups(in: bytes, from: position), let whole = groups[0] {
            result += bytes[position..<whole.lowerBound]
            result += template.expand(bytes, groups, names: pattern.groupNames).utf8
            if whole.isEmpty, whole.lowerBound < bytes.count { result.append(bytes[whole.lowerBound]) }
            position = whole.isEmpty ? whole.upperBound + 1 : whole.upperBound
        }
        if position < bytes.count { result += bytes[position...] }
        return String(decoding: result, as: UTF8.self)
    }

    static func percentEncoded(_ text: String) -> String {
        text.utf8.reduce(into: "") { encoded, byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default: encoded += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
    }
}
