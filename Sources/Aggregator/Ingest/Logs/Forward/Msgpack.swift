/// A value of msgpack. (github.com/msgpack/msgpack, spec.md.)
indirect enum Msgpack: Hashable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int64)
    /// Above what 63 bits hold.
    case unsigned(UInt64)
    case number(Double)
    /// Texts, which old senders use for any bytes.
    case text([UInt8])
    case binary([UInt8])
    case array([Msgpack])
    case map([Pair])
    case extended(type: Int8, [UInt8])

    struct Pair: Hashable, Sendable {
        var key: Msgpack
        var value: Msgpack
    }

    /// The bytes of a text or of binary data.
    var bytes: [UInt8]? {
        switch self {
        case .text(let bytes), .binary(let bytes): bytes
        default: nil
        }
    }

    var string: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
    var elements: [Msgpack]? { if case .array(let elements) = self { elements } else { nil } }
    var pairs: [Pair]? { if case .map(let pairs) = self { pairs } else { nil } }

    /// The value of a key that is a text.
    subscript(key: String) -> Msgpack? {
        pairs?.first { $0.key.bytes.map { $0.elementsEqual(key.utf8) } ?? false }?.value
    }

    // MARK: As text

    /// A scalar as a field shows it; lists and maps as JSON.
    var fieldBytes: [UInt8] {
        switch self {
        case .null: []
        case .text(let bytes), .binary(let bytes): bytes
        default: json
        }
    }

    var json: [UInt8] {
        var text: [UInt8] = []
        appendJSON(to: &text)
        return text
    }

    private func appendJSON(to text: inout [UInt8]) {
        switch self {
        case .null: text += "null".utf8
        case .boolean(let flag): text += "\(flag)".utf8
        case .integer(let number): text += "\(number)".utf8
        case .unsigned(let number): text += "\(number)".utf8
        case .number(let number): text += (number.isFinite ? "\(number)" : "null").utf8
        case .text(let bytes), .binary(let bytes), .extended(_, let bytes): JSONText.appendQuoted(bytes, to: &text)
        case .array(let elements):
            text.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                element.appendJSON(to: &text)
            }
            text.append(UInt8(ascii: "]"))
        case .map(let pairs):
            text.append(UInt8(ascii: "{"))
            for (index, pair) in pairs.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                JSONText.appendQuoted(pair.key.fieldBytes, to: &text)
                text.append(UInt8(ascii: ":"))
                pair.value.appendJSON(to: &text)
            }
            text.append(UInt8(ascii: "}"))
        }
    }
}

/// Why bytes are no msgpack.
enum MsgpackError: Error, Hashable, Sendable {
    case truncated(offset: Int)
    case unknown(byte: UInt8, offset: Int)
    case tooDeep(offset: Int)
    case tooLong(offset: Int)
}
