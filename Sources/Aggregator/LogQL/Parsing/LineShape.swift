/// The form of a line without what changes from one to the next: its template.
public enum LineShape {
    /// Words with digits in them become `<_>`, and so do quoted texts' digits; the rest stays.
    public static func template(of line: ArraySlice<UInt8>) -> String {
        var result: [UInt8] = []
        var position = line.startIndex
        while position < line.endIndex {
            let start = position
            while position < line.endIndex, isWord(line[position]) { position += 1 }
            if position == start {
                result.append(line[position])
                position += 1
                continue
            }
            let word = line[start..<position]
            guard word.contains(where: Lexer.isDigit) else {
                result += word
                continue
            }
            // Parts that vary side by side are one.
            if !result.suffix(3).elementsEqual(hole) { result += hole }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static let hole = Array("<_>".utf8)

    private static func isWord(_ byte: UInt8) -> Bool {
        Lexer.isLetter(byte) || Lexer.isDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":") || byte >= 0x80
    }

    /// Sixteen hexadecimal digits that stay the same for a template (FNV-1a).
    public static func identifier(of template: String) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in template.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
