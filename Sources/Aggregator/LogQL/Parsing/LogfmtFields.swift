/// Reads `key=value key="quoted value"` out of a line.
enum LogfmtFields {
    /// Gives each pair in the order of the line, also those without a value. False if a pair is no pair; then, with
    /// `isStrict`, nothing after it is read.
    static func read(_ text: Span<UInt8>, isStrict: Bool, _ found: (Range<Int>, Range<Int>, _ hasEscapes: Bool) -> Void) -> Bool {
        var position = 0
        var isGood = true
        while true {
            while position < text.count, text[position] <= 0x20 { position += 1 }
            guard position < text.count else { return isGood }
            let key = position
            while position < text.count, text[position] > 0x20, text[position] != UInt8(ascii: "="), text[position] != UInt8(ascii: "\"") { position += 1 }
            let keyRange = key..<position
            guard position < text.count, text[position] == UInt8(ascii: "=") else {
                if position < text.count, text[position] == UInt8(ascii: "\"") || keyRange.isEmpty {
                    isGood = false
                    if isStrict { return false }
                    skipWord(text, &position)
                } else {
                    found(keyRange, position..<position, false)
                }
                continue
            }
            position += 1
            let isQuoted = position < text.count && text[position] == UInt8(ascii: "\"")
            let start = isQuoted ? position + 1 : position
            var hasEscapes = false, isBroken = keyRange.isEmpty
            var end = start
            if isQuoted {
                while end < text.count, text[end] != UInt8(ascii: "\"") {
                    if text[end] == UInt8(ascii: "\\") {
                        hasEscapes = true
                        end += 1
                    }
                    end += 1
                }
                // An open quote takes in all the rest.
                if end >= text.count { isBroken = true }
                position = min(text.count, end + 1)
                end = min(end, text.count)
            } else {
                while end < text.count, text[end] > 0x20 {
                    if text[end] == UInt8(ascii: "\"") || text[end] == UInt8(ascii: "=") { isBroken = true }
                    end += 1
                }
                position = end
            }
            if isBroken {
                isGood = false
                if isStrict { return false }
            } else {
                found(keyRange, start..<end, hasEscapes)
            }
        }
    }

    private static func skipWord(_ text: Span<UInt8>, _ position: inout Int) {
        while position < text.count, text[position] > 0x20 { position += 1 }
    }
}
