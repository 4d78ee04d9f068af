/// Reads the members of a line that is one JSON object, without a tree: values are looked at in place.
///
/// The whole line is checked, so that a fault is found whatever fields are wanted. Control characters within strings
/// are let pass, as programs do write them.
struct JSONFields {
    /// Deeper documents are faults.
    static let maximumDepth = 128

    /// The wanted names as bytes; nil: all.
    private let wanted: [(name: String, bytes: [UInt8])]?
    private var position = 0
    /// The keys down to the current member, made fit for a label's name and joined with `_`.
    private var path: [UInt8] = []
    private(set) var found: [(name: String, value: String)] = []

    init(wanted: [String]?) { self.wanted = wanted?.map { ($0, Array($0.utf8)) } }

    /// Fills `found`, in the order of the line. False if the line is no object.
    mutating func read(_ text: Span<UInt8>) -> Bool {
        position = 0
        path.removeAll(keepingCapacity: true)
        found.removeAll(keepingCapacity: true)
        skipBlanks(text)
        guard position < text.count, text[position] == UInt8(ascii: "{"), object(text, depth: 0) else { return false }
        skipBlanks(text)
        return position == text.count
    }

    private mutating func skipBlanks(_ text: Span<UInt8>) {
        while position < text.count, text[position] == 0x20 || text[position] == 0x09 || text[position] == 0x0A || text[position] == 0x0D { position += 1 }
    }

    private mutating func object(_ text: Span<UInt8>, depth: Int) -> Bool {
        guard depth < JSONFields.maximumDepth else { return false }
        position += 1
        skipBlanks(text)
        if position < text.count, text[position] == UInt8(ascii: "}") {
            position += 1
            return true
        }
        while true {
            skipBlanks(text)
            guard let (key, hasEscapes) = string(text) else { return false }
            skipBlanks(text)
            guard position < text.count, text[position] == UInt8(ascii: ":") else { return false }
            position += 1
            skipBlanks(text)
            let mark = path.count
            if depth > 0 { path.append(UInt8(ascii: "_")) }
            appendKey(text, key, hasEscapes)
            guard member(text, depth: depth) else { return false }
            path.removeLast(path.count - mark)
            skipBlanks(text)
            guard position < text.count else { return false }
            let byte = text[position]
            position += 1
            if byte == UInt8(ascii: "}") { return true }
            guard byte == UInt8(ascii: ",") else { return false }
        }
    }

    private mutating func member(_ text: Span<UInt8>, depth: Int) -> Bool {
        guard position < text.count else { return false }
        switch text[position] {
        case UInt8(ascii: "{"): return object(text, depth: depth + 1)
        case UInt8(ascii: "\""):
            guard let (range, hasEscapes) = string(text) else { return false }
            if let name = wantedName { found.append((name, JSONText.string(text, range, hasEscapes: hasEscapes))) }
            return true
        default:
            let start = position
            guard skip(text, depth: depth) else { return false }
            // Arrays and null are no labels.
            if text[start] != UInt8(ascii: "["), text[start] != UInt8(ascii: "n"), let name = wantedName {
                found.append((name, Bytes.string(text, start..<position)))
            }
            return true
        }
    }

    /// The label's name of the current member, if it is wanted and was not found before.
    private var wantedName: String? {
        guard let wanted else {
            let name = String(decoding: path, as: UTF8.self)
            return found.contains { $0.name == name } ? nil : name
        }
        for (name, bytes) in wanted where bytes == path { return found.contains { $0.name == name } ? nil : name }
        return nil
    }

    private mutating func appendKey(_ text: Span<UInt8>, _ range: Range<Int>, _ hasEscapes: Bool) {
        if hasEscapes {
            LabelName.append(Array(JSONText.string(text, range, hasEscapes: true).utf8).span, to: &path)
        } else {
            LabelName.append(text.extracting(range), to: &path)
        }
    }

    // MARK: Values in place

    /// The range between the quotes at `position`, which moves behind them.
    private mutating func string(_ text: Span<UInt8>) -> (Range<Int>, hasEscapes: Bool)? {
        guard position < text.count, text[position] == UInt8(ascii: "\"") else { return nil }
        let start = position + 1
        var hasEscapes = false
        position = start
        while position < text.count {
            let byte = text[position]
            if byte == UInt8(ascii: "\"") {
                position += 1
                return (start..<(position - 1), hasEscapes)
            }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                position += 1
            }
            position += 1
        }
        return nil
    }

    /// Moves behind the value at `position`. False if it is none.
    private mutating func skip(_ text: Span<UInt8>, depth: Int) -> Bool {
        guard position < text.count, depth < JSONFields.maximumDepth else { return false }
        switch text[position] {
        case UInt8(ascii: "\""): return string(text) != nil
        case UInt8(ascii: "t"): return word(text, "true")
        case UInt8(ascii: "f"): return word(text, "false")
        case UInt8(ascii: "n"): return word(text, "null")
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            let isObject = text[position] == UInt8(ascii: "{")
            let close = UInt8(ascii: isObject ? "}" : "]")
            position += 1
            skipBlanks(text)
            if position < text.count, text[position] == close {
                position += 1
                return true
            }
            while true {
                skipBlanks(text)
                if isObject {
                    guard string(text) != nil else { return false }
                    skipBlanks(text)
                    guard position < text.count, text[position] == UInt8(ascii: ":") else { return false }
                    position += 1
                    skipBlanks(text)
                }
                guard skip(text, depth: depth + 1) else { return false }
                skipBlanks(text)
                guard position < text.count else { return false }
                let byte = text[position]
                position += 1
                if byte == close { return true }
                guard byte == UInt8(ascii: ",") else { return false }
            }
        case UInt8(ascii: "-"), 48...57:
            let start = position
            position += 1
            while position < text.count,
                Lexer.isDigit(text[position]) || text[position] == UInt8(ascii: ".") || text[position] | 0x20 == UInt8(ascii: "e")
                    || text[position] == UInt8(ascii: "+") || text[position] == UInt8(ascii: "-")
            { position += 1 }
            return Lexer.isDigit(text[position - 1]) && (text[start] != UInt8(ascii: "-") || position > start + 1)
        default: return false
        }
    }

    private mutating func word(_ text: Span<UInt8>, _ word: StaticString) -> Bool {
        let bytes = Array(word.description.utf8)
        guard Bytes.equal(text, at: position, bytes) else { return false }
        position += bytes.count
        return true
    }

    // MARK: Paths

    /// The value at a path as text: strings without quotes, all else as it stands; nil if nothing is there.
    /// The text must be one that `read` took.
    mutating func value(at steps: [JSONPath.Step], in text: Span<UInt8>) -> String? {
        position = 0
        skipBlanks(text)
        for step in steps {
            switch step {
            case .key(let key): guard enter(text, key) else { return nil }
            case .index(let index): guard enter(text, index) else { return nil }
            }
        }
        let start = position
        guard position < text.count else { return nil }
        if text[position] == UInt8(ascii: "\"") { return string(text).map { JSONText.string(text, $0.0, hasEscapes: $0.hasEscapes) } }
        guard skip(text, depth: 0), text[start] != UInt8(ascii: "n") else { return nil }
        return Bytes.string(text, start..<position)
    }

    private mutating func enter(_ text: Span<UInt8>, _ key: [UInt8]) -> Bool {
        guard position < text.count, text[position] == UInt8(ascii: "{") else { return false }
        position += 1
        while true {
            skipBlanks(text)
            guard let (range, hasEscapes) = string(text) else { return false }
            let isFound =
                hasEscapes
                ? JSONText.string(text, range, hasEscapes: true).utf8.elementsEqual(key)
                : range.count == key.count && Bytes.equal(text, at: range.lowerBound, key)
            skipBlanks(text)
            position += 1
            skipBlanks(text)
            if isFound { return true }
            guard skip(text, depth: 0) else { return false }
            skipBlanks(text)
            guard position < text.count, text[position] == UInt8(ascii: ",") else { return false }
            position += 1
        }
    }

    private mutating func enter(_ text: Span<UInt8>, _ index: Int) -> Bool {
        guard position < text.count, text[position] == UInt8(ascii: "[") else { return false }
        position += 1
        skipBlanks(text)
        guard position < text.count, text[position] != UInt8(ascii: "]") else { return false }
        for _ in 0..<index {
            guard skip(text, depth: 0) else { return false }
            skipBlanks(text)
            guard position < text.count, text[position] == UInt8(ascii: ",") else { return false }
            position += 1
            skipBlanks(text)
        }
        return true
    }
}

enum JSONText {
    /// The text of a string between its quotes.
    static func string(_ text: Span<UInt8>, _ range: Range<Int>, hasEscapes: Bool) -> String {
        guard hasEscapes else { return Bytes.string(text, range) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        var position = range.lowerBound
        func unit() -> UInt32? {
            guard position + 4 <= range.upperBound else { return nil }
            var value: UInt32 = 0
            for index in position..<(position + 4) {
                let byte = text[index]
                let digit = Lexer.isDigit(byte) ? byte - 48 : (byte | 0x20) &- 97 < 6 ? (byte | 0x20) - 87 : 255
                guard digit < 16 else { return nil }
                value = value << 4 | UInt32(digit)
            }
            return value
        }
        while position < range.upperBound {
            let byte = text[position]
            position += 1
            guard byte == UInt8(ascii: "\\"), position < range.upperBound else {
                bytes.append(byte)
                continue
            }
            let letter = text[position]
            position += 1
            switch letter {
            case UInt8(ascii: "n"): bytes.append(10)
            case UInt8(ascii: "t"): bytes.append(9)
            case UInt8(ascii: "r"): bytes.append(13)
            case UInt8(ascii: "b"): bytes.append(8)
            case UInt8(ascii: "f"): bytes.append(12)
            case UInt8(ascii: "u"):
                var value = unit() ?? 0xFFFD
                position = min(position + 4, range.upperBound)
                // A pair of surrogates is one scalar.
                if value & 0xFC00 == 0xD800, position + 6 <= range.upperBound, text[position] == UInt8(ascii: "\\"), text[position + 1] == UInt8(ascii: "u") {
                    position += 2
                    if let low = unit(), low & 0xFC00 == 0xDC00 {
                        value = 0x10000 + (value & 0x3FF) << 10 + low & 0x3FF
                        position += 4
                    } else {
                        position -= 2
                    }
                }
                bytes.append(contentsOf: String(Unicode.Scalar(value) ?? "\u{FFFD}").utf8)
            default: bytes.append(letter)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

enum LabelName {
    /// What is not of `[a-zA-Z0-9_:]` becomes `_`; a digit at the front gets one before it.
    static func append(_ key: Span<UInt8>, to name: inout [UInt8]) {
        if name.isEmpty, key.count > 0, Lexer.isDigit(key[0]) { name.append(UInt8(ascii: "_")) }
        for index in 0..<key.count {
            let byte = key[index]
            // A letter of several bytes becomes one `_`.
            if byte & 0xC0 == 0x80 { continue }
            name.append(Lexer.isNamePart(byte) ? byte : UInt8(ascii: "_"))
        }
    }
}
