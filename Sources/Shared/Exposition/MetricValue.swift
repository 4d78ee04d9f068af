/// A sample's value as it was read: integers keep all their digits, and units are moved by their decimal point instead
/// of being divided.
public enum MetricValue: Hashable, Sendable {
    case unsigned(UInt64)
    case signed(Int64)
    /// `value / 10^digits`, at most 19 digits: nanoseconds as seconds are `scaled(nanoseconds, digits: 9)`.
    case scaled(UInt64, digits: Int)
    case double(Double)

    public static func nanoseconds(_ value: UInt64) -> MetricValue { .scaled(value, digits: 9) }
    public static func microseconds(_ value: UInt64) -> MetricValue { .scaled(value, digits: 6) }
    public static func milliseconds(_ value: UInt64) -> MetricValue { .scaled(value, digits: 3) }

    /// Rounded once; below 2^53 it is the double that reads back from what a page shows.
    public var double: Double {
        switch self {
        case .unsigned(let value): Double(value)
        case .signed(let value): Double(value)
        case .scaled(let value, let digits): Double(value) / MetricValue.powers[digits]
        case .double(let value): value
        }
    }

    private static let powers: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
    ]
}
