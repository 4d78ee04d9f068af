public import Telemetry

/// Reads lines of the forms that programs write, cheapest test first.
public enum LineParser {
    /// The line in the first form that it fits, `raw` if none.
    public static func parse(_ line: ArraySlice<UInt8>, statusIsSeverity: Bool = false) -> ParsedLine {
        for form in forms(beginningOf: line) {
            if let parsed = parse(line, as: form, statusIsSeverity: statusIsSeverity) { return parsed }
        }
        return ParsedLine(form: .raw, severity: SeverityDetector.detect(line), message: line.text)
    }

    /// The line in this form; nil if it is not of it.
    public static func parse(_ line: ArraySlice<UInt8>, as form: LineForm, statusIsSeverity: Bool = false) -> ParsedLine? {
        let line = AnsiText.stripped(line)
        switch form {
        case .json: return JSONLine.parse(line)
        case .klog: return KlogLine.parse(line)
        case .access: return AccessLine.parse(line, statusIsSeverity: statusIsSeverity)
        case .webError: return WebErrorLine.parse(line)
        case .logfmt: return LogfmtLine.parse(line)
        case .syslog: return SyslogMessage.parse(line)?.parsedLine
        case .stamped: return StampedLine.parse(line)
        case .raw: return ParsedLine(form: .raw, severity: SeverityDetector.detect(line), message: line.text)
        }
    }

    /// The time and severity alone, without reading the rest; nil if the line is not of the form.
    public static func heading(_ line: ArraySlice<UInt8>, as form: LineForm) -> LineHeading? {
        switch form {
        case .json: JSONLine.heading(line)
        case .klog: KlogLine.heading(line)
        case .access: AccessLine.heading(line)
        case .webError: WebErrorLine.heading(line)
        case .logfmt: LogfmtLine.heading(line)
        case .syslog: SyslogMessage.parse(line).map { LineHeading(stamp: $0.stamp, severity: $0.severity) }
        case .stamped: StampedLine.heading(line)
        case .raw: LineHeading(stamp: nil, severity: SeverityDetector.detect(line))
        }
    }

    /// The forms that a line with this beginning can have, in the order in which they are tried.
    static func forms(beginningOf line: ArraySlice<UInt8>) -> [LineForm] {
        guard let first = line.first(where: { $0 != 0x20 }) else { return [] }
        switch first {
        case UInt8(ascii: "{"): return [.json]
        case UInt8(ascii: "I"), UInt8(ascii: "W"), UInt8(ascii: "E"), UInt8(ascii: "F"): return [.klog, .logfmt, .access, .stamped]
        case UInt8(ascii: "<"): return [.syslog]
        case UInt8(ascii: "["): return [.webError, .stamped]
        case 48...57: return [.access, .webError, .logfmt, .stamped]
        default: return [.logfmt, .access, .stamped]
        }
    }
}

/// What is wanted of every line: when it was written, by its own account, and how grave it is.
public struct LineHeading: Hashable, Sendable {
    public var stamp: LineStamp?
    public var severity: LogRecord.Severity
    public init(stamp: LineStamp?, severity: LogRecord.Severity) {
        self.stamp = stamp
        self.severity = severity
    }
}

/// Sequences that colour text on a terminal.
public enum AnsiText {
    /// The text without CSI and OSC sequences; itself if it has none.
    public static func stripped(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard line.contains(0x1B) else { return line }
        var text: [UInt8] = []
        text.reserveCapacity(line.count)
        var index = line.startIndex
        while index < line.endIndex {
            guard line[index] == 0x1B, index + 1 < line.endIndex else {
                text.append(line[index])
                index += 1
                continue
            }
            let kind = line[index + 1]
            index += 2
            if kind == UInt8(ascii: "[") {
                // Parameters, then one byte from @ to ~.
                while index < line.endIndex, !(0x40...0x7E).contains(line[index]) { index += 1 }
                index = min(index + 1, line.endIndex)
            } else if kind == UInt8(ascii: "]") {
                // To BEL or ESC \.
                while index < line.endIndex, line[index] != 0x07, line[index] != 0x1B { index += 1 }
                if index < line.endIndex { index += line[index] == 0x07 ? 1 : 2 }
                index = min(index, line.endIndex)
            }
        }
        return text[...]
    }
}
