import Telemetry

/// Reads the time stamp that a text begins with, in the forms that logs use:
///
///     2026-11-24T08:48:41.123Z    2026-11-24 08:48:41,123 +01:00    20261124T084841
///     2026/11/24 08:48:41         24/Nov/2026:08:48:41 +0100        24 Nov 2026 08:48:41.123
///     Nov 24 08:48:41             Tue Nov 24 08:48:41.123 2026      1764060521.25 (s, ms, µs, ns by digits)
public enum StampScanner {
    /// The stamp and the index after it; nil if the text begins with none. An opening bracket before it is passed over.
    public static func scan(_ text: ArraySlice<UInt8>) -> (stamp: LineStamp, end: Int)? {
        var cursor = Cursor(text)
        if cursor.peek == UInt8(ascii: "[") || cursor.peek == UInt8(ascii: "\"") { cursor.index += 1 }
        guard let first = cursor.peek else { return nil }
        let stamp: LineStamp?
        if first &- 48 < 10 {
            stamp = numeric(&cursor)
        } else if (first | 0x20) &- 97 < 26 {
            stamp = named(&cursor)
        } else {
            stamp = nil
        }
        return stamp.map { ($0, cursor.index) }
    }

    /// The stamp that is the whole text, as in a field.
    public static func whole(_ text: ArraySlice<UInt8>) -> LineStamp? {
        guard let (stamp, end) = scan(text), end == text.endIndex else { return nil }
        return stamp
    }

    // MARK: Forms

    private static func numeric(_ cursor: inout Cursor) -> LineStamp? {
        let run = cursor.digitCount
        switch run {
        case 4:
            let year = cursor.digits(4)
            if cursor.take(UInt8(ascii: "-")) { return date(&cursor, year: year, separator: UInt8(ascii: "-")) }
            if cursor.take(UInt8(ascii: "/")) { return date(&cursor, year: year, separator: UInt8(ascii: "/")) }
            return nil
        case 1, 2:
            let day = cursor.digits(run)
            if cursor.take(UInt8(ascii: "/")), let month = cursor.month(), cursor.take(UInt8(ascii: "/")), cursor.digitCount == 4 {
                let year = cursor.digits(4)
                guard cursor.take(UInt8(ascii: ":")) else { return nil }
                return timeOfDay(&cursor, year, month, day)
            }
            if cursor.take(0x20), let month = cursor.month(), cursor.take(0x20), cursor.digitCount == 4 {
                let year = cursor.digits(4)
                guard cursor.take(0x20) else { return nil }
                return timeOfDay(&cursor, year, month, day)
            }
            return nil
        case 8:
            let value = cursor.digits(8)
            guard cursor.take(UInt8(ascii: "T")), cursor.digitCount == 6 else { return nil }
            let time = cursor.digits(6)
            return make(&cursor, value / 10_000, value / 100 % 100, value % 100, time / 10_000, time / 100 % 100, time % 100)
        case 10, 13, 16, 19:
            return epoch(&cursor, run)
        default:
            return nil
        }
    }

    /// Seconds, milli-, micro- or nanoseconds since 1970, by the number of digits; seconds may have a fraction.
    private static func epoch(_ cursor: inout Cursor, _ run: Int) -> LineStamp? {
        var value: Int64 = 0
        for _ in 0..<run {
            let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, second) = scaled.addingReportingOverflow(Int64(cursor.digits(1)))
            guard !overflow, !second else { return nil }
            value = sum
        }
        let scale: Int64 = run == 10 ? 1_000_000_000 : run == 13 ? 1_000_000 : run == 16 ? 1000 : 1
        // From 2001 to 2128: other numbers of that length are identifiers.
        guard value < 5_000_000_000 * (1_000_000_000 / scale) else { return nil }
        value *= scale
        if run == 10, cursor.peek == UInt8(ascii: "."), cursor.isDigit(at: 1) { value += Int64(cursor.fraction()) }
        // A longer number is an identifier.
        guard cursor.digitCount == 0 else { return nil }
        return LineStamp(nanoseconds: value)
    }

    private static func date(_ cursor: inout Cursor, year: Int, separator: UInt8) -> LineStamp? {
        guard cursor.digitCount == 2 else { return nil }
        let month = cursor.digits(2)
        guard cursor.take(separator), cursor.digitCount >= 2 else { return nil }
        let day = cursor.digits(2)
        guard let next = cursor.peek, next == 0x20 || next == UInt8(ascii: "T") || next == UInt8(ascii: "t") || next == UInt8(ascii: "_") else { return nil }
        cursor.index += 1
        return timeOfDay(&cursor, year, month, day)
    }

    private static func timeOfDay(_ cursor: inout Cursor, _ year: Int, _ month: Int, _ day: Int) -> LineStamp? {
        guard cursor.digitCount == 2 || cursor.digitCount == 1 else { return nil }
        let hour = cursor.digits(cursor.digitCount)
        guard cursor.take(UInt8(ascii: ":")), cursor.digitCount == 2 else { return nil }
        let minute = cursor.digits(2)
        var second = 0
        if cursor.take(UInt8(ascii: ":")) {
            guard cursor.digitCount == 2 else { return nil }
            second = cursor.digits(2)
        }
        return make(&cursor, year, month, day, hour, minute, second)
    }

    private static func make(
        _ cursor: inout Cursor, _ year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int, _ second: Int
    ) -> LineStamp? {
        guard (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 61 else { return nil }
        var civil = CivilTime(secondsSinceEpoch: 0)
        (civil.year, civil.month, civil.day, civil.hour, civil.minute, civil.second) = (year, month, day, hour, minute, second)
        if let mark = cursor.peek, mark == UInt8(ascii: ".") || mark == UInt8(ascii: ","), cursor.isDigit(at: 1) {
            civil.nanosecond = cursor.fraction()
        }
        return LineStamp(civil: civil, offset: cursor.zone())
    }

    /// Forms that begin with the name of a day or a month.
    private static func named(_ cursor: inout Cursor) -> LineStamp? {
        let beginning = cursor.index
        if cursor.isDayName {
            cursor.index += 3
            _ = cursor.take(UInt8(ascii: ","))
            guard cursor.take(0x20) else { return nil }
            // RFC 1123: Tue, 24 Nov 2026 08:48:41 GMT.
            if cursor.digitCount > 0 {
                let day = cursor.digits(min(2, cursor.digitCount))
                guard cursor.take(0x20), let month = cursor.month(), cursor.take(0x20), cursor.digitCount == 4 else { return nil }
                let year = cursor.digits(4)
                return cursor.take(0x20) ? timeOfDay(&cursor, year, month, day) : nil
            }
        }
        guard let month = cursor.month(), cursor.take(0x20) else {
            cursor.index = beginning
            return nil
        }
        _ = cursor.take(0x20)
        guard (1...2).contains(cursor.digitCount) else { return nil }
        let day = cursor.digits(cursor.digitCount)
        guard cursor.take(0x20) else { return nil }
        // Some syslogs put the year before the time.
        var year = 0
        if cursor.digitCount == 4 {
            year = cursor.digits(4)
            guard cursor.take(0x20) else { return nil }
        }
        guard var stamp = timeOfDay(&cursor, year, month, day) else { return nil }
        // ctime puts it after.
        if year == 0, cursor.peek == 0x20 {
            var ahead = cursor
            ahead.index += 1
            if ahead.digitCount == 4 {
                stamp.civil.year = ahead.digits(4)
                cursor = ahead
            }
        }
        return stamp
    }

    // MARK: Reading

    private struct Cursor {
        let text: ArraySlice<UInt8>
        var index: Int

        init(_ text: ArraySlice<UInt8>) {
            self.text = text
            index = text.startIndex
        }

        var peek: UInt8? { index < text.endIndex ? text[index] : nil }
        func isDigit(at ahead: Int) -> Bool { index + ahead < text.endIndex && text[index + ahead] &- 48 < 10 }

        mutating func take(_ byte: UInt8) -> Bool {
            guard peek == byte else { return false }
            index += 1
            return true
        }

        /// How many digits follow, at most 20.
        var digitCount: Int {
            var count = 0
            while count < 20, isDigit(at: count) { count += 1 }
            return count
        }

        /// The caller has counted them.
        mutating func digits(_ count: Int) -> Int {
            var value = 0
            for _ in 0..<count {
                value = value * 10 + Int(text[index] &- 48)
                index += 1
            }
            return value
        }

        /// After its mark; more digits than nine are passed over.
        mutating func fraction() -> Int {
            index += 1
            var value = 0
            var scale = 100_000_000
            while isDigit(at: 0) {
                value += Int(text[index] &- 48) * scale
                scale /= 10
                index += 1
            }
            return value
        }

        /// `Z`, `+01:00`, `+0100`, `+01`, `UTC` or `GMT`, perhaps after a space; nil and nothing taken if there is none.
        mutating func zone() -> Int? {
            var ahead = self
            if ahead.peek == 0x20 { ahead.index += 1 }
            let isSpaced = ahead.index > index
            guard let first = ahead.peek else { return nil }
            switch first {
            case UInt8(ascii: "Z"), UInt8(ascii: "z"):
                guard !isSpaced else { return nil }
                index += 1
                return 0
            case UInt8(ascii: "+"), UInt8(ascii: "-"):
                ahead.index += 1
                let count = ahead.digitCount
                guard count == 4 || count == 2 else { return nil }
                let hours = ahead.digits(2)
                var minutes = 0
                if count == 4 {
                    minutes = ahead.digits(2)
                } else if ahead.peek == UInt8(ascii: ":"), ahead.isDigit(at: 1), ahead.isDigit(at: 2) {
                    ahead.index += 1
                    minutes = ahead.digits(2)
                } else if isSpaced {
                    // ` -12` is more likely a word of the text than a zone.
                    return nil
                }
                guard hours < 19, minutes < 60 else { return nil }
                self = ahead
                return (hours * 3600 + minutes * 60) * (first == UInt8(ascii: "-") ? -1 : 1)
            default:
                let word = ahead.text[ahead.index...].prefix(3)
                guard word.elementsEqual("UTC".utf8) || word.elementsEqual("GMT".utf8) else { return nil }
                ahead.index += 3
                self = ahead
                return 0
            }
        }

        private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"].map { Array($0.utf8) }
        private static let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map { Array($0.utf8) }

        private func isWord(_ word: [UInt8]) -> Bool {
            index + 3 < text.endIndex && text[index] | 0x20 == word[0] && text[index + 1] | 0x20 == word[1] && text[index + 2] | 0x20 == word[2]
        }

        /// The abbreviated month, 1 to 12.
        mutating func month() -> Int? {
            guard let found = Self.months.firstIndex(where: isWord) else { return nil }
            index += 3
            return found + 1
        }

        var isDayName: Bool { Self.days.contains(where: isWord) }
    }
}
