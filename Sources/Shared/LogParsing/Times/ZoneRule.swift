import Telemetry

/// POSIX' rule of when a zone's clocks change each year, as the footer of a zone file has it: `CET-1CEST,M3.5.0,M10.5.0/3`.
struct ZoneRule: Hashable, Sendable {
    private enum Day: Hashable {
        /// Of 365 days, the leap day never counted, from 1.
        case julian(Int)
        /// From 0, the leap day counted.
        case ofYear(Int)
        /// The nth (5: last) weekday of a month; 0 is Sunday.
        case weekday(month: Int, week: Int, day: Int)
    }

    private struct Change: Hashable {
        var day: Day
        /// Seconds after midnight by the clock before the change.
        var time: Int
    }

    private let standard: Int
    private let summer: Int
    private let start: Change?
    private let end: Change?

    init?(_ text: String) {
        var reader = Reader(text: Array(text.utf8))
        guard reader.name(), let offset = reader.time() else { return nil }
        standard = -offset
        guard !reader.isAtEnd else {
            (summer, start, end) = (standard, nil, nil)
            return
        }
        guard reader.name() else { return nil }
        summer = reader.peek == UInt8(ascii: ",") ? standard + 3600 : -(reader.time() ?? 0)
        guard reader.take(","), let first = reader.change(), reader.take(","), let last = reader.change(), reader.isAtEnd else { return nil }
        (start, end) = (first, last)
    }

    /// Seconds east of Greenwich at an instant in Unix seconds.
    func offset(at instant: Int64) -> Int {
        guard let start, let end else { return standard }
        let year = CivilTime(secondsSinceEpoch: instant + Int64(standard)).year
        let from = Self.seconds(of: start, year) - Int64(standard)
        let to = Self.seconds(of: end, year) - Int64(summer)
        let isSummer = from < to ? instant >= from && instant < to : !(instant >= to && instant < from)
        return isSummer ? summer : standard
    }

    /// By the clock before the change, as if it were UTC.
    private static func seconds(of change: Change, _ year: Int) -> Int64 {
        func midnight(_ month: Int, _ day: Int) -> CivilTime {
            var time = CivilTime(secondsSinceEpoch: 0)
            (time.year, time.month, time.day) = (year, month, day)
            return time
        }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days: Int64
        switch change.day {
        case .julian(let day): days = Int64(day - 1 + (isLeap && day >= 60 ? 1 : 0))
        case .ofYear(let day): days = Int64(day)
        case .weekday(let month, let week, let weekday):
            let first = midnight(month, 1)
            var day = 1 + (weekday - first.dayOfWeek + 7) % 7 + (week - 1) * 7
            let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            while day > lengths[month - 1] { day -= 7 }
            return midnight(month, day).secondsSinceEpoch + Int64(change.time)
        }
        return midnight(1, 1).secondsSinceEpoch + days * 86_400 + Int64(change.time)
    }

    private struct Reader {
        let text: [UInt8]
        var index = 0

        var isAtEnd: Bool { index == text.count }
        var peek: UInt8? { index < text.count ? text[index] : nil }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard peek == UInt8(ascii: character) else { return false }
            index += 1
            return true
        }

        /// Three letters or more, or anything between angle brackets.
        mutating func name() -> Bool {
            let start = index
            if take("<") {
                while let byte = peek, byte != UInt8(ascii: ">") {
                    index += 1
                    if byte == UInt8(ascii: ",") { return false }
                }
                return take(">")
            }
            while let byte = peek, (byte | 0x20) &- 97 < 26 { index += 1 }
            return index - start >= 3
        }

        mutating func number() -> Int? {
            let start = index
            var value = 0
            while let byte = peek, byte &- 48 < 10, index - start < 4 {
                value = value * 10 + Int(byte - 48)
                index += 1
            }
            return index > start ? value : nil
        }

        /// `[+-]h[:m[:s]]` in seconds.
        mutating func time() -> Int? {
            let sign = take("-") ? -1 : 1
            if sign == 1 { _ = take("+") }
            guard let hours = number(), hours <= 167 else { return nil }
            var seconds = hours * 3600
            if take(":") { seconds += (number() ?? 0) * 60 }
            if take(":") { seconds += number() ?? 0 }
            return sign * seconds
        }

        mutating func change() -> Change? {
            let day: Day
            if take("M") {
                guard let month = number(), take("."), let week = number(), take("."), let weekday = number(),
                    (1...12).contains(month), (1...5).contains(week), weekday < 7
                else { return nil }
                day = .weekday(month: month, week: week, day: weekday)
            } else if take("J") {
                guard let number = number(), (1...365).contains(number) else { return nil }
                day = .julian(number)
            } else {
                guard let number = number(), number < 366 else { return nil }
                day = .ofYear(number)
            }
            // Two in the morning unless it says another.
            return Change(day: day, time: take("/") ? time() ?? 7200 : 7200)
        }
    }
}
