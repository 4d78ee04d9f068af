/// Times in API objects: RFC 3339 text in UTC.
public enum RFC3339 {
    /// Seconds since 1970; nil if `text` is no such time. A fraction is cut off.
    public static func parse(_ text: String) -> Int64? { parts(text)?.seconds }

    /// Seconds since 1970 and the microseconds of the fraction.
    public static func parts(_ text: String) -> (seconds: Int64, microseconds: Int)? {
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int? {
            guard range.upperBound <= bytes.count else { return nil }
            var value = 0
            for byte in bytes[range] {
                guard byte &- 0x30 <= 9 else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
            return value
        }
        func has(_ byte: UInt8, at offset: Int) -> Bool { offset < bytes.count && bytes[offset] == byte }
        guard let year = number(0..<4), has(0x2D, at: 4), let month = number(5..<7), has(0x2D, at: 7), let day = number(8..<10),
            has(0x54, at: 10), let hour = number(11..<13), has(0x3A, at: 13), let minute = number(14..<16), has(0x3A, at: 16),
            let second = number(17..<19), (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 61
        else { return nil }
        var offset = 19
        var microseconds = 0
        if has(0x2E, at: offset) {
            let start = offset + 1
            var scale = 100_000
            offset = start
            while offset < bytes.count, bytes[offset] &- 0x30 <= 9 {
                microseconds += Int(bytes[offset] - 0x30) * scale
                scale /= 10
                offset += 1
            }
            guard offset > start else { return nil }
        }
        var shift = 0
        if has(0x5A, at: offset) {
            guard offset + 1 == bytes.count else { return nil }
        } else {
            guard has(0x2B, at: offset) || has(0x2D, at: offset), let hours = number(offset + 1..<offset + 3), has(0x3A, at: offset + 3),
                let minutes = number(offset + 4..<offset + 6), offset + 6 == bytes.count
            else { return nil }
            shift = (hours * 60 + minutes) * (bytes[offset] == 0x2D ? -60 : 60)
        }
        // Days from civil, after Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms".
        let y = month <= 2 ? year - 1 : year
        let era = y / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        return (Int64(days * 86_400 + hour * 3600 + minute * 60 + second - shift), microseconds)
    }

    /// `2026-11-24T08:48:41Z`. Years outside 0 to 9999 are clamped.
    public static func format(_ seconds: Int64) -> String { String(decoding: bytes(seconds, microseconds: nil), as: UTF8.self) }

    /// `2026-11-24T08:48:41.000017Z`, the form of `MicroTime` (leases, events).
    public static func format(_ seconds: Int64, microseconds: Int) -> String {
        String(decoding: bytes(seconds, microseconds: microseconds), as: UTF8.self)
    }

    private static func bytes(_ seconds: Int64, microseconds: Int?) -> [UInt8] {
        let clamped = min(max(seconds, -62_167_219_200), 253_402_300_799)
        let days = clamped >= 0 ? clamped / 86_400 : (clamped - 86_399) / 86_400
        let ofDay = Int(clamped - days * 86_400)
        let z = Int(days) + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let m = (5 * dayOfYear + 2) / 153
        let month = m < 10 ? m + 3 : m - 9
        var text: [UInt8] = []
        text.reserveCapacity(27)
        func put(_ value: Int, _ scale: Int, _ end: UInt8) {
            var scale = scale
            while scale > 0 {
                text.append(0x30 + UInt8(value / scale % 10))
                scale /= 10
            }
            text.append(end)
        }
        put(yearOfEra + era * 400 + (month <= 2 ? 1 : 0), 1000, 0x2D)
        put(month, 10, 0x2D)
        put(dayOfYear - (153 * m + 2) / 5 + 1, 10, 0x54)
        put(ofDay / 3600, 10, 0x3A)
        put(ofDay / 60 % 60, 10, 0x3A)
        put(ofDay % 60, 10, microseconds == nil ? 0x5A : 0x2E)
        if let microseconds { put(microseconds, 100_000, 0x5A) }
        return text
    }
}
