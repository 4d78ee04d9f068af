import Exposition

/// Names of OpenTelemetry in Prometheus' form.
enum OTLPName {
    /// `http.server.duration` in `ms` becomes `http_server_duration_milliseconds`; a monotonic sum ends in `_total`, a gauge
    /// in `1` in `_ratio`. (OpenTelemetry, "Prometheus and OpenMetrics Compatibility", metric names and units.)
    static func metric(_ metric: OTLPMetric) -> String {
        var tokens = words(metric.name)
        let unit = unit(metric.unit)
        for word in words(unit) where !tokens.contains(word) { tokens.append(word) }
        if metric.unit == "1", metric.kind == .gauge, !tokens.contains("ratio") { tokens.append("ratio") }
        if metric.kind == .sum, metric.isMonotonic {
            tokens.removeAll { $0 == "total" }
            tokens.append("total")
        }
        return MetricName.metric(tokens.joined(separator: "_"))
    }

    /// The unit's word; empty for none. What stands in braces is only a note.
    static func unit(_ code: String) -> String {
        var code = code
        while let open = code.firstIndex(of: "{"), let close = code[open...].firstIndex(of: "}") { code.removeSubrange(open...close) }
        guard !code.isEmpty, code != "1" else { return "" }
        let parts = code.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        var words: [String] = []
        if !parts[0].isEmpty { words.append(units[parts[0]] ?? MetricName.label(parts[0])) }
        if parts.count == 2, !parts[1].isEmpty { words.append("per_" + (perUnits[parts[1]] ?? MetricName.label(parts[1]))) }
        return words.joined(separator: "_")
    }

    /// Attributes as labels. Two that become one name are joined by `;` in the order of their own names.
    static func labels(_ attributes: [OTLPAttribute]) -> [(String, String)] {
        var labels: [String: String] = [:]
        for attribute in attributes.sorted(by: { $0.key < $1.key }) {
            let name = MetricName.label(attribute.key)
            labels[name] = labels[name].map { "\($0);\(attribute.value)" } ?? attribute.value
        }
        return labels.map { ($0.key, $0.value) }
    }

    static func bound(_ value: Double) -> String { value == .infinity ? "+Inf" : value == -.infinity ? "-Inf" : value.description }

    private static func words(_ text: String) -> [String] {
        // A colon is legal in a metric's name and no separator.
        text.split { !($0.isASCII && ($0.isLetter || $0.isNumber)) && $0 != ":" }.map(String.init)
    }

    private static let units: [String: String] = [
        "d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds",
        "By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes", "TiBy": "tibibytes", "KBy": "kilobytes",
        "MBy": "megabytes", "GBy": "gigabytes", "TBy": "terabytes", "m": "meters", "V": "volts", "A": "amperes", "J": "joules", "W": "watts",
        "g": "grams", "Cel": "celsius", "Hz": "hertz", "%": "percent",
    ]
    private static let perUnits: [String: String] = [
        "s": "second", "m": "minute", "min": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year",
    ]
}
