import Telemetry

/// logfmt: `key=value key="quoted value" flag`.
public enum LogfmtLine {
    private static let timeKeys = ["time", "ts", "timestamp", "t", "date", "@timestamp"]
    private static let levelKeys = ["level", "lvl", "severity", "loglevel", "log_level", "levelname", "@l"]

    static func parse(_ line: ArraySlice<UInt8>) -> ParsedLine? {
        guard isLogfmt(line) else { return nil }
        var parsed = ParsedLine(form: .logfmt, message: line.text)
        parsed.fields = pairs(line)
        if let message = parsed["msg"] ?? parsed["message"] { parsed.message = message }
        let head = heading(line)
        parsed.stamp = head?.stamp
        parsed.severity = head?.severity ?? .unknown
        return parsed
    }

    /// Whether the first token is a pair and a second one follows.
    private static func isLogfmt(_ line: ArraySlice<UInt8>) -> Bool {
        var index = line.startIndex
        guard let first = next(line, &index), first.hasValue else { return false }
        for _ in 0..<8 {
            guard let other = next(line, &index) else { return false }
            if other.hasValue { return true }
        }
        return false
    }

    static func heading(_ line: ArraySlice<UInt8>) -> LineHeading? {
        guard isLogfmt(line) else { return nil }
        var heading = LineHeading(stamp: nil, severity: .unknown)
        var index = line.startIndex
        // What a logger says of the line stands near its beginning.
        for _ in 0..<16 {
            guard heading.stamp == nil || heading.severity == .unknown, let pair = next(line, &index) else { break }
            guard pair.hasValue, (1...10).contains(pair.key.count) else { continue }
            if heading.severity == .unknown, isOne(pair.key, of: levelKeys) {
                heading.severity = SeverityDetector.value(pair.value) ?? .unknown
            } else if heading.stamp == nil, isOne(pair.key, of: timeKeys) {
                heading.stamp = StampScanner.whole(pair.value)
            }
        }
        if heading.severity == .unknown { heading.severity = SeverityDetector.detect(line) }
        return heading
    }

    private static func isOne(_ key: ArraySlice<UInt8>, of names: [String]) -> Bool {
        names.contains { name in
            name.utf8.count == key.count && zip(name.utf8, key).allSatisfy { $0 == $1 | ($1 &- 65 < 26 ? 0x20 : 0) }
        }
    }

    /// All pairs of a line; a key without `=` has an empty value.
    public static func pairs(_ line: ArraySlice<UInt8>) -> [ParsedLine.Field] {
        var fields: [ParsedLine.Field] = []
        var index = line.startIndex
        while let pair = next(line, &index) {
            fields.append(.init(pair.key.text, pair.isQuoted ? unescaped(pair.value) : pair.value.text))
        }
        return fields
    }

    private struct Pair {
        var key: ArraySlice<UInt8>
        var value: ArraySlice<UInt8>
        var hasValue: Bool
        var isQuoted: Bool
    }

    /// The next token; nil at the end. A key has letters, digits and marks other than quotes; a text in quotes that is no
    /// value ends the reading, since such a line is prose.
    private static func next(_ line: ArraySlice<UInt8>, _ index: inout Int) -> Pair? {
        while index < line.endIndex, line[index] <= 0x20 { index += 1 }
        let start = index
        while index < line.endIndex, line[index] > 0x20, line[index] != UInt8(ascii: "="), line[index] != UInt8(ascii: "\"") { index += 1 }
        guard index > start else { return nil }
        let key = line[start..<index]
        guard index < line.endIndex, line[index] == UInt8(ascii: "=") else {
            guard index == line.endIndex || line[index] <= 0x20 else { return nil }
            return Pair(key: key, value: line[index..<index], hasValue: false, isQuoted: false)
        }
        index += 1
        let begin = index
        if index < line.endIndex, line[index] == UInt8(ascii: "\"") {
            index += 1
            while index < line.endIndex, line[index] != UInt8(ascii: "\"") { index += line[index] == UInt8(ascii: "\\") ? 2 : 1 }
            guard index < line.endIndex else {
                // The quote does not end: the rest is the value.
                index = line.endIndex
                return Pair(key: key, value: line[begin...], hasValue: true, isQuoted: false)
            }
            index += 1
            return Pair(key: key, value: line[(begin + 1)..<(index - 1)], hasValue: true, isQuoted: true)
        }
        while index < line.endIndex, line[index] > 0x20 { index += 1 }
        return Pair(key: key, value: line[begin..<index], hasValue: true, isQuoted: false)
    }

    /// A quoted text at `index`, which moves behind it; nil if there is none that ends.
    static func quoted(_ line: ArraySlice<UInt8>, _ index: inout Int) -> String? {
        let start = index + 1
        var ahead = start
        while ahead < line.endIndex, line[ahead] != UInt8(ascii: "\"") { ahead += line[ahead] == UInt8(ascii: "\\") ? 2 : 1 }
        guard ahead < line.endIndex else { return nil }
        index = ahead + 1
        return unescaped(line[start..<ahead])
    }

    private static func unescaped(_ text: ArraySlice<UInt8>) -> String {
        guard text.contains(UInt8(ascii: "\\")) else { return text.text }
        var bytes: [UInt8] = []
        var index = text.startIndex
        while index < text.endIndex {
            guard text[index] == UInt8(ascii: "\\"), index + 1 < text.endIndex else {
                bytes.append(text[index])
                index += 1
                continue
            }
            switch text[index + 1] {
            case UInt8(ascii: "n"): bytes.append(0x0A)
            case UInt8(ascii: "t"): bytes.append(0x09)
            case UInt8(ascii: "r"): bytes.append(0x0D)
            default: bytes.append(text[index + 1])
            }
            index += 2
        }
        return bytes[...].text
    }
}
