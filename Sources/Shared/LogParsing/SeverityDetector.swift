public import Telemetry

/// Tells how grave a line is from its first bytes, without parsing it. By order of evidence: a JSON or logfmt
/// field that says so, klog's letter, a syslog priority, a word such as ERROR near the start.
public enum SeverityDetector {
    /// How far a field is looked for, and how far a word.
    private static let fieldBytes = 1024
    private static let wordBytes = 64

    public static func detect(_ line: ArraySlice<UInt8>) -> LogRecord.Severity {
        let text = line.drop { $0 == 0x20 || $0 == 0x09 }
        guard let first = text.first else { return .unknown }
        switch first {
        case UInt8(ascii: "{"):
            return json(text.prefix(fieldBytes))
        case UInt8(ascii: "I"), UInt8(ascii: "W"), UInt8(ascii: "E"), UInt8(ascii: "F"):
            if let severity = klog(text) { return severity }
        case UInt8(ascii: "<"):
            if let severity = syslog(text) { return severity }
        default: break
        }
        if let severity = logfmt(text.prefix(fieldBytes)) { return severity }
        return word(text.prefix(wordBytes))
    }

    // MARK: Forms

    private static func json(_ text: ArraySlice<UInt8>) -> LogRecord.Severity {
        var offset = text.startIndex
        var depth = 0
        while offset < text.endIndex {
            switch text[offset] {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "\""):
                guard let close = closingQuote(text, after: offset) else { return .unknown }
                let key = text[(offset + 1)..<close]
                offset = close + 1
                while offset < text.endIndex, text[offset] == 0x20 { offset += 1 }
                guard depth == 1, offset < text.endIndex, text[offset] == UInt8(ascii: ":") else { continue }
                offset += 1
                while offset < text.endIndex, text[offset] == 0x20 { offset += 1 }
                guard isLevelKey(key), offset < text.endIndex else { continue }
                if text[offset] == UInt8(ascii: "\"") {
                    guard let close = closingQuote(text, after: offset) else { return .unknown }
                    if let severity = named(text[(offset + 1)..<close]) { return severity }
                    offset = close + 1
                } else if let severity = numbered(text[offset...]) {
                    return severity
                }
                continue
            default: break
            }
            offset += 1
        }
        return .unknown
    }

    private static func closingQuote(_ text: ArraySlice<UInt8>, after open: Int) -> Int? {
        var offset = open + 1
        while offset < text.endIndex {
            switch text[offset] {
            case UInt8(ascii: "\\"): offset += 2
            case UInt8(ascii: "\""): return offset
            default: offset += 1
            }
        }
        return nil
    }

    private static func isLevelKey(_ key: ArraySlice<UInt8>) -> Bool {
        guard (2...9).contains(key.count) else { return false }
        return keys.contains { $0.count == key.count && zip($0, key).allSatisfy { $0 == $1 | ($1 &- 65 < 26 ? 0x20 : 0) } }
    }
    private static let keys = ["level", "severity", "lvl", "loglevel", "log_level", "levelname", "@l"].map { Array($0.utf8) }

    /// `I1124 08:48:41.123456   1 main.go:1] text`
    private static func klog(_ text: ArraySlice<UInt8>) -> LogRecord.Severity? {
        guard text.count > 6, text.dropFirst().prefix(4).allSatisfy({ $0 &- 48 < 10 }), text[text.startIndex + 5] == 0x20 else { return nil }
        switch text[text.startIndex] {
        case UInt8(ascii: "I"): return .info
        case UInt8(ascii: "W"): return .warning
        case UInt8(ascii: "E"): return .error
        default: return .fatal
        }
    }

    /// `<PRIORITY>`: facility * 8 + severity.
    private static func syslog(_ text: ArraySlice<UInt8>) -> LogRecord.Severity? {
        guard let close = text.prefix(5).firstIndex(of: UInt8(ascii: ">")),
            let priority = Int(String(decoding: text[(text.startIndex + 1)..<close], as: UTF8.self)),
            (0...191).contains(priority)
        else { return nil }
        switch priority & 7 {
        case 0...2: return .fatal
        case 3: return .error
        case 4: return .warning
        case 5, 6: return .info
        default: return .debug
        }
    }

    /// `level=error`, with or without quotes, at the beginning of a word.
    private static func logfmt(_ text: ArraySlice<UInt8>) -> LogRecord.Severity? {
        var offset = text.startIndex
        while let equals = text[offset...].firstIndex(of: UInt8(ascii: "=")) {
            var start = equals
            while start > text.startIndex, text[start - 1] > 0x20, equals - start < 10 { start -= 1 }
            offset = equals + 1
            guard isLevelKey(text[start..<equals]) else { continue }
            let value = text[offset...].drop { $0 == UInt8(ascii: "\"") }.prefix { ($0 | 0x20) &- 97 < 26 || $0 &- 48 < 10 }
            if let severity = named(value) ?? numbered(value) { return severity }
        }
        return nil
    }

    /// A word in capitals, or in brackets, or the first one with a colon after it.
    private static func word(_ text: ArraySlice<UInt8>) -> LogRecord.Severity {
        var offset = text.startIndex
        var isFirst = true
        while offset < text.endIndex {
            guard (text[offset] | 0x20) &- 97 < 26 else {
                offset += 1
                continue
            }
            let start = offset
            while offset < text.endIndex, (text[offset] | 0x20) &- 97 < 26 { offset += 1 }
            let token = text[start..<offset]
            let isCapital = token.allSatisfy { $0 &- 65 < 26 }
            let isBracketed =
                start > text.startIndex && (text[start - 1] == UInt8(ascii: "[") || text[start - 1] == UInt8(ascii: "<")) && offset < text.endIndex
                && (text[offset] == UInt8(ascii: "]") || text[offset] == UInt8(ascii: ">"))
            let isHeading = isFirst && offset < text.endIndex && text[offset] == UInt8(ascii: ":")
            isFirst = false
            if isCapital || isBracketed || isHeading, token.count >= 3, let severity = named(token) { return severity }
        }
        return .unknown
    }

    // MARK: Values

    /// A level's name or number, as a field has it.
    public static func value(_ value: ArraySlice<UInt8>) -> LogRecord.Severity? { named(value) ?? numbered(value) }

    /// OpenTelemetry's numbers: 1 to 24, four to a severity.
    static func otlp(_ value: ArraySlice<UInt8>) -> LogRecord.Severity? {
        guard let number = Int(String(decoding: value, as: UTF8.self)), (1...24).contains(number) else { return nil }
        return [.trace, .debug, .info, .warning, .error, .fatal][(number - 1) / 4]
    }

    /// By name, in either case.
    static func named(_ word: ArraySlice<UInt8>) -> LogRecord.Severity? {
        guard (1...13).contains(word.count) else { return nil }
        let key = word.map { $0 | ($0 &- 65 < 26 ? 0x20 : 0) }
        return names[key]
    }

    private static let names: [[UInt8]: LogRecord.Severity] = {
        let table: [(LogRecord.Severity, [String])] = [
            (.trace, ["trace", "trc", "verbose", "finest", "t"]), (.debug, ["debug", "dbg", "fine", "d"]),
            (.info, ["info", "inf", "information", "informational", "notice", "log", "i"]), (.warning, ["warn", "wrn", "warning", "w"]),
            (.error, ["error", "err", "eror", "severe", "e"]),
            (.fatal, ["critical", "crit", "alert", "fatal", "ftl", "emerg", "emergency", "panic", "dpanic", "f"]),
        ]
        return Dictionary(uniqueKeysWithValues: table.flatMap { severity, names in names.map { (Array($0.utf8), severity) } })
    }()

    /// The levels of pino and bunyan, which Python's are too but for their names: 10 to 60.
    private static func numbered(_ text: ArraySlice<UInt8>) -> LogRecord.Severity? {
        let digits = text.prefix { $0 &- 48 < 10 }
        guard (1...3).contains(digits.count) else { return nil }
        switch digits.reduce(0, { $0 * 10 + Int($1 - 48) }) {
        case 10: return .trace
        case 20: return .debug
        case 30: return .info
        case 40: return .warning
        case 50: return .error
        case 60: return .fatal
        default: return nil
        }
    }
}
