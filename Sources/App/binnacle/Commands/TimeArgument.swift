import Runtime
import Telemetry

/// Times and durations as people type them.
enum TimeArgument {
    static var now: Timestamp { SystemClock().now }

    /// `90s`, `15m`, `1h30m`, `2d`, or plain seconds.
    static func parseDuration(_ text: String) -> Duration? {
        if let seconds = Double(text), seconds > 0 { return .milliseconds(Int64(seconds * 1000)) }
        let units: [(String, Int64)] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)]
        var rest = text[...]
        var total: Int64 = 0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            let letters = rest.dropFirst(digits.count).prefix { $0.isLetter }
            guard let count = Int64(digits), count < 1_000_000_000, let unit = units.first(where: { $0.0 == letters }) else { return nil }
            total += count * unit.1
            rest = rest.dropFirst(digits.count + letters.count)
        }
        return total > 0 ? .milliseconds(total) : nil
    }

    static func duration(_ text: String, flag: String) throws -> Duration {
        guard let duration = parseDuration(text) else {
            throw CommandFailure(
                message: "\(flag) is \"\(text)\", which is not a duration", hint: "write whole numbers and units, such as 15m or 1h30m", exitCode: 2)
        }
        return duration
    }

    /// RFC 3339, Unix seconds, or a duration back from now.
    static func moment(_ text: String, flag: String) throws -> Timestamp {
        if let time = CivilTime.parse(text) { return time.timestamp }
        if let seconds = Double(text), seconds > 1_000_000 { return Timestamp(seconds: seconds) }
        if let back = parseDuration(text) { return now - back }
        throw CommandFailure(
            message: "\(flag) is \"\(text)\", which is no time", hint: "write 10m for ten minutes ago, or 2026-11-24T08:00:00Z", exitCode: 2)
    }
}
