/// Cuts a template into text and the tokens of its actions.
struct TemplateLexer {
    enum Token: Hashable {
        case text(String)
        case open, close
        case word(String)
        /// `.name`, or `.` alone as the empty name. `isAttached` if nothing stands between it and the token before.
        case field(String, isAttached: Bool)
        /// `$name` without the dollar.
        case variable(String)
        case string(String)
        case integer(Int)
        case float(Double)
        case pipe, declare, assign, comma, leftParen, rightParen
    }

    private let source: [UInt8]
    private let name: String
    private var position = 0
    private var line = 1
    private(set) var tokens: [(token: Token, line: Int)] = []

    static func tokens(_ source: String, name: String) throws(TemplateError) -> [(token: Token, line: Int)] {
        var lexer = TemplateLexer(source: source, name: name)
        try lexer.run()
        return lexer.tokens
    }

    private init(source: String, name: String) {
        self.source = Array(source.utf8)
        self.name = name
    }

    private mutating func run() throws(TemplateError) {
        var trimsNext = false
        while true {
            let start = position
            let startLine = line
            while position < source.count, !isAt("{{") { advance() }
            var text = source[start..<position]
            if trimsNext { text = text.drop(while: Self.isSpace) }
            guard position < source.count else {
                if !text.isEmpty { tokens.append((.text(String(decoding: text, as: UTF8.self)), startLine)) }
                return
            }
            position += 2
            // `{{- ` takes the white space before it away.
            if isAt("-"), position + 1 < source.count, Self.isSpace(source[position + 1]) {
                position += 1
                while let last = text.last, Self.isSpace(last) { text.removeLast() }
            }
            if !text.isEmpty { tokens.append((.text(String(decoding: text, as: UTF8.self)), startLine)) }
            trimsNext = try action()
        }
    }

    /// Reads to the action's end; whether that trims the text behind it.
    private mutating func action() throws(TemplateError) -> Bool {
        let opened = line
        skipSpace()
        if isAt("/*") {
            while position < source.count, !isAt("*/") { advance() }
            guard position < source.count else { throw error("unclosed comment", opened) }
            position += 2
            skipSpace()
            guard let trims = close() else { throw error("comment ends before closing delimiter", opened) }
            return trims
        }
        tokens.append((.open, line))
        while true {
            let before = position
            skipSpace()
            if let trims = close() {
                tokens.append((.close, line))
                return trims
            }
            guard position < source.count else { throw error("unclosed action", opened) }
            try token(isAttached: before == position)
        }
    }

    /// Past `}}` or ` -}}` if it is here.
    private mutating func close() -> Bool? {
        if isAt("}}") {
            position += 2
            return false
        }
        if isAt("-}}"), position > 0, Self.isSpace(source[position - 1]) {
            position += 3
            return true
        }
        return nil
    }

    private mutating func token(isAttached: Bool) throws(TemplateError) {
        let at = line
        switch source[position] {
        case UInt8(ascii: "|"): emit(.pipe)
        case UInt8(ascii: ","): emit(.comma)
        case UInt8(ascii: "("): emit(.leftParen)
        case UInt8(ascii: ")"): emit(.rightParen)
        case UInt8(ascii: "="): emit(.assign)
        case UInt8(ascii: ":"):
            guard isAt(":=") else { throw error("expected :=", at) }
            position += 1
            emit(.declare)
        case UInt8(ascii: "\""), UInt8(ascii: "`"): tokens.append((.string(try string()), at))
        case UInt8(ascii: "'"):
            let text = try string()
            guard let scalar = text.unicodeScalars.first, text.unicodeScalars.count == 1 else { throw error("malformed character constant", at) }
            tokens.append((.integer(Int(scalar.value)), at))
        case UInt8(ascii: "$"):
            position += 1
            tokens.append((.variable(word()), at))
        case UInt8(ascii: ".") where !isDigit(position + 1):
            position += 1
            tokens.append((.field(word(), isAttached: isAttached), at))
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."): try number()
        default:
            let name = word()
            guard !name.isEmpty else {
                throw error("unexpected \"\(String(decoding: source[position...].prefix(1), as: UTF8.self))\" in an action", at)
            }
            tokens.append((.word(name), at))
        }
    }

    private mutating func emit(_ token: Token) {
        tokens.append((token, line))
        position += 1
    }

    private mutating func word() -> String {
        let start = position
        while position < source.count, Self.isWord(source[position]) { position += 1 }
        return String(decoding: source[start..<position], as: UTF8.self)
    }

    private mutating func number() throws(TemplateError) {
        let start = position
        while position < source.count, Self.isWord(source[position]) || [0x2B, 0x2D, 0x2E].contains(source[position]) { position += 1 }
        let text = String(decoding: source[start..<position], as: UTF8.self)
        let plain = text.filter { $0 != "_" }
        if let value = Int(plain) {
            tokens.append((.integer(value), line))
        } else if plain.hasPrefix("0x") || plain.hasPrefix("0X"), let value = Int(plain.dropFirst(2), radix: 16) {
            tokens.append((.integer(value), line))
        } else if let value = Double(plain) {
            tokens.append((.float(value), line))
        } else {
            throw error("bad number syntax: \"\(text)\"", line)
        }
    }

    /// A quoted string of Go: raw in backquotes, else with escapes.
    private mutating func string() throws(TemplateError) -> String {
        let quote = source[position]
        let at = line
        position += 1
        var bytes: [UInt8] = []
        while position < source.count, source[position] != quote {
            let byte = source[position]
            if quote != UInt8(ascii: "`") {
                if byte == 0x0A { throw error("unterminated quoted string", at) }
                if byte == UInt8(ascii: "\\") {
                    bytes += try escape()
                    continue
                }
            }
            bytes.append(byte)
            advance()
        }
        guard position < source.count else { throw error("unterminated quoted string", at) }
        position += 1
        return String(decoding: bytes, as: UTF8.self)
    }

    private mutating func escape() throws(TemplateError) -> [UInt8] {
        position += 1
        guard position < source.count else { throw error("unterminated quoted string", line) }
        let letter = source[position]
        position += 1
        switch letter {
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "a"): return [0x07]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "v"): return [0x0B]
        case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "'"): return [letter]
        case UInt8(ascii: "x"), UInt8(ascii: "u"), UInt8(ascii: "U"):
            let length = letter == UInt8(ascii: "x") ? 2 : letter == UInt8(ascii: "u") ? 4 : 8
            let digits = String(decoding: source[position...].prefix(length), as: UTF8.self)
            guard digits.utf8.count == length, let code = UInt32(digits, radix: 16) else { throw error("bad escape in string", line) }
            position += length
            if letter == UInt8(ascii: "x") { return [UInt8(code)] }
            guard let scalar = Unicode.Scalar(code) else { throw error("bad escape in string", line) }
            return Array(String(Character(scalar)).utf8)
        default: throw error("unknown escape in string: \\\(Character(Unicode.Scalar(letter)))", line)
        }
    }

    private mutating func skipSpace() { while position < source.count, Self.isSpace(source[position]) { advance() } }

    private mutating func advance() {
        if source[position] == 0x0A { line += 1 }
        position += 1
    }

    private func isAt(_ text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        guard position + length <= source.count else { return false }
        return text.withUTF8Buffer { wanted in
            for offset in 0..<length where unsafe wanted[offset] != source[position + offset] { return false }
            return true
        }
    }

    private func isDigit(_ index: Int) -> Bool { index < source.count && (0x30...0x39).contains(source[index]) }
    private func error(_ problem: String, _ line: Int) -> TemplateError { TemplateError(name: name, line: line, problem: problem) }
    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    private static func isWord(_ byte: UInt8) -> Bool {
        byte >= 0x80 || byte == UInt8(ascii: "_") || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
