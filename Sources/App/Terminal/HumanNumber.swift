/// Numbers for people: three significant digits and a unit.
public enum HumanNumber {
    /// `1.5M`, `20m`, `0.034`, `12`: decimal prefixes, small values plain down to a thousandth.
    public static func text(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "NaN" : value > 0 ? "+Inf" : "-Inf" }
        let magnitude = abs(value)
        if magnitude == 0 { return "0" }
        for (scale, unit) in [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")] where magnitude >= scale { return digits(value / scale) + unit }
        if magnitude >= 0.001 { return digits(value) }
        for (scale, unit) in [(1e-6, "µ"), (1e-9, "n")] where magnitude >= scale { return digits(value / scale) + unit }
        return "\(value)"
    }

    /// `64.0 MiB`: binary prefixes.
    public static func bytes(_ value: Double) -> String {
        for (scale, unit) in [(1099511627776.0, "TiB"), (1073741824, "GiB"), (1048576, "MiB"), (1024, "KiB")] where abs(value) >= scale {
            return "\(digits(value / scale)) \(unit)"
        }
        return "\(digits(value)) B"
    }

    /// `90s`, `5m30s`, `2h5m`, `3d4h`.
    public static func duration(seconds: Double) -> String {
        let total = Int(seconds.rounded())
        switch total {
        case ..<120: return "\(total)s"
        case ..<3600: return total % 60 == 0 ? "\(total / 60)m" : "\(total / 60)m\(total % 60)s"
        case ..<86_400: return total / 60 % 60 == 0 ? "\(total / 3600)h" : "\(total / 3600)h\(total / 60 % 60)m"
        default: return total / 3600 % 24 == 0 ? "\(total / 86_400)d" : "\(total / 86_400)d\(total / 3600 % 24)h"
        }
    }

    /// Three significant digits, without trailing zeros after the point.
    private static func digits(_ value: Double) -> String {
        let magnitude = abs(value)
        let places = magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : magnitude >= 1 ? 2 : magnitude >= 0.1 ? 3 : magnitude >= 0.01 ? 4 : 5
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        let rounded = (magnitude * scale).rounded()
        let whole = Int64(rounded) / Int64(scale)
        var fraction = String(Int64(rounded) % Int64(scale))
        fraction = String(repeating: "0", count: max(0, places - fraction.count)) + fraction
        while fraction.last == "0" { fraction.removeLast() }
        let sign = value < 0 && rounded > 0 ? "-" : ""
        return places == 0 || fraction.isEmpty ? "\(sign)\(whole)" : "\(sign)\(whole).\(fraction)"
    }
}
