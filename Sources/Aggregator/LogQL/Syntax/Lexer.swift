import QuerySyntax

/// Cuts a query into words.
struct Lexer {
    private let text: [UInt8]
    private var position = 0

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

    static func isDigit(_ byte: UInt8) -> Bool { byte &- 48 < 10 }
    static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 97 < 26 || byte == 95 }
    static func isNamePart(_ byte: UInt8) -> Bool { isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: ":") }

    /// Longest first.
    private static let symbols = [
        "|=i", "!=i", "|=", "|~", "|>", "!=", "!~", "!>", "=~", "==", ">=", "<=", "|", "{", "}", "(", ")", "[", "]", ",", "=", "<", ">", "+", "-", "*", "/",
        "%", "^",
        ".",
    ].map { Array($0.utf8) }

    private mutating func next() throws(SyntaxFault) -> Token {
        skipBlanks()
        let start = position
        guard position < text.count else { return Token(kind: .end, position: start..<start) }
        let first = text[position]
        if Lexer.isDigit(first) || first == UInt8(ascii: ".") && Lexer.isDigit(byte(1)) { return try number() }
        if Lexer.isLetter(first) {
            while Lexer.isNamePart(byte()) { position += 1 }
            return Token(kind: .identifier(String(decoding: text[start..<position], as: UTF8.self)), position: start..<position)
        }
        if first == UInt8(ascii: "\"") || first == UInt8(ascii: "`") { return try string() }
        if first == UInt8(ascii: "-"), byte(1) == first, Lexer.isLetter(byte(2)) {
            position += 2
            while Lexer.isNamePart(byte()) || byte() == UInt8(ascii: "-") { position += 1 }
            return Token(kind: .flag(String(decoding: text[start..<position], as: UTF8.self)), position: start..<position)
        }
        for symbol in Lexer.symbols where text[position...].starts(with: symbol) {
            // `|=i` is one word only if no name goes on behind it.
            if symbol.last == UInt8(ascii: "i"), Lexer.isNamePart(byte(symbol.count)) { continue }
            position += symbol.count
            return Token(kind: .symbol(String(decoding: symbol, as: UTF8.self)), position: start..<position)
        }
        var end = position + 1
        while end < text.count, text[end] & 0xC0 == 0x80 { end += 1 }
        let shown = String(decoding: text[start..<end], as: UTF8.self)
        let hint = first == UInt8(ascii: "'") ? "; write strings in double quotes or backticks" : ""
        throw SyntaxFault(message: "unexpected character \"\(shown)\"\(hint)", position: start..<end)
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

    /// A number, a duration such as `1h30m`, or a size such as `5MB`: the first that it can be, in this order of units.
    private mutating func number() throws(SyntaxFault) -> Token {
        let start = position
        while position < text.count, Lexer.isDigit(byte()) || Lexer.isLetter(byte()) || byte() >= 0x80 || byte() == UInt8(ascii: ".") { position += 1 }
        // The sign of an exponent belongs to the number: 1e-3.
        if byte(0) == UInt8(ascii: "+") || byte(0) == UInt8(ascii: "-"), text[position - 1] | 0x20 == UInt8(ascii: "e"), Lexer.isDigit(byte(1)),
            text[start..<(position - 1)].allSatisfy({ Lexer.isDigit($0) || $0 == UInt8(ascii: ".") })
        {
            position += 1
            while Lexer.isDigit(byte()) { position += 1 }
        }
        let word = text[start..<position]
        let range = start..<position
        if let duration = Quantities.duration(word) { return Token(kind: .duration(Int64(duration)), position: range) }
        if let bytes = Quantities.bytes(word, isValue: false) { return Token(kind: .bytes(bytes), position: range) }
        let shown = String(decoding: word, as: UTF8.self)
        if let value = Quantities.number(shown) { return Token(kind: .number(value), position: range) }
        throw SyntaxFault(
            message: "\"\(shown)\" is no number, duration (such as 1h30m) or size (such as 5MB or 5MiB; upper and lower case matter)", position: range)
    }

    private mutating func string() throws(SyntaxFault) -> Token {
        let start = position
        let value = try StringLiteral.read(text, at: &position)
        return Token(kind: .string(value), position: start..<position)
    }
}
