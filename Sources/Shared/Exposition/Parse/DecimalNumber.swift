/// Reads numbers out of text without making a `String` of them where that gives the same bits.
public enum DecimalNumber {
    /// Powers of ten that a double holds exactly.
    @usableFromInline static let powers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]

    /// The number at `offset`, which then lies behind it; nil if there is none, or it does not end at a space, a tab, a
    /// line's end, a comma or the end. Understands what Go's `ParseFloat` does: `NaN`, `+Inf`, exponents, `0x1p-2`.
    @inlinable
    public static func double(_ bytes: Span<UInt8>, _ offset: inout Int, end: Int) -> Double? {
        var position = offset
        var isNegative = false
        if position < end, bytes[position] == 0x2D || bytes[position] == 0x2B {
            isNegative = bytes[position] == 0x2D
            position += 1
        }
        var mantissa: UInt64 = 0
        var digits = 0
        var exponent = 0
        while position < end {
            let digit = bytes[position] &- 0x30
            guard digit < 10 else { break }
            // Nineteen digits fit in 64 bits; with more the slow way decides.
            mantissa = mantissa &* 10 &+ UInt64(digit)
            digits += 1
            position += 1
        }
        if position < end, bytes[position] == 0x2E {
            position += 1
            let fraction = position
            while position < end {
                let digit = bytes[position] &- 0x30
                guard digit < 10 else { break }
                mantissa = mantissa &* 10 &+ UInt64(digit)
                digits += 1
                position += 1
            }
            exponent = fraction - position
        }
        if digits > 0, position < end, bytes[position] | 0x20 == 0x65 {
            var power = 0
            var place = position + 1
            var isDown = false
            if place < end, bytes[place] == 0x2D || bytes[place] == 0x2B {
                isDown = bytes[place] == 0x2D
                place += 1
            }
            let start = place
            while place < end, power < 10_000 {
                let digit = bytes[place] &- 0x30
                guard digit < 10 else { break }
                power = power * 10 + Int(digit)
                place += 1
            }
            guard place > start else { return nil }
            exponent += isDown ? -power : power
            position = place
        }
        // Exact as long as mantissa and power are: one rounding. (Clinger, "How to read floating point numbers accurately".)
        if digits > 0, digits <= 19, mantissa <= 1 << 53, exponent >= -22, exponent <= 22, isEnd(bytes, position, end) {
            let whole = Double(mantissa)
            let value = exponent < 0 ? whole / powers[-exponent] : whole * powers[exponent]
            offset = position
            return isNegative ? -value : value
        }
        return slow(bytes, &offset, end: end)
    }

    @inlinable
    @inline(__always)
    static func isEnd(_ bytes: Span<UInt8>, _ position: Int, _ end: Int) -> Bool {
        guard position < end else { return true }
        let byte = bytes[position]
        return byte == 0x20 || byte == 0x0A || byte == 0x09 || byte == 0x0D || byte == 0x2C
    }

    /// Digits beyond what is exact, hexadecimal, infinities and NaN: the standard library rounds correctly.
    @usableFromInline
    static func slow(_ bytes: Span<UInt8>, _ offset: inout Int, end: Int) -> Double? {
        var position = offset
        while position < end, !isEnd(bytes, position, end) { position += 1 }
        guard position > offset, position - offset <= 400 else { return nil }
        var text = ""
        for place in offset..<position {
            guard bytes[place] < 0x80 else { return nil }
            text.unicodeScalars.append(Unicode.Scalar(bytes[place]))
        }
        guard let value = value(of: text) else { return nil }
        offset = position
        return value
    }

    /// What Go's `ParseFloat` makes of the text.
    public static func value(of text: String) -> Double? {
        switch text.lowercased() {
        // Go's bits for NaN: a payload of one. Prometheus stores the same.
        case "nan", "+nan", "-nan": return Double(bitPattern: 0x7ff8_0000_0000_0001)
        case "inf", "+inf", "infinity", "+infinity": return .infinity
        case "-inf", "-infinity": return -.infinity
        default:
            // Only what begins like a number: the standard library also reads "nan(0x1)".
            guard let first = text.utf8.first(where: { $0 != 0x2D && $0 != 0x2B }), (0x30...0x39).contains(first) || first == 0x2E else { return nil }
            return Double(text)
        }
    }

    /// A whole number at `offset`, which then lies behind it; nil if there is none or it has more than 64 bits.
    @inlinable
    public static func integer(_ bytes: Span<UInt8>, _ offset: inout Int, end: Int) -> Int64? {
        var position = offset
        var isNegative = false
        if position < end, bytes[position] == 0x2D || bytes[position] == 0x2B {
            isNegative = bytes[position] == 0x2D
            position += 1
        }
        let first = position
        var value: Int64 = 0
        while position < end {
            let digit = bytes[position] &- 0x30
            guard digit < 10 else { break }
            // Negative numbers reach one further than positive ones.
            let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflows) = product.subtractingReportingOverflow(Int64(digit))
            guard !isTooLarge, !overflows else { return nil }
            value = sum
            position += 1
        }
        guard position > first else { return nil }
        if !isNegative {
            guard value != .min else { return nil }
            value = -value
        }
        offset = position
        return value
    }
}
