/// A UTC date and time of day in the proleptic Gregorian calendar, and RFC 3339 text.
///
/// By hand because contracts/platform.md measures Foundation's formatters at four to six hundred times the cost.
public struct CivilTime: Hashable, Sendable {
    public var year: Int
    /// 1 to 12.
    public var month: Int
    /// 1 to 31.
    public var day: Int
    public var hour: Int
    public var minute: Int
    public var second: Int
    /// 0 to 999,999,999.
    public var nanosecond: Int

    /// Days from civil, after Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms".
    public init(nanosecondsSinceEpoch nanoseconds: Int64) {
        let seconds = nanoseconds.floorDivided(by: 1_000_000_000)
        self.init(secondsSinceEpoch: seconds, nanosecond: Int(nanoseconds - seconds * 1_000_000_000))
    }

    public init(secondsSinceEpoch seconds: Int64, nanosecond: Int = 0) {
        let days = seconds.floorDivided(by: 86_400)
        let ofDay = Int(seconds - days * 86_400)
        let z = Int(days) + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let m = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * m + 2) / 5 + 1
        month = m < 10 ? m + 3 : m - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        hour = ofDay / 3600
        minute = ofDay / 60 % 60
        second = ofDay % 60
        self.nanosecond = nanosecond
    }

    public init(_ timestamp: Timestamp) {
        let seconds = timestamp.milliseconds.floorDivided(by: 1000)
        self.init(secondsSinceEpoch: seconds, nanosecond: Int(timestamp.milliseconds - seconds * 1000) * 1_000_000)
    }

    public var secondsSinceEpoch: Int64 {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = Int64(era * 146_097 + dayOfEra - 719_468)
        return days * 86_400 + Int64(hour * 3600 + minute * 60 + second)
    }

    public var nanosecondsSinceEpoch: Int64 { secondsSinceEpoch * 1_000_000_000 + Int64(nanosecond) }
    public var timestamp: Timestamp { Timestamp(milliseconds: secondsSinceEpoch * 1000 + Int64(nanosecond / 1_000_000)) }
    /// 0 is Sunday.
    public var dayOfWeek: Int {
        let days = secondsSinceEpoch.floorDivided(by: 86_400)
        return Int((days % 7 + 11) % 7)
    }

    /// `2026-11-24T08:48:41Z`, with `fractionDigits` (0 to 9) digits of the second's fraction.
    public func rfc3339(fractionDigits: Int = 0) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(30)
        appendRFC3339(to: &text, fractionDigits: fractionDigits)
        return String(decoding: text, as: UTF8.self)
    }

    public func appendRFC3339(to text: inout [UInt8], fractionDigits: Int = 0) {
        func put(_ value: Int, _ width: Int) {
            var scale = 1
            for _ in 1..<width { scale *= 10 }
            while scale > 0 {
                text.append(UInt8(ascii: "0") + UInt8(value / scale % 10))
                scale /= 10
            }
        }
        put(year, 4)
        text.append(UInt8(ascii: "-"))
        put(month, 2)
        text.append(UInt8(ascii: "-"))
        put(day, 2)
        text.append(UInt8(ascii: "T"))
        put(hour, 2)
        text.append(UInt8(ascii: ":"))
        put(minute, 2)
        text.append(UInt8(ascii: ":"))
        put(second, 2)
        if fractionDigits > 0 {
            text.append(UInt8(ascii: "."))
            var scaled = nanosecond
            for _ in fractionDigits..<9 { scaled /= 10 }
            put(scaled, fractionDigits)
        }
        text.append(UInt8(ascii: "Z"))
    }

    /// Parses RFC 3339 with any number of fraction digits (cut to nanoseconds) and `Z` or an offset; nil if it is not that.
    public static func parse(_ text: String) -> CivilTime? { parse(Array(text.utf8)[...]) }

    public static func parse(_ text: ArraySlice<UInt8>) -> CivilTime? {
        var offset = text.startIndex
        func digits(_ count: Int) -> Int? {
            guard text.endIndex - offset >= count else { return nil }
            var value = 0
            for _ in 0..<count {
                let digit = text[offset] &- UInt8(ascii: "0")
                guard digit <= 9 else { return nil }
                value = value * 10 + Int(digit)
                offset += 1
            }
            return value
        }
        func take(_ bytes: UInt8...) -> Bool {
            guard offset < text.endIndex, bytes.contains(text[offset]) else { return false }
            offset += 1
            return true
        }
        guard let year = digits(4), take(0x2D), let month = digits(2), take(0x2D), let day = digits(2),
            take(UInt8(ascii: "T"), UInt8(ascii: "t"), 0x20), let hour = digits(2), take(0x3A), let minute = digits(2), take(0x3A),
            let second = digits(2), (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 61
        else { return nil }
        var nanosecond = 0
        if take(0x2E) {
            var scale = 100_000_000
            let start = offset
            while offset < text.endIndex, case let digit = text[offset] &- UInt8(ascii: "0"), digit <= 9 {
                nanosecond += Int(digit) * scale
                scale /= 10
                offset += 1
            }
            guard offset > start else { return nil }
        }
        var shift = 0
        if !take(UInt8(ascii: "Z"), UInt8(ascii: "z")) {
            let negative = offset < text.endIndex && text[offset] == 0x2D
            guard take(0x2B, 0x2D), let hours = digits(2), take(0x3A), let minutes = digits(2) else { return nil }
            shift = (hours * 60 + minutes) * (negative ? -60 : 60)
        }
        guard offset == text.endIndex else { return nil }
        var time = CivilTime(secondsSinceEpoch: 0)
        (time.year, time.month, time.day, time.hour, time.minute, time.second) = (year, month, day, hour, minute, second)
        return CivilTime(secondsSinceEpoch: time.secondsSinceEpoch - Int64(shift), nanosecond: nanosecond)
    }
}

extension Int64 {
    /// The quotient rounded towards minus infinity.
    package func floorDivided(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
