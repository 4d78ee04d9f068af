/// Takes out the sequences by which programs colour lines.
enum Decolor {
    /// The line without its SGR sequences (`ESC [ numbers m`); nil if it has none.
    static func plain(_ line: ArraySlice<UInt8>) -> [UInt8]? {
        guard line.contains(0x1B) else { return nil }
        var result: [UInt8] = []
        result.reserveCapacity(line.count)
        var position = line.startIndex
        while position < line.endIndex {
            if line[position] == 0x1B, position + 1 < line.endIndex, line[position + 1] == UInt8(ascii: "[") {
                let end = line[(position + 2)...].firstIndex { !Lexer.isDigit($0) && $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: ":") }
                if let end, line[end] == UInt8(ascii: "m") {
                    position = end + 1
                    continue
                }
            }
            result.append(line[position])
            position += 1
        }
        return result
    }
}
