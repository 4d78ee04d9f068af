import Telemetry

/// Elasticsearch's ways of writing times: RFC 3339 and its beginnings, milliseconds, `now-1h/d`, `2026-01-01||+1d`.
struct ElasticTime: Sendable {
    /// What `now` means, in nanoseconds.
    let now: Int64
    /// A fixed offset from UTC for stamps without a zone, in nanoseconds.
    var zone: Int64 = 0

    /// - Parameter roundsUp: whether a time that names a whole unit means its end, as `lte` and `gt` want.
    func parse(_ text: String, roundsUp: Bool = false, format: String? = nil) throws(ElasticError) -> Int64 {
        var rest = text[...]
        var time: Int64
        var isWhole = false
        if rest.hasPrefix("now") {
            time = now
            rest = rest.dropFirst(3)
        } else {
            let parts = text.firstRange(of: "||")
            (time, isWhole) = try moment(String(parts.map { text[..<$0.lowerBound] } ?? rest), roundsUp: roundsUp, format: format)
            rest = parts.map { text[$0.upperBound...] } ?? ""
        }
        _ = isWhole
        while let sign = rest.popFirst() {
            let digits = rest.prefix { ("0"..."9").contains($0) }
            rest = rest.dropFirst(digits.count)
            guard let unit = rest.popFirst() else { throw .parsing("failed to parse date math in [\(text)]") }
            switch sign {
            case "+", "-":
                guard let count = digits.isEmpty ? 1 : Int64(digits), count < 1_000_000 else { throw .parsing("failed to parse date math in [\(text)]") }
                time = try add(sign == "-" ? -count : count, unit, to: time, in: text)
            case "/":
                let start = try floor(time, unit, in: text)
                time = roundsUp ? try add(1, unit, to: start, in: text) - 1 : start
            default: throw .parsing("failed to parse date math in [\(text)]")
            }
        }
        return time
    }

    private func moment(_ text: String, roundsUp: Bool, format: String?) throws(ElasticError) -> (Int64, Bool) {
        if format == "epoch_second", let seconds = Double(text) { return (Int64(seconds * 1e9), false) }
        let isMillis = format == nil || format?.contains("epoch_millis") == true
        if isMillis, text.utf8.count > 4, let number = Double(text), number.magnitude < 9e12 { return (Int64(number * 1e6), false) }
        if let civil = CivilTime.parse(text) { return (civil.nanosecondsSinceEpoch, false) }
        // Beginnings of a stamp: a year, a month, a day, with or without a time of day, without a zone.
        let full = "1970-01-01T00:00:00"
        let plain = text.replacing(" ", with: "T")
        guard plain.utf8.count <= 29, plain.utf8.count >= 4 else { throw unknown(text) }
        let completed = plain.utf8.count < full.utf8.count ? plain + full.dropFirst(plain.count) : plain
        guard let civil = CivilTime.parse(completed + "Z") else { throw unknown(text) }
        let time = civil.nanosecondsSinceEpoch - zone
        guard roundsUp, plain.utf8.count < full.utf8.count else { return (time, true) }
        let unit: Character =
            switch plain.utf8.count {
            case 4: "y"
            case 7: "M"
            case 10: "d"
            case 13: "h"
            case 16: "m"
            default: "s"
            }
        return (try add(1, unit, to: time, in: text) - 1, true)
    }

    private func unknown(_ text: String) -> ElasticError {
        .parsing("failed to parse date field [\(text)] with format [strict_date_optional_time||epoch_millis]")
    }

    // MARK: Calendar

    private static let lengths: [Character: Int64] = [
        "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000, "H": 3_600_000_000_000, "d": 86_400_000_000_000, "w": 604_800_000_000_000,
    ]

    func add(_ count: Int64, _ unit: Character, to time: Int64, in text: String) throws(ElasticError) -> Int64 {
        if let length = Self.lengths[unit] { return time + count * length }
        guard unit == "M" || unit == "y" || unit == "q" else { throw .parsing("unit [\(unit)] is not known in [\(text)]") }
        var civil = CivilTime(nanosecondsSinceEpoch: time + zone)
        let months = civil.year * 12 + civil.month - 1 + Int(count) * (unit == "M" ? 1 : unit == "q" ? 3 : 12)
        civil.year = months / 12
        civil.month = months % 12 + 1
        civil.day = min(civil.day, Self.days(of: civil.month, civil.year))
        return civil.nanosecondsSinceEpoch - zone
    }

    /// The beginning of the unit that the time lies in, in the zone. Weeks begin on Monday.
    func floor(_ time: Int64, _ unit: Character, in text: String = "") throws(ElasticError) -> Int64 {
        let local = time + zone
        if unit == "w" {
            // 1970-01-01 was a Thursday.
            let monday = 4 * 86_400_000_000_000 as Int64
            return Self.floor(local - monday, 604_800_000_000_000) + monday - zone
        }
        if let length = Self.lengths[unit] { return Self.floor(local, length) - zone }
        var civil = CivilTime(nanosecondsSinceEpoch: local)
        switch unit {
        case "M": break
        case "q": civil.month -= (civil.month - 1) % 3
        case "y": civil.month = 1
        default: throw .parsing("unit [\(unit)] is not known in [\(text)]")
        }
        (civil.day, civil.hour, civil.minute, civil.second, civil.nanosecond) = (1, 0, 0, 0, 0)
        return civil.nanosecondsSinceEpoch - zone
    }

    static func floor(_ time: Int64, _ length: Int64) -> Int64 {
        let remainder = time % length
        return time - (remainder < 0 ? remainder + length : remainder)
    }

    private static func days(of month: Int, _ year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// `+01:00`, `-0500`, `UTC` or `Z`. Names of places are not known here.
    static func zone(_ text: String) throws(ElasticError) -> Int64 {
        if ["utc", "z", "gmt", "etc/utc"].contains(text.lowercased()) { return 0 }
        let digits = text.dropFirst().filter { $0 != ":" }
        guard let sign = text.first, sign == "+" || sign == "-", digits.count == 4, let number = Int64(digits), number % 100 < 60, number < 2400 else {
            throw .illegal("time zone [\(text)] is not known; write an offset such as +01:00")
        }
        let minutes = number / 100 * 60 + number % 100
        return (sign == "-" ? -minutes : minutes) * 60_000_000_000
    }

    /// As Elasticsearch prints dates: milliseconds, or nanoseconds where there are any.
    static func text(_ time: Int64) -> String { CivilTime(nanosecondsSinceEpoch: time).rfc3339(fractionDigits: time % 1_000_000 == 0 ? 3 : 9) }
}
