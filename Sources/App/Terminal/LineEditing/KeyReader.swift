/// A key that a person pressed.
public enum Key: Sendable, Hashable {
    /// Printable text, as typed or pasted.
    case text(String)
    case enter
    /// Alt with Enter, which always begins a new line.
    case newLine
    case tab
    case backspace, delete
    case left, right, up, down, home, end
    case wordLeft, wordRight
    /// Control with a letter, in lower case.
    case control(Character)
    case escape
}

/// Turns a terminal's bytes into keys. What is cut in the middle waits for its rest.
public struct KeyReader: Sendable {
    private var pending: [UInt8] = []

    public init() {}

    public mutating func keys(_ bytes: some Sequence<UInt8>) -> [Key] {
        pending += bytes
        var keys: [Key] = []
        var position = 0
        while position < pending.count, let (key, length) = Self.next(pending[position...]) {
            if case .text(let text) = key, case .text(let before)? = keys.last {
                keys[keys.count - 1] = .text(before + text)
            } else if let key {
                keys.append(key)
            }
            position += length
        }
        pending.removeFirst(position)
        return keys
    }

    /// Nothing followed an escape: then it was the key.
    public mutating func timeout() -> [Key] {
        guard pending == [0x1B] else { return [] }
        pending = []
        return [.escape]
    }

    /// Whether bytes wait for more.
    public var isWaiting: Bool { !pending.isEmpty }

    /// The first key and its bytes; no key for what means nothing here, nil if it is cut.
    private static func next(_ bytes: ArraySlice<UInt8>) -> (key: Key?, length: Int)? {
        guard let first = bytes.first else { return nil }
        switch first {
        case 0x1B: return escaped(bytes)
        case 0x0D, 0x0A: return (.enter, 1)
        case 0x09: return (.tab, 1)
        case 0x7F, 0x08: return (.backspace, 1)
        case 0x01...0x1A: return (.control(Character(Unicode.Scalar(first + 0x60))), 1)
        case 0x00..<0x20: return (nil, 1)
        default:
            let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
            guard bytes.count >= length else { return nil }
            let text = String(decoding: bytes.prefix(length), as: UTF8.self)
            return (text.contains("\u{FFFD}") ? nil : .text(text), text.contains("\u{FFFD}") ? 1 : length)
        }
    }

    /// The sequences of xterm and its kin.
    private static func escaped(_ bytes: ArraySlice<UInt8>) -> (key: Key?, length: Int)? {
        let bytes = Array(bytes)
        guard bytes.count > 1 else { return nil }
        switch bytes[1] {
        case 0x0D, 0x0A: return (.newLine, 2)
        case UInt8(ascii: "b"): return (.wordLeft, 2)
        case UInt8(ascii: "f"): return (.wordRight, 2)
        case 0x7F: return (.control("w"), 2)
        case UInt8(ascii: "["), UInt8(ascii: "O"): break
        default: return (.escape, 1)
        }
        guard let end = bytes.indices.dropFirst(2).first(where: { (0x40...0x7E).contains(bytes[$0]) }) else {
            // No sequence is so long.
            return bytes.count > 16 ? (nil, bytes.count) : nil
        }
        let parameters = String(decoding: bytes[2..<end], as: UTF8.self)
        // With Control or Alt held down the arrows go by words.
        let isByWord = parameters.hasSuffix(";5") || parameters.hasSuffix(";3")
        let key: Key? =
            switch (bytes[end], parameters) {
            case (UInt8(ascii: "A"), _): .up
            case (UInt8(ascii: "B"), _): .down
            case (UInt8(ascii: "C"), _): isByWord ? .wordRight : .right
            case (UInt8(ascii: "D"), _): isByWord ? .wordLeft : .left
            case (UInt8(ascii: "H"), _), (UInt8(ascii: "~"), "1"), (UInt8(ascii: "~"), "7"): .home
            case (UInt8(ascii: "F"), _), (UInt8(ascii: "~"), "4"), (UInt8(ascii: "~"), "8"): .end
            case (UInt8(ascii: "~"), "3"): .delete
            default: nil
            }
        return (key, end + 1)
    }
}
