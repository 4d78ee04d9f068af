import JSON
import Telemetry

/// A line that is one JSON object, as most structured loggers write it.
enum JSONLine {
    /// Where loggers put the time, the level and the text, by preference.
    private static let timeKeys: Set<[UInt8]> = keys("time", "ts", "timestamp", "@timestamp", "@t", "datetime", "date", "asctime", "eventtime", "instant")
    private static let levelKeys: Set<[UInt8]> = keys(
        "level", "severity", "lvl", "loglevel", "log_level", "levelname", "@l", "log.level", "severity_text", "severitytext")
    private static let numberKeys: Set<[UInt8]> = keys("severity_number", "severitynumber")
    private static let messageKeys = ["msg", "message", "@m", "@mt", "log", "event", "text"]

    private static func keys(_ names: String...) -> Set<[UInt8]> { Set(names.map { Array($0.utf8) }) }

    /// Fields beyond this depth keep their JSON text.
    private static let depth = 4

    static func parse(_ line: ArraySlice<UInt8>) -> ParsedLine? {
        guard let object = (try? JSON.parse(Array(line)))?.object else { return nil }
        var parsed = ParsedLine(form: .json, message: line.text)
        flatten(object, prefix: "", depth: depth, into: &parsed.fields)
        if let message = messageKeys.lazy.compactMap({ object[$0]?.string }).first { parsed.message = message }
        if let heading = heading(line) {
            parsed.stamp = heading.stamp
            parsed.severity = heading.severity
        }
        return parsed
    }

    private static func flatten(_ object: JSONObject, prefix: String, depth: Int, into fields: inout [ParsedLine.Field]) {
        for (key, value) in object {
            let name = prefix.isEmpty ? key : "\(prefix).\(key)"
            if let inner = value.object, depth > 1 {
                flatten(inner, prefix: name, depth: depth - 1, into: &fields)
            } else {
                fields.append(.init(name, value.string ?? "\(value)"))
            }
        }
    }

    /// Looks at the keys of the outer object alone. Nil unless the line is, from its look, one whole object.
    static func heading(_ line: ArraySlice<UInt8>) -> LineHeading? {
        var scanner = Scanner(line)
        guard scanner.skipSpace() == UInt8(ascii: "{"), line.last(where: { $0 != 0x20 && $0 != 0x0D }) == UInt8(ascii: "}") else { return nil }
        scanner.index += 1
        var heading = LineHeading(stamp: nil, severity: .unknown)
        while scanner.skipSpace() == UInt8(ascii: "\"") {
            guard let key = scanner.string(), scanner.skipSpace() == UInt8(ascii: ":") else { return nil }
            scanner.index += 1
            guard scanner.skipSpace() != nil, let value = scanner.value() else { return nil }
            note(key, value, &heading)
            let next = scanner.skipSpace()
            if next == UInt8(ascii: "}") { return heading }
            guard next == UInt8(ascii: ",") else { return nil }
            scanner.index += 1
        }
        return scanner.skipSpace() == UInt8(ascii: "}") ? heading : nil
    }

    private static func note(_ key: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>, _ heading: inout LineHeading) {
        guard (2...15).contains(key.count), heading.stamp == nil || heading.severity == .unknown else { return }
        let name = key.map { $0 | ($0 &- 65 < 26 ? 0x20 : 0) }
        if heading.severity == .unknown {
            if levelKeys.contains(name) {
                heading.severity = SeverityDetector.value(value) ?? .unknown
                return
            }
            if numberKeys.contains(name) {
                heading.severity = SeverityDetector.otlp(value) ?? .unknown
                return
            }
        }
        if heading.stamp == nil, timeKeys.contains(name) { heading.stamp = StampScanner.whole(value) }
    }

    private struct Scanner {
        let line: ArraySlice<UInt8>
        var index: Int

        init(_ line: ArraySlice<UInt8>) {
            self.line = line
            index = line.startIndex
        }

        mutating func skipSpace() -> UInt8? {
            while index < line.endIndex, line[index] == 0x20 || line[index] == 0x09 { index += 1 }
            return index < line.endIndex ? line[index] : nil
        }

        /// Between its quotes, escapes as they are. The index stands on the opening quote.
        mutating func string() -> ArraySlice<UInt8>? {
            let start = index + 1
            index = start
            while index < line.endIndex {
                switch line[index] {
                case UInt8(ascii: "\\"): index += 2
                case UInt8(ascii: "\""):
                    index += 1
                    return line[start..<index - 1]
                default: index += 1
                }
            }
            return nil
        }

        /// A string's inside, a number or word, or the whole text of an object or array.
        mutating func value() -> ArraySlice<UInt8>? {
            let start = index
            switch line[index] {
            case UInt8(ascii: "\""): return string()
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                var depth = 0
                while index < line.endIndex {
                    switch line[index] {
                    case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                    case UInt8(ascii: "}"), UInt8(ascii: "]"):
                        depth -= 1
                        if depth == 0 {
                            index += 1
                            return line[start..<index]
                        }
                    case UInt8(ascii: "\""):
                        guard string() != nil else { return nil }
                        continue
                    default: break
                    }
                    index += 1
                }
                return nil
            default:
                while index < line.endIndex, line[index] != UInt8(ascii: ","), line[index] != UInt8(ascii: "}"), line[index] > 0x20 { index += 1 }
                return index > start ? line[start..<index] : nil
            }
        }
    }
}
