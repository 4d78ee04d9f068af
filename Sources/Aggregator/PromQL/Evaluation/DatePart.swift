import Telemetry

/// A part of a UTC date.
enum DatePart: String, Sendable, CaseIterable {
    case minute, hour, month, year
    case dayOfMonth = "day_of_month"
    case dayOfWeek = "day_of_week"
    case dayOfYear = "day_of_year"
    case daysInMonth = "days_in_month"

    /// NaN for times that no calendar here reaches.
    func value(_ seconds: Double) -> Double {
        guard seconds.isFinite, seconds.magnitude < 1e15 else { return .nan }
        let time = CivilTime(secondsSinceEpoch: Int64(seconds.rounded(.down)))
        switch self {
        case .minute: return Double(time.minute)
        case .hour: return Double(time.hour)
        case .month: return Double(time.month)
        case .year: return Double(time.year)
        case .dayOfMonth: return Double(time.day)
        case .dayOfWeek: return Double(time.dayOfWeek)
        case .dayOfYear:
            var first = CivilTime(secondsSinceEpoch: 0)
            first.year = time.year
            return ((seconds.rounded(.down) - Double(first.secondsSinceEpoch)) / 86_400).rounded(.down) + 1
        case .daysInMonth:
            let isLeap = time.year % 4 == 0 && (time.year % 100 != 0 || time.year % 400 == 0)
            return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][time.month - 1]
        }
    }
}
