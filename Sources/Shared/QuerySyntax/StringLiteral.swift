/// The strings of PromQL and LogQL: as Go writes them, with escapes between quotes, without any between backticks.
public struct StringLiteral {
    private let text: [UInt8]
    private var position: Int

    /// Reads the string whose opening quote stands at `position`, and moves that behind the closing one.
    public static func read(_ text: [UInt8], at position: inout Int) throws(SyntaxFault) -> String {
        var literal = StringLiteral(text: text, position: position)
        defer { position = literal.position }
        return try literal.value()
    }

    private func byte() -> UInt8 { position < text.count ? text[position] : 0 }

    private mutating func value() throws(SyntaxFault) -> String {
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
            if byte == UInt8(ascii: "\\"), quote != UInt8(ascii: "`") { try escape(quote, into: &bytes) } else { bytes.append(byte) }
        }
        guard let value = String(validating: bytes, as: UTF8.self) else {
            throw SyntaxFault(message: "the string is not UTF-8", position: start..<position)
        }
        return value
    }

    /// Go's escapes.
    private mutating func escape(_ quote: UInt8, into bytes: inout [UInt8]) throws(SyntaxFault) {
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
        case UInt8(ascii: "\\"), quote: bytes.append(letter)
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
