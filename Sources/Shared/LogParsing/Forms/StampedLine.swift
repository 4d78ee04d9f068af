import Telemetry

/// The common form of log4j, Python's logging, zap's console, Spring and many more: a time stamp, then words of which one
/// may be a level, then the text.
enum StampedLine {
    static func heading(_ line: ArraySlice<UInt8>) -> LineHeading? {
        guard let (stamp, _) = start(line) else { return nil }
        return LineHeading(stamp: stamp, severity: SeverityDetector.detect(line))
    }

    private static func start(_ line: ArraySlice<UInt8>) -> (stamp: LineStamp, end: Int)? {
        guard let (stamp, end) = StampScanner.scan(line), end == line.endIndex || !isWord(line[end]) else { return nil }
        return (stamp, end)
    }

    private static func isWord(_ byte: UInt8) -> Bool { (byte | 0x20) &- 97 < 26 || byte &- 48 < 10 }

    static func parse(_ line: ArraySlice<UInt8>) -> ParsedLine? {
        guard let (stamp, end) = start(line) else { return nil }
        var parsed = ParsedLine(form: .stamped, stamp: stamp, severity: SeverityDetector.detect(line))
        var text = line[end...].drop { $0 == UInt8(ascii: "]") || $0 == UInt8(ascii: ":") || $0 <= 0x20 || $0 == UInt8(ascii: "-") }
        // A level right after the stamp is not part of the text; nor is what Spring and Python put behind it.
        let word = text.prefix { $0 > 0x20 }
        let bare = word.drop { $0 == UInt8(ascii: "[") }.prefix { isWord($0) }
        if SeverityDetector.named(bare) != nil, word.count - bare.count <= 3 {
            text = text[word.endIndex...].drop { $0 <= 0x20 || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ":") }
        }
        parsed.message = text.text
        return parsed
    }
}
