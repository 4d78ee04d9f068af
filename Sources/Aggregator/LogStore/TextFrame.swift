import Zstd

/// How a chunk's text is laid down. Identifiers in hexadecimal are as good as random: in the text they take
/// more than half a byte a digit and break up what else repeats. So they go to a column of their own, packed.
///
///     0   frame of the text
///     1   frame of the text with marks, frame of the packed digits
///
/// A mark is the byte 1 and the number of digits that stand here; a text that holds the byte 1 itself is not split.
enum TextFrame {
    private static let plain: UInt8 = 0
    private static let split: UInt8 = 1
    private static let mark: UInt8 = 1
    /// Shorter runs are as often words or small numbers.
    private static let minimumDigits = 8

    static func encode(_ text: [UInt8], compressor: ZstdCompressor) -> [UInt8] {
        var writer = ByteWriter()
        if let (marked, digits) = extract(text), !digits.isEmpty {
            writer.byte(split)
            ColumnFrame.append(marked, to: &writer, compressor: compressor)
            ColumnFrame.append(digits, to: &writer, compressor: compressor)
        } else {
            writer.byte(plain)
            ColumnFrame.append(text, to: &writer, compressor: compressor)
        }
        return writer.bytes
    }

    /// - Parameter expected: the text's length.
    static func decode(_ bytes: [UInt8], expected: Int, decompressor: ZstdDecompressor) throws(CodingError) -> [UInt8] {
        var reader = ByteReader(bytes)
        let form = try reader.byte()
        let text: [UInt8]
        switch form {
        case plain: text = try ColumnFrame.read(from: &reader, decompressor: decompressor)
        case split:
            let marked = try ColumnFrame.read(from: &reader, decompressor: decompressor)
            let digits = try ColumnFrame.read(from: &reader, decompressor: decompressor)
            text = try restore(marked, digits, expected: expected)
        default: throw CodingError("text form \(form) is unknown")
        }
        guard text.count == expected else { throw CodingError("its text is \(text.count) bytes long, not \(expected)") }
        return text
    }

    /// 0 to 15 for 0-9 and a-f, 16 for all else.
    private static let values: [UInt8] = (0...255).map { byte in
        switch byte {
        case 48...57: UInt8(byte - 48)
        case 97...102: UInt8(byte - 87)
        default: 16
        }
    }

    /// The text with marks, and the digits two a byte, the first high; each run begins with a byte of its own.
    /// Nil if the text holds the mark.
    static func extract(_ text: [UInt8]) -> (marked: [UInt8], digits: [UInt8])? {
        let values = Self.values
        let value = values.span
        let input = text.span
        var marked: [UInt8] = []
        marked.reserveCapacity(text.count)
        var digits: [UInt8] = []
        var offset = 0
        // Where the bytes begin that are not copied yet.
        var pending = 0
        while offset < input.count {
            guard value[Int(input[offset])] < 16 else {
                if input[offset] == mark { return nil }
                offset += 1
                continue
            }
            let start = offset
            var letters = 0
            while offset < input.count, offset - start < 255, value[Int(input[offset])] < 16 {
                if input[offset] > 57 { letters += 1 }
                offset += 1
            }
            let count = offset - start
            // Plain numbers often rise slowly or repeat, and words have no digits: both compress better as text.
            guard count >= minimumDigits, letters > 0, letters < count else { continue }
            marked.append(contentsOf: text[pending..<start])
            marked.append(mark)
            marked.append(UInt8(count))
            var index = start
            while index < offset {
                let low = index + 1 < offset ? value[Int(input[index + 1])] : 0
                digits.append(value[Int(input[index])] << 4 | low)
                index += 2
            }
            pending = offset
        }
        marked.append(contentsOf: text[pending...])
        return (marked, digits)
    }

    private static let characters = Array("0123456789abcdef".utf8)

    static func restore(_ marked: [UInt8], _ digits: [UInt8], expected: Int) throws(CodingError) -> [UInt8] {
        let input = marked.span
        let packed = digits.span
        let characters = Self.characters
        let character = characters.span
        var text: [UInt8] = []
        // The length is known from another column; damage must not make it a vast allocation.
        text.reserveCapacity(min(expected, marked.count + digits.count * 2))
        var offset = 0
        var pending = 0
        var used = 0
        while offset < input.count {
            guard input[offset] == mark else {
                offset += 1
                continue
            }
            guard offset + 1 < input.count, case let count = Int(input[offset + 1]), used + (count + 1) / 2 <= packed.count else {
                throw CodingError("a mark has no digits")
            }
            text.append(contentsOf: marked[pending..<offset])
            for index in 0..<count {
                let byte = packed[used + index / 2]
                text.append(character[Int(index % 2 == 0 ? byte >> 4 : byte & 15)])
            }
            used += (count + 1) / 2
            offset += 2
            pending = offset
        }
        guard used == packed.count else { throw CodingError("digits are left over") }
        text.append(contentsOf: marked[pending...])
        return text
    }
}
