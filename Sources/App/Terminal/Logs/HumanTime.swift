import Telemetry

/// Moments as people type them: `2h ago`, `90s`, `yesterday`, `today 14:30`, `14:30`, `2026-11-24 08:00`, RFC 3339, Unix seconds.
public enum HumanTime {
    private static let day: Int64 = 86_400_000_000_000

    /// - Parameters:
    ///   - now: nanoseconds since 1970.
    ///   - zone: the offset of local time from UTC in nanoseconds, in which days and times of day are meant.
    /// - Returns: nanoseconds since 1970; nil if the text is no moment.
    public static func parse(_ text: String, now: Int64, zone: Int64 = 0) -> Int64? {
        let text = text.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
        if let time = CivilTime.parse(text), (1678...2261).contains(time.year) { return time.nanosecondsSinceEpoch }
        if let seconds = Double(text), seconds > 1_000_000, seconds < 9e9 { return Int64(seconds * 1e9) }
        let lowered = text.lowercased()
        if lowered == "now" { return now }
        let back = lowered.hasSuffix(" ago") ? String(lowered.dropLast(4)) : lowered
        if let length = duration(back) { return now - length }
        let midnight = floor(now + zone) - zone
        for (word, start) in [("yesterday", midnight - day), ("today", midnight)] where lowered.hasPrefix(word) {
            let rest = lowered.dropFirst(word.count).drop { $0 == " " }
            if rest.isEmpty { return start }
            return timeOfDay(String(rest)).map { start + $0 }
        }
        if let time = timeOfDay(lowered) { return midnight + time }
        // A day, with or without a time, in local time.
        let parts = text.split(whereSeparator: { $0 == " " || $0 == "T" })
        guard let date = parts.first, parts.count <= 2, let civil = CivilTime.parse("\(date)T00:00:00Z") else { return nil }
        guard parts.count == 2 else { return civil.nanosecondsSinceEpoch - zone }
        return timeOfDay(String(parts[1])).map { civil.nanosecondsSinceEpoch - zone + $0 }
    }

    /// `90s`, `1h30m`, `2 hours`, `1.5d`, `3 weeks`; in nanoseconds.
    public static func duration(_ text: String) -> Int64? {
        let units: [(names: [String], length: Double)] = [
            (["ms"], 1e6), (["s", "sec", "secs", "second", "seconds"], 1e9), (["m", "min", "mins", "minute", "minutes"], 60e9),
            (["h", "hr", "hrs", "hour", "hours"], 3600e9), (["d", "day", "days"], 86_400e9), (["w", "week", "weeks"], 604_800e9),
        ]
        var rest = text[...]
        var total = 0.0
        while !rest.isEmpty {
            let digits = rest.prefix { $0 == "." || ("0"..."9").contains($0) }
            rest = rest.dropFirst(digits.count).drop { $0 == " " }
            let letters = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(letters.count).drop { $0 == " " }
            guard let number = Double(digits), let unit = units.first(where: { $0.names.contains(letters.lowercased()) }) else { return nil }
            total += number * unit.length
        }
        return total > 0 && total < 9e18 ? Int64(total) : nil
    }

    /// A whole span by one word, for comparisons: `yesterday`, `today`, or `FROM..TO`.
    public static func span(_ text: String, now: Int64, zone: Int64 = 0) -> Range<Int64>? {
        let midnight = floor(now + zone) - zone
        if text == "yesterday" { return midnight - day..<midnight }
        if text == "today" { return midnight..<now }
        guard let dots = text.firstRange(of: ".."), let from = parse(String(text[..<dots.lowerBound]), now: now, zone: zone) else { return nil }
        let end = String(text[dots.upperBound...])
        guard let to = end.isEmpty ? now : parse(end, now: now, zone: zone), from < to else { return nil }
        return from..<to
    }

    /// `14:30` or `14:30:05`.
    private static func timeOfDay(_ text: String) -> Int64? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count), let hour = Int64(parts[0]), (0..<24).contains(hour), parts[1].count == 2, let minute = Int64(parts[1]),
            (0..<60).contains(minute)
        else { return nil }
        let second = parts.count == 3 ? Double(parts[2]) ?? -1 : 0
        guard second >= 0, second < 60 else { return nil }
        return (hour * 3600 + minute * 60) * 1_000_000_000 + Int64(second * 1e9)
    }

    private static func floor(_ time: Int64) -> Int64 {
        let remainder = time % day
        return time - (remainder < 0 ? remainder + day : remainder)
    }
}
