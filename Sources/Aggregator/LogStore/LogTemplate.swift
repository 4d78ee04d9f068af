/// Lines without what varies from one to the next, so that "timeout after 31 ms" and "timeout after 7 s" count as one.
///
/// Numbers, hexadecimal identifiers, UUIDs, IP addresses, durations, times and quoted texts become `<...>` marks.
public enum LogTemplate {
    /// Longer lines are cut: a template is for reading.
    static let maximumBytes = 512

    /// The template of a line: of a JSON object its message and error, else the whole line. O(n).
    public static func of(_ line: [UInt8]) -> [UInt8] {
        guard line.first == UInt8(ascii: "{") else { return mask(line) }
        var message: [UInt8] = []
        var error: [UInt8] = []
        var offset = 1
        // Only the outermost members count; what is nested is passed over with its quotes.
        var depth = 1
        while offset < min(line.count, maximumBytes * 8) {
            switch line[offset] {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "\""):
                guard let close = closingQuote(line, offset + 1, line.count) else { return mask(line) }
                let key = Array(line[offset + 1..<close])
                let isMember = depth == 1 && isKey(line, close, line.count)
                offset = close
                guard isMember, messageKeys.contains(key) || errorKeys.contains(key) else { break }
                var start = close + 1
                while start < line.count, line[start] == UInt8(ascii: ":") || line[start] == 0x20 { start += 1 }
                guard start < line.count, line[start] == UInt8(ascii: "\""), let end = closingQuote(line, start + 1, line.count) else { break }
                let value = mask(Array(line[start + 1..<end]))
                if messageKeys.contains(key) { message = value } else { error = value }
                offset = end
            default: break
            }
            offset += 1
        }
        guard !message.isEmpty || !error.isEmpty else { return mask(line) }
        return message + (error.isEmpty || message.isEmpty ? [] : Array(": ".utf8)) + error
    }

    private static let messageKeys = Set(["msg", "message", "log", "event"].map { Array($0.utf8) })
    private static let errorKeys = Set(["error", "err", "exception"].map { Array($0.utf8) })

    /// A text with marks in place of what varies. One pass; O(n).
    public static func mask(_ line: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(min(line.count, maximumBytes))
        var offset = 0
        let end = min(line.count, maximumBytes * 2)
        while offset < end, output.count < maximumBytes {
            let byte = line[offset]
            if byte == UInt8(ascii: "\""), let close = closingQuote(line, offset + 1, end) {
                if isKey(line, close, end) {
                    output.append(contentsOf: line[offset...close])
                } else {
                    output.append(contentsOf: "\"<str>\"".utf8)
                }
                offset = close + 1
            } else if isWord(byte) {
                var stop = offset + 1
                var hasDigit = isDigit(byte)
                // A dot, colon or dash inside joins: times, addresses and UUIDs are one token.
                while stop < end, isWord(line[stop]) || (isJoint(line[stop]) && stop + 1 < end && isWord(line[stop + 1])) {
                    if isDigit(line[stop]) { hasDigit = true }
                    stop += 1
                }
                if hasDigit {
                    output.append(contentsOf: mark(line[offset..<stop]))
                } else {
                    let letters = line[offset..<stop]
                    output.append(contentsOf: isLongHex(letters) ? Array("<hex>".utf8) : Array(letters))
                }
                offset = stop
            } else {
                output.append(byte)
                offset += 1
            }
        }
        return output
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- 48 < 10 }
    private static func isHex(_ byte: UInt8) -> Bool { isDigit(byte) || (byte | 0x20) &- 97 < 6 }
    private static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 97 < 26 }
    private static func isWord(_ byte: UInt8) -> Bool { isDigit(byte) || isLetter(byte) || byte == UInt8(ascii: "_") || byte >= 0x80 }
    private static func isJoint(_ byte: UInt8) -> Bool { byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "-") }
    private static func isLongHex(_ token: ArraySlice<UInt8>) -> Bool { token.count >= 16 && token.allSatisfy(isHex) }

    private static func closingQuote(_ line: [UInt8], _ from: Int, _ end: Int) -> Int? {
        var offset = from
        while offset < end {
            if line[offset] == UInt8(ascii: "\\") {
                offset += 2
                continue
            }
            if line[offset] == UInt8(ascii: "\"") { return offset }
            offset += 1
        }
        return nil
    }

    /// Whether the text that ends at `quote` is a JSON member's name, which does not vary.
    private static func isKey(_ line: [UInt8], _ quote: Int, _ end: Int) -> Bool {
        var offset = quote + 1
        while offset < end, line[offset] == 0x20 { offset += 1 }
        return offset < end && line[offset] == UInt8(ascii: ":")
    }

    /// What to write for a token that holds a digit.
    private static func mark(_ token: ArraySlice<UInt8>) -> [UInt8] {
        let parts = token.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        if parts.map(\.count) == [8, 4, 4, 4, 12], parts.allSatisfy({ $0.allSatisfy(isHex) }) { return Array("<uuid>".utf8) }
        let colons = token.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        if let host = colons.first, colons.count <= 2, isIPv4(host) { return Array((colons.count == 2 ? "<ip>:<n>" : "<ip>").utf8) }
        if isTime(token) { return Array("<time>".utf8) }
        if token.allSatisfy({ isDigit($0) || isJoint($0) }) { return Array("<n>".utf8) }
        if token.count >= 6, token.allSatisfy(isHex) { return Array("<hex>".utf8) }
        if token.count > 2, token.starts(with: [0x30, 0x78]), token.dropFirst(2).allSatisfy(isHex) { return Array("<hex>".utf8) }
        // Digits become a mark, letters stay: `node-3`, `25ms` (a duration keeps no unit, since units change with the size).
        if let unit = token.firstIndex(where: { !isDigit($0) && $0 != UInt8(ascii: ".") }), unit > token.startIndex, isUnit(token[unit...]) {
            return Array("<duration>".utf8)
        }
        var output: [UInt8] = []
        var wasDigit = false
        for byte in token {
            if isDigit(byte) {
                if !wasDigit { output.append(contentsOf: "<n>".utf8) }
                wasDigit = true
            } else {
                output.append(byte)
                wasDigit = false
            }
        }
        return output
    }

    private static func isIPv4(_ token: ArraySlice<UInt8>) -> Bool {
        let parts = token.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { (1...3).contains($0.count) && $0.allSatisfy(isDigit) }
    }

    /// `2026-11-24T08:48:41.123Z`, `08:48:41`, `2026-11-24`.
    private static func isTime(_ token: ArraySlice<UInt8>) -> Bool {
        let colons = token.reduce(0) { $0 + ($1 == UInt8(ascii: ":") ? 1 : 0) }
        let dashes = token.reduce(0) { $0 + ($1 == UInt8(ascii: "-") ? 1 : 0) }
        guard colons == 2 || dashes == 2 else { return false }
        return token.allSatisfy { isDigit($0) || isJoint($0) || $0 == UInt8(ascii: "T") || $0 == UInt8(ascii: "Z") }
    }

    private static func isUnit(_ text: ArraySlice<UInt8>) -> Bool {
        ["ns", "us", "µs", "ms", "s", "m", "h", "d"].contains(String(decoding: text, as: UTF8.self))
    }
}
