import GoTemplate
import Glibc
import JSON
import Pattern

extension LineTemplate {
    /// The functions of Loki's templates that depend on their arguments alone. Arguments of a wrong kind are a failure.
    static let functions: [String: TemplateFunction] = texts.merging(numbers) { $1 }.merging(times) { $1 }

    static func argument(_ arguments: [TemplateValue], _ index: Int) throws -> TemplateValue {
        guard arguments.indices.contains(index) else { throw TemplateFailure("needs \(index + 1) arguments, got \(arguments.count)") }
        return arguments[index]
    }

    static func text(_ arguments: [TemplateValue], _ index: Int) throws -> String { try argument(arguments, index).text }

    /// A whole number; a text that is none is 0, as in Go's sprig.
    static func whole(_ arguments: [TemplateValue], _ index: Int) throws -> Int { whole(try argument(arguments, index)) }

    static func whole(_ value: TemplateValue) -> Int {
        switch value {
        case .integer(let value): value
        case .bool(let value): value ? 1 : 0
        case let value: Int(exactly: real(value).rounded(.towardZero)) ?? 0
        }
    }

    static func real(_ arguments: [TemplateValue], _ index: Int) throws -> Double { real(try argument(arguments, index)) }

    static func real(_ value: TemplateValue) -> Double { value.number ?? Quantities.number(value.text) ?? 0 }

    private static func pattern(_ text: String) throws -> Pattern {
        do throws(PatternError) { return try Pattern(text) } catch {
            throw TemplateFailure("the regular expression \(quoted(text)) is wrong: \(error.message)")
        }
    }

    private static func fold(_ arguments: [TemplateValue], _ combine: (Int, Int) -> Int?) throws -> TemplateValue {
        var value = try whole(arguments, 0)
        for argument in arguments.dropFirst() {
            guard let next = combine(value, whole(argument)) else { throw TemplateFailure("the result is no number of 64 bits") }
            value = next
        }
        return .integer(value)
    }

    private static func foldReal(_ arguments: [TemplateValue], _ combine: (Double, Double) -> Double) throws -> TemplateValue {
        .float(arguments.dropFirst().reduce(try real(arguments, 0)) { combine($0, real($1)) })
    }

    private static func checked(_ result: (partialValue: Int, overflow: Bool)) -> Int? { result.overflow ? nil : result.partialValue }

    static let numbers: [String: TemplateFunction] = [
        "add": { try fold($0) { checked($0.addingReportingOverflow($1)) } },
        "sub": { try fold($0) { checked($0.subtractingReportingOverflow($1)) } },
        "mul": { try fold($0) { checked($0.multipliedReportingOverflow(by: $1)) } },
        "div": { try fold($0) { checked($0.dividedReportingOverflow(by: $1)) } },
        "mod": { try fold($0) { checked($0.remainderReportingOverflow(dividingBy: $1)) } },
        "max": { try fold($0) { Swift.max($0, $1) } },
        "min": { try fold($0) { Swift.min($0, $1) } },
        "addf": { try foldReal($0, +) },
        "subf": { try foldReal($0, -) },
        "mulf": { try foldReal($0, *) },
        "divf": { try foldReal($0, /) },
        "maxf": { try foldReal($0) { Swift.max($0, $1) } },
        "minf": { try foldReal($0) { Swift.min($0, $1) } },
        "ceil": { .float(try real($0, 0).rounded(.up)) },
        "floor": { .float(try real($0, 0).rounded(.down)) },
        "round": { arguments in
            let scale = pow(10, Double(try arguments.count > 1 ? whole(arguments, 1) : 0))
            return .float((try real(arguments, 0) * scale).rounded(.toNearestOrAwayFromZero) / scale)
        },
        "float64": { .float(try real($0, 0)) },
        "int": { .integer(try whole($0, 0)) },
        "duration": { try seconds(text($0, 0)) },
        "duration_seconds": { try seconds(text($0, 0)) },
        "bytes": { arguments in
            let text = try text(arguments, 0)
            guard let value = Quantities.bytes(text.utf8, isValue: true) else { throw TemplateFailure("\(quoted(text)) is no size") }
            return .float(value)
        },
    ]

    private static func seconds(_ text: String) throws -> TemplateValue {
        guard let value = Quantities.duration(text.utf8, goOnly: true) else { throw TemplateFailure("\(quoted(text)) is no duration") }
        return .float(value / 1e9)
    }

    static let times: [String: TemplateFunction] = [
        "date": { .string(GoTime.format(try time($0, 1), try text($0, 0))) },
        "toDate": { .string(GoTime.text(try parsed(text($0, 1), text($0, 0), zone: "UTC"))) },
        "toDateInZone": { .string(GoTime.text(try parsed(text($0, 2), text($0, 0), zone: text($0, 1)))) },
        "unixEpoch": { .string(String(try time($0, 0).floorDiv(1_000_000_000))) },
        "unixEpochMillis": { .string(String(try time($0, 0).floorDiv(1_000_000))) },
        "unixEpochNanos": { .string(String(try time($0, 0))) },
        "unixToTime": { arguments in
            let text = try text(arguments, 0)
            // The count of digits tells the unit.
            let scales: [Int: Int64] = [5: 86_400_000_000_000, 10: 1_000_000_000, 13: 1_000_000, 16: 1000, 19: 1]
            guard let value = Int64(text), let scale = scales[text.utf8.count], case let (time, overflow) = value.multipliedReportingOverflow(by: scale),
                !overflow
            else {
                throw TemplateFailure("\(quoted(text)) is no time: 5 digits are days, 10 seconds, 13, 16 or 19 smaller units")
            }
            return .string(GoTime.text(time))
        },
    ]

    private static func time(_ arguments: [TemplateValue], _ index: Int) throws -> Int64 {
        let text = try text(arguments, index)
        guard let time = GoTime.read(text) else { throw TemplateFailure("\(quoted(text)) is no time") }
        return time
    }

    private static func parsed(_ text: String, _ layout: String, zone: String) throws -> Int64 {
        let seconds: Int
        switch zone {
        case "", "UTC", "GMT", "Local": seconds = 0
        default:
            guard let time = CivilOffset.seconds(zone) else {
                throw TemplateFailure("the zone \(quoted(zone)) is not known; there are UTC and offsets such as +02:00")
            }
            seconds = time
        }
        guard let time = GoTime.parse(text, layout, zoneSeconds: seconds) else {
            throw TemplateFailure("\(quoted(text)) is no time laid out as \(quoted(layout))")
        }
        return time
    }

    static let texts: [String: TemplateFunction] = [
        "alignLeft": { arguments in
            let count = try bounded(whole(arguments, 0)), letters = Array(try text(arguments, 1))
            return .string(String(letters.prefix(count)) + String(repeating: " ", count: max(0, count - letters.count)))
        },
        "alignRight": { arguments in
            let count = try bounded(whole(arguments, 0)), letters = Array(try text(arguments, 1))
            return .string(String(repeating: " ", count: max(0, count - letters.count)) + String(letters.suffix(count)))
        },
        "b64enc": { .string(Base64.encode(Array(try text($0, 0).utf8))) },
        "b64dec": { arguments in
            guard let bytes = Base64.decode(try text(arguments, 0)) else { throw TemplateFailure("the text is not Base64") }
            return .string(String(decoding: bytes, as: UTF8.self))
        },
        "default": { arguments in
            let value = try argument(arguments, 1)
            return value.isTrue ? value : try argument(arguments, 0)
        },
        "fromJson": { arguments in
            guard let document = try? JSON.parse(try text(arguments, 0)) else { throw TemplateFailure("the text is not JSON") }
            return value(document)
        },
        "lower": { .string(try text($0, 0).lowercased()) },
        "upper": { .string(try text($0, 0).uppercased()) },
        "title": { arguments in
            var isStart = true
            return .string(
                String(
                    try text(arguments, 0).map { letter -> String in
                        defer { isStart = !letter.isLetter && !letter.isNumber && letter != "_" && letter != "'" }
                        return isStart ? letter.uppercased() : String(letter)
                    }.joined()))
        },
        "trunc": { arguments in
            let count = try whole(arguments, 0), text = try text(arguments, 1)
            return .string(String(count < 0 ? text.suffix(count == .min ? .max : -count) : text.prefix(count)))
        },
        "substr": { arguments in
            let letters = Array(try text(arguments, 2))
            let start = min(max(0, try whole(arguments, 0)), letters.count), end = try whole(arguments, 1)
            let upper = end < 0 ? letters.count : min(end, letters.count)
            return .string(start < upper ? String(letters[start..<upper]) : "")
        },
        "replace": { .string(try text($0, 2).replacing(try text($0, 0), with: try text($0, 1))) },
        "trim": { .string(trimmed(try text($0, 0)) { $0.isWhitespace }) },
        "trimAll": { arguments in
            let set = Set(try text(arguments, 0))
            return .string(trimmed(try text(arguments, 1)) { set.contains($0) })
        },
        "trimLeft": { arguments in
            let set = Set(try text(arguments, 0))
            return .string(String(try text(arguments, 1).drop { set.contains($0) }))
        },
        "trimRight": { arguments in
            let set = Set(try text(arguments, 0))
            var text = try text(arguments, 1)
            while let last = text.last, set.contains(last) { text.removeLast() }
            return .string(text)
        },
        "trimPrefix": { arguments in
            let prefix = try text(arguments, 0), text = try text(arguments, 1)
            return .string(text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : text)
        },
        "trimSuffix": { arguments in
            let suffix = try text(arguments, 0), text = try text(arguments, 1)
            return .string(text.hasSuffix(suffix) ? String(text.dropLast(suffix.count)) : text)
        },
        "indent": { .string(indented(try text($0, 1), try bounded(whole($0, 0)))) },
        "nindent": { .string("\n" + indented(try text($0, 1), try bounded(whole($0, 0)))) },
        "repeat": { arguments in
            let text = try text(arguments, 1), count = try bounded(whole(arguments, 0))
            guard text.utf8.count * count <= 1 << 20 else { throw TemplateFailure("the text would be over 1 MiB") }
            return .string(String(repeating: text, count: count))
        },
        "contains": { arguments in
            let part = try text(arguments, 0), text = try text(arguments, 1)
            return .bool(part.isEmpty || text.contains(part))
        },
        "hasPrefix": { .bool(try text($0, 1).hasPrefix(try text($0, 0))) },
        "hasSuffix": { .bool(try text($0, 1).hasSuffix(try text($0, 0))) },
        "count": { arguments in
            let pattern = try pattern(text(arguments, 0))
            var count = 0
            _ = replace(pattern, try text(arguments, 1)) { _, _ in
                count += 1
                return ""
            }
            return .integer(count)
        },
        "regexReplaceAll": { arguments in
            let pattern = try pattern(text(arguments, 0))
            let template = ReplacementTemplate(try text(arguments, 2))
            return .string(replace(pattern, try text(arguments, 1)) { template.expand($0, $1, names: pattern.groupNames) })
        },
        "regexReplaceAllLiteral": { arguments in
            let literal = try text(arguments, 2)
            return .string(replace(try pattern(text(arguments, 0)), try text(arguments, 1)) { _, _ in literal })
        },
        "urlencode": { .string(percentEncoded(try text($0, 0))) },
        "urldecode": { arguments in
            guard let decoded = percentDecoded(try text(arguments, 0)) else { throw TemplateFailure("the text is not percent-encoded") }
            return .string(decoded)
        },
    ]

    private static func bounded(_ count: Int) throws -> Int {
        guard count <= 1 << 20 else { throw TemplateFailure("\(count) is too many") }
        return max(0, count)
    }

    private static func trimmed(_ text: String, _ isTrimmed: (Character) -> Bool) -> String {
        var part = text.drop(while: isTrimmed)
        while let last = part.last, isTrimmed(last) { part.removeLast() }
        return String(part)
    }

    private static func indented(_ text: String, _ count: Int) -> String {
        let blanks = String(repeating: " ", count: count)
        return blanks + text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n" + blanks)
    }

    /// Each match that does not overlap one before, replaced. An empty match moves on by a byte.
    private static func replace(_ pattern: Pattern, _ text: String, _ replacement: ([UInt8], [Range<Int>?]) -> String) -> String {
        let source = Array(text.utf8)
        var result: [UInt8] = []
        var copied = 0, position = 0
        while position <= source.count, let groups = pattern.groups(in: source, from: position), let whole = groups[0] {
            result += source[copied..<whole.lowerBound] + Array(replacement(source, groups).utf8)
            copied = whole.upperBound
            position = whole.upperBound
            if whole.isEmpty {
                if position < source.count { result.append(source[position]) }
                position += 1
                copied = min(position, source.count)
            }
        }
        return String(decoding: result + source[copied...], as: UTF8.self)
    }

    private static func percentEncoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case 0x20: result += "+"
            case _ where Lexer.isLetter(byte) || Lexer.isDigit(byte) || "-.~".utf8.contains(byte): result.unicodeScalars.append(Unicode.Scalar(byte))
            default: result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }

    private static func percentDecoded(_ text: String) -> String? {
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else { return nil }
                rest = rest.dropFirst(2)
                result.append(value)
            } else {
                result.append(byte == UInt8(ascii: "+") ? 0x20 : byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func value(_ document: JSON) -> TemplateValue {
        switch document {
        case .null: .none
        case .bool(let value): .bool(value)
        case .string(let value): .string(value)
        case .array(let values): .list(values.map(value))
        case .object(let members): .map(Dictionary(members.map { ($0.key, value($0.value)) }) { $1 })
        // Go's decoder makes every number a float.
        default: .float(document.double ?? .nan)
        }
    }
}

/// `+02:00`
enum CivilOffset {
    static func seconds(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.count == 6, bytes[0] == UInt8(ascii: "+") || bytes[0] == UInt8(ascii: "-"), bytes[3] == UInt8(ascii: ":"),
            let hours = Int(String(decoding: bytes[1...2], as: UTF8.self)), let minutes = Int(String(decoding: bytes[4...5], as: UTF8.self)), hours < 24,
            minutes < 60
        else { return nil }
        return (hours * 60 + minutes) * (bytes[0] == UInt8(ascii: "-") ? -60 : 60)
    }
}

extension Int64 {
    fileprivate func floorDiv(_ divisor: Int64) -> Int64 { self / divisor - (self % divisor < 0 ? 1 : 0) }
}
