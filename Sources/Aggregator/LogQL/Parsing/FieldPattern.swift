struct FieldPatternError: Error {
    var message: String
}

/// The expression of the `pattern` stage and of `|>`: literal texts with captures `<name>` or `<_>` between them.
struct FieldPattern: Sendable {
    enum Part: Sendable, Hashable {
        case literal([UInt8])
        /// Nil for `<_>`.
        case capture(String?)
    }
    let parts: [Part]

    /// - Parameter isFilter: as in `|>`: only `<_>`, and any number of them; the stage needs a name.
    init(_ text: String, isFilter: Bool = false) throws(FieldPatternError) {
        let bytes = Array(text.utf8)
        var parts: [Part] = []
        var literal: [UInt8] = []
        var names: Set<String> = []
        var position = 0
        while position < bytes.count {
            guard let (name, end) = FieldPattern.capture(bytes, at: position) else {
                literal.append(bytes[position])
                position += 1
                continue
            }
            if !literal.isEmpty { parts.append(.literal(literal)) }
            literal = []
            if case .capture = parts.last {
                throw FieldPatternError(message: "two captures of the pattern stand side by side; put a text between them")
            }
            if let name {
                guard !isFilter else { throw FieldPatternError(message: "a pattern filter takes <_> only, and \"<\(name)>\" has a name") }
                guard names.insert(name).inserted else { throw FieldPatternError(message: "two captures of the pattern are called \"\(name)\"") }
            }
            parts.append(.capture(name))
            position = end
        }
        if !literal.isEmpty { parts.append(.literal(literal)) }
        guard isFilter || !names.isEmpty else { throw FieldPatternError(message: "the pattern needs a named capture, such as <ip> - <_>") }
        self.parts = parts
    }

    private static func capture(_ bytes: [UInt8], at start: Int) -> (String?, Int)? {
        guard bytes[start] == UInt8(ascii: "<") else { return nil }
        var end = start + 1
        while end < bytes.count, Lexer.isLetter(bytes[end]) || end > start + 1 && Lexer.isDigit(bytes[end]) { end += 1 }
        guard end > start + 1, end < bytes.count, bytes[end] == UInt8(ascii: ">") else { return nil }
        let name = String(decoding: bytes[(start + 1)..<end], as: UTF8.self)
        return (name == "_" ? nil : name, end + 1)
    }

    /// The pattern as a filter of whole lines.
    var alternative: LineFilter.Alternative {
        var pieces: [[UInt8]] = []
        for case .literal(let text) in parts { pieces.append(text) }
        func isOpen(_ part: Part?) -> Bool { if case .literal = part { false } else { true } }
        return .pieces(pieces, isOpenAtStart: isOpen(parts.first), isOpenAtEnd: isOpen(parts.last))
    }

    /// Gives each named capture of the text. The first literal that is not there ends it; what was found before stays.
    func captures(in text: Span<UInt8>, _ found: (String, Range<Int>) -> Void) {
        var position = 0
        var open: (name: String?, start: Int)?
        for part in parts {
            switch part {
            case .capture(let name): open = (name, position)
            case .literal(let literal):
                guard let (name, start) = open else {
                    guard Bytes.equal(text, at: position, literal) else { return }
                    position += literal.count
                    continue
                }
                guard let place = Bytes.first(literal, in: text, from: position) else { return }
                if let name { found(name, start..<place) }
                position = place + literal.count
                open = nil
            }
        }
        if let open, let name = open.name { found(name, open.start..<text.count) }
    }
}
