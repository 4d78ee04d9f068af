import Telemetry

/// Time stamps as senders write them, in nanoseconds since 1970. What no 64 bits hold, and what is no time, is nil.
enum LogTime {
    /// RFC 3339, also with a space or a comma or without a zone (then UTC); or a number of seconds, milliseconds, microseconds
    /// or nanoseconds, told by its size, or of seconds with a fraction.
    static func parse(_ text: ArraySlice<UInt8>) -> Int64? {
        guard let first = text.first else { return nil }
        if first &- 48 < 10, text.count >= 19, text[text.startIndex + 4] == UInt8(ascii: "-") { return civil(text) }
        return number(text)
    }

    static func civil(_ text: ArraySlice<UInt8>) -> Int64? {
        if let time = CivilTime.parse(text) { return nanoseconds(time) }
        var copy = Array(text)
        if let comma = copy.firstIndex(of: UInt8(ascii: ",")) { copy[comma] = UInt8(ascii: ".") }
        // A zone without its colon, such as +0200, gets one; a text without a zone means UTC.
        if copy.count > 5, copy[copy.count - 5] == UInt8(ascii: "+") || copy[copy.count - 5] == UInt8(ascii: "-"), copy.count > 20 {
            copy.insert(UInt8(ascii: ":"), at: copy.count - 2)
        } else if let last = copy.last, last &- 48 < 10, !copy.dropFirst(11).contains(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }) {
            copy.append(UInt8(ascii: "Z"))
        }
        return CivilTime.parse(copy[...]).flatMap(nanoseconds)
    }

    /// The years that 64 bits of nanoseconds hold.
    private static func nanoseconds(_ time: CivilTime) -> Int64? { (1678...2261).contains(time.year) ? time.nanosecondsSinceEpoch : nil }

    private static func number(_ text: ArraySlice<UInt8>) -> Int64? {
        var digits = text
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits = digits.dropFirst() }
        let whole = digits.prefix { $0 &- 48 < 10 }
        guard !whole.isEmpty, whole.count <= 19 else { return nil }
        var value: UInt64 = 0
        for digit in whole { value = value * 10 + UInt64(digit - 48) }
        guard value <= UInt64(Int64.max) else { return nil }
        let rest = digits[whole.endIndex...]
        guard let nanoseconds = rest.isEmpty ? scaled(Int64(value)) : fraction(Int64(value), rest) else { return nil }
        return isNegative ? -nanoseconds : nanoseconds
    }

    /// A whole number by its size.
    static func scaled(_ value: Int64) -> Int64? {
        let factor: Int64
        switch value.magnitude {
        case ..<100_000_000_000: factor = 1_000_000_000
        case ..<100_000_000_000_000: factor = 1_000_000
        case ..<100_000_000_000_000_000: factor = 1000
        default: factor = 1
        }
        let (product, overflow) = value.multipliedReportingOverflow(by: factor)
        return overflow ? nil : product
    }

    /// `.` and digits behind a whole number, whose unit is told by the whole number's size; or an exponent.
    private static func fraction(_ whole: Int64, _ rest: ArraySlice<UInt8>) -> Int64? {
        guard rest.first == UInt8(ascii: "."), rest.count > 1, rest.dropFirst().allSatisfy({ $0 &- 48 < 10 }) else { return nil }
        guard let base = scaled(whole) else { return nil }
        var unit: Int64 = whole == 0 ? 1_000_000_000 : base / whole
        var extra: Int64 = 0
        for digit in rest.dropFirst() where unit >= 10 {
            unit /= 10
            extra += Int64(digit - 48) * unit
        }
        let (sum, overflow) = base.addingReportingOverflow(extra)
        return overflow ? nil : sum
    }
}
