import JSON

extension LabelSelector {
    /// Parses the query form, `app=web,tier in (a, b),!old`.
    /// - Throws: 400 in Kubernetes' wording.
    public init(parsing text: String) throws(StatusError) {
        var parser = LabelSelectorParser(bytes: Array(text.utf8))
        self.init(requirements: try parser.requirements())
    }
}

/// The grammar of `metav1.ListOptions.labelSelector`.
private struct LabelSelectorParser {
    enum Token: Equatable {
        case end, comma, open, close, not, equal, doubleEqual, notEqual, greater, less
        case word(String)
    }

    let bytes: [UInt8]
    var offset = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func requirements() throws(StatusError) -> [LabelSelector.Requirement] {
        var result: [LabelSelector.Requirement] = []
        while true {
            switch peek() {
            case .end: return result
            case .word, .not: result.append(try requirement())
            case let other: throw problem(other, "!, identifier, or 'end of string'")
            }
            switch next() {
            case .end: return result
            case .comma:
                switch peek() {
                case .word, .not: continue
                case let other: throw problem(other, "identifier after ','")
                }
            case let other: throw problem(other, "',' or 'end of string'")
            }
        }
    }

    private mutating func requirement() throws(StatusError) -> LabelSelector.Requirement {
        if peek() == .not {
            _ = next()
            return LabelSelector.Requirement(try key(), .doesNotExist, [])
        }
        let key = try key()
        switch peek() {
        case .end, .comma: return LabelSelector.Requirement(key, .exists, [])
        default: break
        }
        switch next() {
        case .equal, .doubleEqual: return try checked(key, .equals, [value()])
        case .notEqual: return try checked(key, .notEquals, [value()])
        case .greater: return try checked(key, .greaterThan, [value()])
        case .less: return try checked(key, .lessThan, [value()])
        case .word("in"): return try checked(key, .in, list())
        case .word("notin"): return try checked(key, .notIn, list())
        case let other: throw problem(other, "in, notin, =, ==, !=, gt, lt")
        }
    }

    private func checked(_ key: String, _ comparison: LabelSelector.Operator, _ values: [String]) throws(StatusError)
        -> LabelSelector.Requirement
    {
        if comparison == .greaterThan || comparison == .lessThan {
            guard Int64(values[0]) != nil else {
                throw StatusError(
                    .badRequest,
                    "unable to parse requirement: values[0]: Invalid value: \"\(values[0])\": for 'Gt', 'Lt' operators, "
                        + "the value must be an integer")
            }
        }
        for (index, value) in values.enumerated() {
            guard let problem = Names.labelValueProblems(value).first else { continue }
            throw StatusError(.badRequest, "unable to parse requirement: values[\(index)][\(key)]: Invalid value: \"\(value)\": \(problem)")
        }
        return LabelSelector.Requirement(key, comparison, values)
    }

    private mutating func key() throws(StatusError) -> String {
        let token = next()
        guard case .word(let key) = token else { throw problem(token, "identifier") }
        if let problem = Names.qualifiedNameProblems(key).first {
            throw StatusError(.badRequest, "unable to parse requirement: key: Invalid value: \"\(key)\": \(problem)")
        }
        return key
    }

    /// The value after an operator; it may be missing.
    private mutating func value() throws(StatusError) -> String {
        switch peek() {
        case .end, .comma: return ""
        default: break
        }
        let token = next()
        guard case .word(let value) = token else { throw problem(token, "identifier") }
        return value
    }

    private mutating func list() throws(StatusError) -> [String] {
        let token = next()
        guard token == .open else { throw problem(token, "'('") }
        var values: [String] = []
        while true {
            switch peek() {
            case .word(let value):
                _ = next()
                values.append(value)
            // An element may be empty: `in (,a)`.
            case .comma, .close: values.append("")
            case let other: throw problem(other, "',', ')' or identifier")
            }
            switch next() {
            case .close: return values
            case .comma: continue
            case let other: throw problem(other, "',' or ')'")
            }
        }
    }

    private func problem(_ token: Token, _ expected: String) -> StatusError {
        let shown =
            switch token {
            case .end: ""
            case .comma: ","
            case .open: "("
            case .close: ")"
            case .not: "!"
            case .equal: "="
            case .doubleEqual: "=="
            case .notEqual: "!="
            case .greater: ">"
            case .less: "<"
            case .word(let word): word
            }
        return StatusError(.badRequest, "unable to parse requirement: found '\(shown)', expected: \(expected)")
    }

    private mutating func peek() -> Token {
        let start = offset
        defer { offset = start }
        return next()
    }

    private mutating func next() -> Token {
        while offset < bytes.count, bytes[offset] == 0x20 || (0x09...0x0D).contains(bytes[offset]) { offset += 1 }
        guard offset < bytes.count else { return .end }
        let byte = bytes[offset]
        let followedByEqual = offset + 1 < bytes.count && bytes[offset + 1] == UInt8(ascii: "=")
        offset += 1
        switch byte {
        case UInt8(ascii: ","): return .comma
        case UInt8(ascii: "("): return .open
        case UInt8(ascii: ")"): return .close
        case UInt8(ascii: ">"): return .greater
        case UInt8(ascii: "<"): return .less
        case UInt8(ascii: "!"), UInt8(ascii: "="):
            if followedByEqual { offset += 1 }
            if byte == UInt8(ascii: "!") { return followedByEqual ? .notEqual : .not }
            return followedByEqual ? .doubleEqual : .equal
        default:
            let start = offset - 1
            while offset < bytes.count, !Self.endsWord(bytes[offset]) { offset += 1 }
            return .word(String(decoding: bytes[start..<offset], as: UTF8.self))
        }
    }

    private static func endsWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x20, 0x09...0x0D, UInt8(ascii: "!"), UInt8(ascii: "="), UInt8(ascii: ","), UInt8(ascii: "("), UInt8(ascii: ")"),
            UInt8(ascii: ">"), UInt8(ascii: "<"):
            true
        default: false
        }
    }
}
