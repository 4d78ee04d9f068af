import Telemetry

/// The text forms in which metrics are exposed, and the choice between them.
public enum TextFormat: Sendable, Hashable {
    /// Prometheus' text format 0.0.4.
    case prometheus
    /// OpenMetrics 1.0.
    case openMetrics

    public var contentType: String {
        switch self {
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// The form to answer with: OpenMetrics for a client that asks for it at least as much as for plain text.
    public static func negotiated(accept: String?) -> TextFormat {
        guard let accept else { return .prometheus }
        var openMetrics = 0.0
        var plain = 0.0
        for choice in accept.split(separator: ",") {
            let parts = choice.split(separator: ";").map { $0.filter { $0 != " " }.lowercased() }
            let weight = parts.first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            switch parts.first {
            case "application/openmetrics-text": openMetrics = max(openMetrics, weight)
            case "text/plain", "text/*", "*/*": plain = max(plain, weight)
            default: break
            }
        }
        return openMetrics > 0 && openMetrics >= plain ? .openMetrics : .prometheus
    }

    /// The `Content-Type` of the form that `negotiated(accept:)` chooses.
    public static func contentType(forAccept accept: String?) -> String { negotiated(accept: accept).contentType }

    /// The families in Prometheus' text format.
    public static func print(_ families: [MetricFamily]) -> [UInt8] { TextFormat.prometheus.print(families) }

    /// The families in this form. The caller gives each family once, its samples together.
    public func print(_ families: [MetricFamily]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(families.reduce(64) { $0 + 128 + $1.samples.count * 96 })
        for family in families { write(family, to: &text) }
        if self == .openMetrics { text.append(contentsOf: "# EOF\n".utf8) }
        return text
    }

    /// Appends one family, for answers that are written in pieces. OpenMetrics needs `# EOF` after the last.
    public func write(_ family: MetricFamily, to text: inout [UInt8]) {
        let isOpen = self == .openMetrics
        // OpenMetrics names a counter's family without the suffix that its samples must have.
        var name = family.name
        if isOpen, family.kind == .counter, name.hasSuffix("_total") { name.removeLast(6) }
        if !family.help.isEmpty {
            text.append(contentsOf: "# HELP ".utf8)
            text.append(contentsOf: name.utf8)
            text.append(0x20)
            TextFormat.writeEscaped(family.help, quotes: isOpen, to: &text)
            text.append(0x0A)
        }
        text.append(contentsOf: "# TYPE ".utf8)
        text.append(contentsOf: name.utf8)
        text.append(0x20)
        text.append(contentsOf: (isOpen && family.kind == .untyped ? "unknown" : family.kind.rawValue).utf8)
        text.append(0x0A)
        for sample in family.samples {
            text.append(contentsOf: name.utf8)
            text.append(contentsOf: (isOpen && family.kind == .counter && sample.suffix.isEmpty ? "_total" : sample.suffix).utf8)
            write(sample.labels, to: &text)
            text.append(0x20)
            TextFormat.write(sample.value, to: &text)
            if let timestamp = sample.timestamp {
                text.append(0x20)
                if isOpen {
                    TextFormat.write(timestamp.seconds, to: &text)
                } else {
                    TextFormat.write(timestamp.milliseconds, to: &text)
                }
            }
            text.append(0x0A)
        }
    }

    private func write(_ labels: [(name: String, value: String)], to text: inout [UInt8]) {
        guard !labels.isEmpty else { return }
        var separator = UInt8(ascii: "{")
        for (name, value) in labels {
            text.append(separator)
            separator = UInt8(ascii: ",")
            text.append(contentsOf: name.utf8)
            text.append(contentsOf: "=\"".utf8)
            TextFormat.writeEscaped(value, quotes: true, to: &text)
            // OpenMetrics asks for bounds in the form of floats, so that all sources name a bucket alike.
            if self == .openMetrics, name == "le" || name == "quantile", value.utf8.allSatisfy({ (48...57).contains($0) || $0 == 45 }) {
                text.append(contentsOf: ".0".utf8)
            }
            text.append(UInt8(ascii: "\""))
        }
        text.append(UInt8(ascii: "}"))
    }

    static func writeEscaped(_ value: String, quotes: Bool, to text: inout [UInt8]) {
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): text.append(contentsOf: #"\\"#.utf8)
            case 0x0A: text.append(contentsOf: #"\n"#.utf8)
            case UInt8(ascii: "\"") where quotes: text.append(contentsOf: #"\""#.utf8)
            default: text.append(byte)
            }
        }
    }

    /// The shortest decimal that reads back as the same double; `NaN`, `+Inf`, `-Inf`.
    static func write(_ value: Double, to text: inout [UInt8]) {
        if let whole = Int64(exactly: value), whole.magnitude < 1 << 53 {
            // Minus zero is worth no exception: it reads back as equal.
            write(whole, to: &text)
        } else if value.isNaN {
            text.append(contentsOf: "NaN".utf8)
        } else if value.isInfinite {
            text.append(contentsOf: (value > 0 ? "+Inf" : "-Inf").utf8)
        } else {
            text.append(contentsOf: value.description.utf8)
        }
    }

    private static func write(_ value: Int64, to text: inout [UInt8]) {
        if value < 0 { text.append(UInt8(ascii: "-")) }
        var magnitude = value.magnitude
        let start = text.count
        repeat {
            text.append(UInt8(ascii: "0") + UInt8(magnitude % 10))
            magnitude /= 10
        } while magnitude > 0
        text[start...].reverse()
    }
}
