import QuerySyntax

/// A word of a query.
struct Token: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        case identifier(String)
        case number(Double)
        /// In milliseconds.
        case duration(Int64)
        case string(String)
        /// Punctuation and operators.
        case symbol(String)
        case end
    }

    var kind: Kind
    var position: Range<Int>

    /// As an error message shows it.
    func shown(in text: [UInt8]) -> String {
        switch kind {
        case .end: "end of query"
        case .string: "string \(String(decoding: text[position], as: UTF8.self))"
        default: "\"\(String(decoding: text[position], as: UTF8.self))\""
        }
    }
}

/// Cuts a query into words.
struct Lexer {
    private let text: [UInt8]
    private var position = 0
    /// Inside `[...]` a colon parts range and step; elsewhere it belongs to names.
    private var isInBrackets = false

    init(_ text: [UInt8]) { self.text = text }

    static func tokens(of text: [UInt8]) throws(SyntaxFault) -> [Token] {
        var lexer = Lexer(text)
        var tokens: [Token] = []
        while true {
            let token = try lexer.next()
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }

    private func byte(_ ahead: Int = 0) -> UInt8 { position + ahead < text.count ? text[position + ahead] : 0 }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool { (97...122).contains(byte | 0x20) || byte == 95 }

    private mutating func next() throws(SyntaxFault) -> Token {
        skipBlanks()
        let start = position
        guard position < text.count else { return Token(kind: .end, position: start..<start) }
        let first = text[position]
        if Lexer.isDigit(first) || first == UInt8(ascii: ".") && Lexer.isDigit(byte(1)) { return try number() }
        if Lexer.isLetter(first) || first == UInt8(ascii: ":") && !isInBrackets {
            while Lexer.isLetter(byte()) || Lexer.isDigit(byte()) || byte() == UInt8(ascii: ":") && !isInBrackets { position += 1 }
            let word = String(decoding: text[start..<position], as: UTF8.self)
            switch word.lowercased() {
            // `nan` and `inf` are numbers wherever they stand, as in Prometheus.
            case "nan": return Token(kind: .number(.nan), position: start..<position)
            case "inf": return Token(kind: .number(.infinity), position: start..<position)
            default: return Token(kind: .identifier(word), position: start..<position)
            }
        }
        if first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") || first == UInt8(ascii: "`") { return try string() }
        for symbol in ["==", "!=", "=~", "!~", "<=", ">=", "</", ">/"] where symbol.utf8.elementsEqual([first, byte(1)]) {
            position += 2
            return Token(kind: .symbol(symbol), position: start..<position)
        }
        guard "(){}[],=<>+-*/%^@:".utf8.contains(first) else {
            var end = position + 1
            while end < text.count, text[end] & 0xC0 == 0x80 { end += 1 }
            throw SyntaxFault(message: "unexpected character \"\(String(decoding: text[start..<end], as: UTF8.self))\"", position: start..<end)
        }
        if first == UInt8(ascii: "[") { isInBrackets = true }
        if first == UInt8(ascii: "]") { isInBrackets = false }
        position += 1
        return Token(kind: .symbol(String(Unicode.Scalar(first))), position: start..<position)
    }

    private mutating func skipBlanks() {
        while position < text.count {
            switch text[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            case UInt8(ascii: "#"): while position < text.count, text[position] != 0x0A { position += 1 }
            default: return
            }
        }
    }

    /// A number, or a duration such as `1h30m`.
    private mutating func number() throws(SyntaxFault) -> Token {
        let start = position
        var end = position
        while end < text.count, Lexer.isDigit(text[end]) || Lexer.isLetter(text[end]) || text[end] == UInt8(ascii: ".") { end += 1 }
        // The sign of an exponent belongs to the number: 1e-3.
        let isHex = byte() == 48 && byte(1) | 0x20 == UInt8(ascii: "x")
        if !isHex, end < text.count, text[end] == UInt8(ascii: "+") || text[end] == UInt8(ascii: "-"), text[end - 1] | 0x20 == UInt8(ascii: "e"),
            end + 1 < text.count, Lexer.isDigit(text[end + 1])
        {
            end += 1
            while end < text.count, Lexer.isDigit(text[end]) { end += 1 }
        }
        position = end
        let word = text[start..<end]
        if let value = Lexer.parseNumber(word) { return Token(kind: .number(value), position: start..<end) }
        if let duration = NumberText.parseDuration(word) { return Token(kind: .duration(duration), position: start..<end) }
        let shown = String(decoding: word, as: UTF8.self)
        throw SyntaxFault(
            message:
                "\"\(shown)\" is neither a number nor a duration; a duration is whole numbers with units from y w d h m s ms, the largest first, such as 1h30m",
            position: start..<end)
    }

    /// Decimal, `0x` hexadecimal or `0` octal, with `_` between digits.
    private static func parseNumber(_ word: ArraySlice<UInt8>) -> Double? {
        var digits: [UInt8] = []
        var wasDigit = false
        for (offset, byte) in word.enumerated() {
            if byte == UInt8(ascii: "_") {
                let following = word.startIndex + offset + 1
                guard wasDigit, following < word.endIndex, word[following] != byte else { return nil }
                continue
            }
            wasDigit = isDigit(byte) || (97...102).contains(byte | 0x20) || byte | 0x20 == UInt8(ascii: "x")
            digits.append(byte)
        }
        let text = String(decoding: digits, as: UTF8.self)
        if text.lowercased().hasPrefix("0x") { return UInt64(text.dropFirst(2), radix: 16).map { Double($0) } }
        if text.count > 1, text.hasPrefix("0"), text.utf8.allSatisfy(isDigit) { return UInt64(text, radix: 8).map { Double($0) } }
        guard text.utf8.allSatisfy({ isDigit($0) || ".eE+-".utf8.contains($0) }) else { return nil }
        return Double(text.hasSuffix(".") ? text + "0" : text.replacing(".e", with: ".0e"))
    }

    private mutating func string() throws(SyntaxFault) -> Token {
        let start = position
        let value = try StringLiteral.read(text, at: &position)
        return Token(kind: .string(value), position: start..<position)
    }
}
