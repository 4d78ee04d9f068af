import JSON

/// A duration as `kubectl` shows ages: `119s`, `5m30s`, `120m`, `5h20m`, `30h`, `3d4h`, `400d`, `3y10d`.
public func shortDuration(seconds: Int64) -> String {
    if seconds < -1 { return "<invalid>" }
    if seconds < 0 { return "0s" }
    if seconds < 120 { return "\(seconds)s" }
    func parts(_ major: Int64, _ majorUnit: String, _ minor: Int64, _ minorUnit: String) -> String {
        minor == 0 ? "\(major)\(majorUnit)" : "\(major)\(majorUnit)\(minor)\(minorUnit)"
    }
    let minutes = seconds / 60
    if minutes < 10 { return parts(minutes, "m", seconds % 60, "s") }
    if minutes < 180 { return "\(minutes)m" }
    let hours = minutes / 60
    if hours < 8 { return parts(hours, "h", minutes % 60, "m") }
    if hours < 48 { return "\(hours)h" }
    if hours < 192 { return parts(hours / 24, "d", hours % 24, "h") }
    let days = hours / 24
    if days < 730 { return "\(days)d" }
    if days < 2920 { return parts(days / 365, "y", days % 365, "d") }
    return "\(days / 365)y"
}

extension JSON {
    /// Time since `metadata.creationTimestamp`, or `<unknown>`.
    func age(now: Int64) -> String { self["metadata"]["creationTimestamp"].timeAgo(now: now) }

    /// Time since the RFC 3339 text that this is, or `<unknown>`.
    func timeAgo(now: Int64) -> String {
        guard let text = string, let time = RFC3339.parse(text) else { return "<unknown>" }
        return shortDuration(seconds: now - time)
    }
}
