import Telemetry

/// The forms of times that lines begin with; each is read and written byte for byte.
struct TimeForm: Hashable, Sendable {
    /// 0 to 9: `2026-11-24T08:48:41` with so many digits of a fraction; 10 to 19: with a space; 20: `24/Nov/2026:08:48:41`; 21: `1124 08:48:41.123456`.
    var code: UInt8

    static let klog = TimeForm(code: 21)
    static let access = TimeForm(code: 20)

    init(code: UInt8) { self.code = code }

    var isKnown: Bool { code <= 21 }

    /// Nanoseconds in the last digit.
    var unit: Int64 {
        switch code {
        case 0...19: Self.powers[9 - Int(code % 10)]
        case 21: 1000
        default: 1_000_000_000
        }
    }

    private static let powers: [Int64] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000]
    private static let months = Array("JanFebMarAprMayJunJulAugSepOctNovDec".utf8)

    /// The form that the text begins with, and where it ends.
    static func match(_ text: Span<UInt8>, _ range: Range<Int>) -> (TimeForm, Int)? {
        let start = range.lowerBound
        guard range.count >= 19 else { return nil }
        if text[start + 2] == 0x2F {
            guard range.count >= 20, parse(text, start..<start + 20, access, near: 0) != nil else { return nil }
            return (access, start + 20)
        }
        guard text[start + 4] == 0x2D, text[start + 10] == 0x54 || text[start + 10] == 0x20 else { return nil }
        var stop = start + 19
        var digits: UInt8 = 0
        if stop + 1 < range.upperBound, text[stop] == 0x2E, text[stop + 1] &- 0x30 < 10 {
            stop += 1
            while stop < range.upperBound, digits < 9, text[stop] &- 0x30 < 10 {
                digits += 1
                stop += 1
            }
        }
        if stop < range.upperBound, text[stop] &- 0x30 < 10 { return nil }
        let form = TimeForm(code: digits + (text[start + 10] == 0x54 ? 0 : 10))
        guard parse(text, start..<stop, form, near: 0) != nil else { return nil }
        return (form, stop)
    }

    /// Where the time of a klog line (a letter, then month, day and time) ends.
    func match(_ text: Span<UInt8>, _ range: Range<Int>) -> Int? {
        guard range.count >= 21, text[range.lowerBound] &- 0x41 < 26 else { return nil }
        let start = range.lowerBound + 1
        return Self.parse(text, start..<start + 20, self, near: 0) == nil ? nil : start + 20
    }

    /// Units since 1970 (UTC is assumed: what is stored is the text); nil if it would not be written the same again.
    /// - Parameter near: a time in nanoseconds whose year a form without one takes.
    static func parse(_ text: Span<UInt8>, _ range: Range<Int>, _ form: TimeForm, near: Int64) -> Int64? {
        let start = range.lowerBound
        func number(_ offset: Int, _ count: Int) -> Int {
            var value = 0
            for index in offset..<offset + count {
                let digit = text[start + index] &- 0x30
                guard digit < 10 else { return -1_000_000_000 }
                value = value * 10 + Int(digit)
            }
            return value
        }
        let year: Int
        let month: Int
        let day: Int
        let clock: Int
        var fraction: Int64 = 0
        switch form.code {
        case 0...19:
            let digits = Int(form.code % 10)
            guard range.count == 19 + (digits > 0 ? digits + 1 : 0), text[start + 4] == 0x2D, text[start + 7] == 0x2D,
                text[start + 10] == (form.code < 10 ? 0x54 : 0x20), digits == 0 || text[start + 19] == 0x2E
            else { return nil }
            (year, month, day, clock) = (number(0, 4), number(5, 2), number(8, 2), 11)
            if digits > 0 { fraction = Int64(number(20, digits)) }
        case 20:
            guard range.count == 20, text[start + 2] == 0x2F, text[start + 6] == 0x2F, text[start + 11] == 0x3A else { return nil }
            var found = 0
            for index in 0..<12
            where months[index * 3] == text[start + 3] && months[index * 3 + 1] == text[start + 4] && months[index * 3 + 2] == text[start + 5] {
                found = index + 1
            }
            (year, month, day, clock) = (number(7, 4), found, number(0, 2), 12)
        case 21:
            guard range.count == 20, text[start + 4] == 0x20, text[start + 13] == 0x2E else { return nil }
            (year, month, day, clock) = (CivilTime(secondsSinceEpoch: floorDivide(near, 1_000_000_000)).year, number(0, 2), number(2, 2), 5)
            fraction = Int64(number(14, 6))
        default: return nil
        }
        let (hour, minute, second) = (number(clock, 2), number(clock + 3, 2), number(clock + 6, 2))
        guard text[start + clock + 2] == 0x3A, text[start + clock + 5] == 0x3A, (1678...2261).contains(year), (1...12).contains(month),
            (1...daysInMonth(year, month)).contains(day), (0..<24).contains(hour), (0..<60).contains(minute), (0..<60).contains(second), fraction >= 0
        else { return nil }
        let seconds = Int64(daysSinceEpoch(year, month, day)) * 86_400 + Int64(hour * 3600 + minute * 60 + second)
        return seconds * (1_000_000_000 / form.unit) + fraction
    }

    private static func daysInMonth(_ year: Int, _ month: Int) -> Int {
        if month == 2 { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28 }
        return [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    /// Howard Hinnant's days_from_civil ("chrono-Compatible Low-Level Date Algorithms").
    private static func daysSinceEpoch(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = year / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// Whether a time may hold a byte that is no digit.
    func canHold(_ byte: UInt8, isFolded: Bool) -> Bool {
        switch code {
        case 0...9: byte == 0x2D || byte == 0x3A || byte == 0x2E || byte == (isFolded ? 0x74 : 0x54)
        case 10...19: byte == 0x2D || byte == 0x3A || byte == 0x2E || byte == 0x20
        case 20: byte == 0x2F || byte == 0x3A || Self.months.contains(byte) || (isFolded && byte &- 0x61 < 26)
        default: byte == 0x20 || byte == 0x3A || byte == 0x2E
        }
    }

    /// How many bytes a time takes.
    var byteCount: Int {
        switch code {
        case 0...19: code % 10 == 0 ? 19 : 20 + Int(code % 10)
        default: 20
        }
    }

    /// Writes the time's `byteCount` bytes.
    func write(_ value: Int64, to output: inout TextOutput, at offset: Int) {
        let perSecond = 1_000_000_000 / unit
        let seconds = floorDivide(value, perSecond)
        var fraction = value &- seconds &* perSecond
        let days = floorDivide(seconds, 86_400)
        let clock = Int(seconds &- days &* 86_400)
        let date = output.date(ofDay: days)
        let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60)
        var bytes: InlineArray<32, UInt8> = .init(repeating: 0)
        func two(_ offset: Int, _ number: Int) {
            bytes[offset] = UInt8(truncatingIfNeeded: 0x30 + number / 10 % 10)
            bytes[offset + 1] = UInt8(truncatingIfNeeded: 0x30 + number % 10)
        }
        var clockOffset = 11
        switch code {
        case 20:
            two(0, date.day)
            bytes[2] = 0x2F
            for index in 0..<3 { bytes[3 + index] = Self.months[(date.month - 1) * 3 + index] }
            bytes[6] = 0x2F
            two(7, date.year / 100)
            two(9, date.year % 100)
            bytes[11] = 0x3A
            clockOffset = 12
        case 21:
            two(0, date.month)
            two(2, date.day)
            bytes[4] = 0x20
            clockOffset = 5
        default:
            two(0, date.year / 100)
            two(2, date.year % 100)
            bytes[4] = 0x2D
            two(5, date.month)
            bytes[7] = 0x2D
            two(8, date.day)
            bytes[10] = code < 10 ? 0x54 : 0x20
        }
        two(clockOffset, hour)
        bytes[clockOffset + 2] = 0x3A
        two(clockOffset + 3, minute)
        bytes[clockOffset + 5] = 0x3A
        two(clockOffset + 6, second)
        let digits = code == 21 ? 6 : code < 20 ? Int(code % 10) : 0
        if digits > 0 {
            let point = clockOffset + 8
            bytes[point] = 0x2E
            var index = point + digits
            while index > point {
                bytes[index] = UInt8(truncatingIfNeeded: 0x30 + fraction % 10)
                fraction /= 10
                index -= 1
            }
        }
        output.put(bytes.span, 0..<byteCount, at: offset)
    }
}
