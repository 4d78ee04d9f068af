/// Reads fields of the kernel's tables from bytes, without a String (contracts/platform.md measures the difference).
///
/// Every function takes the end of what was read, since the buffers are larger than their content, and moves `offset`
/// forward, never past `end`: a truncated file ends early and nothing else.
enum ByteText {
    static let space: UInt8 = 0x20
    static let newline: UInt8 = 0x0A

    /// Past spaces and tabs, not past the end of the line.
    static func skipSpaces(_ bytes: [UInt8], _ end: Int, _ offset: inout Int) {
        while offset < end, bytes[offset] == space || bytes[offset] == 0x09 { offset += 1 }
    }

    /// Past what is not white space.
    static func skipField(_ bytes: [UInt8], _ end: Int, _ offset: inout Int) {
        while offset < end, bytes[offset] > space { offset += 1 }
    }

    /// Past the next newline.
    static func skipLine(_ bytes: [UInt8], _ end: Int, _ offset: inout Int) {
        while offset < end, bytes[offset] != newline { offset += 1 }
        offset = min(offset + 1, end)
    }

    /// The range of the next field of this line; nil at its end.
    static func field(_ bytes: [UInt8], _ end: Int, _ offset: inout Int) -> Range<Int>? {
        skipSpaces(bytes, end, &offset)
        let start = offset
        skipField(bytes, end, &offset)
        return offset > start ? start..<offset : nil
    }

    /// Decimal digits; a value over 64 bits becomes the largest. Nil, without moving, where there is no digit.
    static func decimal(_ bytes: [UInt8], _ end: Int, _ offset: inout Int) -> UInt64? {
        let start = offset
        var value: UInt64 = 0
        var isTooLarge = false
        while offset < end, case let digit = bytes[offset] &- 0x30, digit <= 9 {
            let (product, over) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            if over || carry { isTooLarge = true }
            value = sum
            offset += 1
        }
        guard offset > start else { return nil }
        return isTooLarge ? .max : value
    }

    /// Decimal digits with an optional minus; values beyond the range become its end.
    static func signed(_ bytes: [UInt8], _ end: Int, _ offset: inout Int) -> Int64? {
        let isNegative = offset < end && bytes[offset] == UInt8(ascii: "-")
        var next = isNegative ? offset + 1 : offset
        guard let magnitude = decimal(bytes, end, &next) else { return nil }
        offset = next
        if isNegative { return magnitude > UInt64(Int64.max) ? .min : -Int64(magnitude) }
        return Int64(clamping: magnitude)
    }

    /// Hexadecimal digits of either case; a value over 64 bits becomes the largest.
    static func hexadecimal(_ bytes: [UInt8], _ end: Int, _ offset: inout Int) -> UInt64? {
        let start = offset
        var value: UInt64 = 0
        var isTooLarge = false
        while offset < end, let digit = hexadecimalDigit(bytes[offset]) {
            if value >> 60 != 0 { isTooLarge = true }
            value = value << 4 | UInt64(digit)
            offset += 1
        }
        guard offset > start else { return nil }
        return isTooLarge ? .max : value
    }

    private static func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }

    /// Whether the bytes of the range are the text.
    static func equals(_ bytes: [UInt8], _ range: Range<Int>, _ text: StaticString) -> Bool {
        range.count == text.utf8CodeUnitCount && starts(bytes, range.upperBound, range.lowerBound, text)
    }

    /// Whether the text stands at `offset`.
    static func starts(_ bytes: [UInt8], _ end: Int, _ offset: Int, _ text: StaticString) -> Bool {
        guard end - offset >= text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { buffer in
            // The guard above keeps both indices inside.
            for position in 0..<buffer.count where unsafe buffer[position] != bytes[offset + position] { return false }
            return true
        }
    }

    static func text(_ bytes: [UInt8], _ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
}
