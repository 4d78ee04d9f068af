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
        let quote = text[position]
        position += 1
        var bytes: [UInt8] = []
        while true {
            guard position < text.count, quote == UInt8(ascii: "`") || text[position] != 0x0A else {
                throw SyntaxFault(message: "the string is not closed", position: start..<position)
            }
            let byte = text[position]
            position += 1
            if byte == quote { break }
            if byte == UInt8(ascii: "\\"), quote != UInt8(ascii: "`") { try escape(into: &bytes) } else { bytes.append(byte) }
        }
        guard let value = String(validating: bytes, as: UTF8.self) else {
            throw SyntaxFault(message: "the string is not UTF-8", position: start..<position)
        }
        return Token(kind: .string(value), position: start..<position)
    }

    /// Go's escapes.
    private mutating func escape(into bytes: inout [UInt8]) throws(SyntaxFault) {
        let start = position - 1
        let letter = byte()
        position += 1
        func digits(_ count: Int, radix: Int) -> UInt32? {
            guard position + count <= text.count, text[position..<(position + count)].allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }) else {
                return nil
            }
            return UInt32(String(decoding: text[position..<(position + count)], as: UTF8.self), radix: radix)
        }
        func fault(_ message: String) -> SyntaxFault { SyntaxFault(message: message, position: start..<min(position, text.count)) }
        switch letter {
        case UInt8(ascii: "a"): bytes.append(7)
        case UInt8(ascii: "b"): bytes.append(8)
        case UInt8(ascii: "f"): bytes.append(12)
        case UInt8(ascii: "n"): bytes.append(10)
        case UInt8(ascii: "r"): bytes.append(13)
        case UInt8(ascii: "t"): bytes.append(9)
        case UInt8(ascii: "v"): bytes.append(11)
        case UInt8(ascii: "\\"), UInt8(ascii: "\""): bytes.append(letter)
        case UInt8(ascii: "x"):
            guard let value = digits(2, radix: 16) else { throw fault("\\x needs two hexadecimal digits") }
            bytes.append(UInt8(value))
            position += 2
        case UInt8(ascii: "u"), UInt8(ascii: "U"):
            let count = letter == UInt8(ascii: "u") ? 4 : 8
            guard let value = digits(count, radix: 16), let scalar = Unicode.Scalar(value) else {
                throw fault("\\\(Unicode.Scalar(letter)) needs \(count) hexadecimal digits of a Unicode scalar")
            }
            bytes.append(contentsOf: String(scalar).utf8)
            position += count
        case 48...55:
            position -= 1
            guard let value = digits(3, radix: 8), value < 256 else { throw fault("an octal escape needs three digits up to \\377") }
            bytes.append(UInt8(value))
            position += 3
        default:
            let shown = String(decoding: text[start..<min(position, text.count)], as: UTF8.self)
            throw fault("unknown escape \(shown) in a string; write \\\\ for a backslash, or put the string in backticks")
        }
    }
}
