import Telemetry

/// klog, the form of Kubernetes' own components:
///
///     I1124 08:48:41.123456   12345 controller.go:42] "Starting" worker="a" count=3
///
/// The thread, the file and a structured text (a quoted message, then pairs) become fields.
enum KlogLine {
    static func heading(_ line: ArraySlice<UInt8>) -> LineHeading? { header(line).map { LineHeading(stamp: $0.stamp, severity: $0.severity) } }

    /// The severity, the stamp without a year, and where the rest begins.
    private static func header(_ line: ArraySlice<UInt8>) -> (severity: LogRecord.Severity, stamp: LineStamp, rest: Int)? {
        let start = line.startIndex
        guard line.count >= 22, let severity = severities[line[start]] else { return nil }
        func number(_ offset: Int, _ count: Int) -> Int? {
            var value = 0
            for index in start + offset..<start + offset + count {
                let digit = line[index] &- 48
                guard digit < 10 else { return nil }
                value = value * 10 + Int(digit)
            }
            return value
        }
        guard let month = number(1, 2), let day = number(3, 2), line[start + 5] == 0x20, let hour = number(6, 2), line[start + 8] == 0x3A,
            let minute = number(9, 2), line[start + 11] == 0x3A, let second = number(12, 2), line[start + 14] == 0x2E, let micros = number(15, 6),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 61
        else { return nil }
        var civil = CivilTime(secondsSinceEpoch: 0)
        (civil.year, civil.month, civil.day, civil.hour, civil.minute, civil.second) = (0, month, day, hour, minute, second)
        civil.nanosecond = micros * 1000
        return (severity, LineStamp(civil: civil, offset: nil), start + 21)
    }

    private static let severities: [UInt8: LogRecord.Severity] = [
        UInt8(ascii: "I"): .info, UInt8(ascii: "W"): .warning, UInt8(ascii: "E"): .error, UInt8(ascii: "F"): .fatal,
    ]

    static func parse(_ line: ArraySlice<UInt8>) -> ParsedLine? {
        guard let (severity, stamp, rest) = header(line), let bracket = line[rest...].firstIndex(of: UInt8(ascii: "]")) else { return nil }
        var parsed = ParsedLine(form: .klog, stamp: stamp, severity: severity)
        let place = line[rest..<bracket].split(separator: 0x20)
        guard place.count == 2 else { return nil }
        parsed.fields.append(.init("thread", place[0].text))
        parsed.fields.append(.init("file", place[1].text))
        let text = line[(bracket + 1)...].drop { $0 == 0x20 }
        parsed.message = text.text
        var index = text.startIndex
        if text.first == UInt8(ascii: "\""), let message = LogfmtLine.quoted(text, &index) {
            parsed.message = message
            parsed.fields += LogfmtLine.pairs(text[index...])
        }
        return parsed
    }
}
