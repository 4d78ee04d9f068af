/// Numbers as a report shows them, with their units.
enum ReportNumber {
    static func text(_ value: Double, _ unit: Report.Unit) -> String {
        guard value.isFinite else { return "–" }
        switch unit {
        case .cores: return value == 0 ? "0 cores" : "\(fixed(value, value < 0.1 ? 4 : value < 10 ? 2 : 1)) cores"
        case .bytes: return bytes(value)
        case .percent: return "\(fixed(value, value >= 99.95 || value == 0 ? 0 : value >= 99 ? 2 : 1)) %".replacing("100.00", with: "100")
        case .seconds: return duration(value)
        case .count, .none: return value == value.rounded() ? "\(Int(value))" : fixed(value, 2)
        }
    }

    /// Rounded to `places`; `value` below 2^53 in the last place.
    static func fixed(_ value: Double, _ places: Int) -> String {
        var scale: Int64 = 1
        for _ in 0..<places { scale *= 10 }
        let scaled = Int64((abs(value) * Double(scale)).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard places > 0 else { return "\(sign)\(scaled)" }
        let fraction = String(scaled % scale)
        return "\(sign)\(scaled / scale).\(String(repeating: "0", count: places - fraction.count))\(fraction)"
    }

    private static func bytes(_ value: Double) -> String {
        for (scale, unit) in [(1_073_741_824.0, "GiB"), (1_048_576, "MiB"), (1024, "KiB")] where abs(value) >= scale {
            return "\(fixed(value / scale, value / scale >= 100 ? 0 : 1)) \(unit)"
        }
        return "\(fixed(value, 0)) B"
    }

    private static func duration(_ seconds: Double) -> String {
        let total = Int(seconds.rounded())
        switch total {
        case ..<120: return "\(total) s"
        case ..<7200: return "\(total / 60) min"
        case ..<172_800: return "\(fixed(Double(total) / 3600, 1)) h"
        default: return "\(fixed(Double(total) / 86_400, 1)) d"
        }
    }
}
