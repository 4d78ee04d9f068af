import Telemetry

/// Error logs of Apache and nginx:
///
///     [Tue Nov 24 08:48:41.123456 2026] [core:error] [pid 12:tid 34] [client 10.0.0.1:5] text
///     2026/11/24 08:48:41 [error] 12#34: *56 text, client: 10.0.0.1, server: x
enum WebErrorLine {
    static func heading(_ line: ArraySlice<UInt8>) -> LineHeading? {
        header(line).map { LineHeading(stamp: $0.stamp, severity: $0.severity) }
    }

    private static func header(_ line: ArraySlice<UInt8>) -> (stamp: LineStamp, severity: LogRecord.Severity, module: String?, rest: Int)? {
        guard let first = line.first, let (stamp, end) = StampScanner.scan(line) else { return nil }
        var index = end
        if first == UInt8(ascii: "[") {
            guard index < line.endIndex, line[index] == UInt8(ascii: "]") else { return nil }
            index += 1
        }
        guard index + 2 < line.endIndex, line[index] == 0x20, line[index + 1] == UInt8(ascii: "["),
            let close = line[index...].prefix(40).firstIndex(of: UInt8(ascii: "]"))
        else { return nil }
        let word = line[(index + 2)..<close]
        let colon = word.lastIndex(of: UInt8(ascii: ":"))
        guard let severity = SeverityDetector.named(colon.map { word[($0 + 1)...] } ?? word) else { return nil }
        return (stamp, severity, colon.map { word[..<$0].text }, close + 1)
    }

    static func parse(_ line: ArraySlice<UInt8>) -> ParsedLine? {
        guard let (stamp, severity, module, rest) = header(line) else { return nil }
        var parsed = ParsedLine(form: .webError, stamp: stamp, severity: severity)
        if let module, !module.isEmpty { parsed.fields.append(.init("module", module)) }
        var text = line[rest...].drop { $0 == 0x20 }
        // Apache's further brackets: `pid 12:tid 34`, `client 10.0.0.1:5`.
        while text.first == UInt8(ascii: "["), let close = text.firstIndex(of: UInt8(ascii: "]")) {
            let inside = text[(text.startIndex + 1)..<close]
            if let space = inside.firstIndex(of: 0x20) {
                let value = inside[(space + 1)...]
                parsed.fields.append(.init(inside[..<space].text, value.prefix { $0 != UInt8(ascii: ":") || inside.starts(with: "client".utf8) }.text))
            }
            text = text[(close + 1)...].drop { $0 == 0x20 }
        }
        parsed.message = text.text
        return parsed
    }
}
