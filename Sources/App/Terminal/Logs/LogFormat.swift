public import JSON
import Telemetry

/// How lines of a search are printed: for people, for programs, or after a template of one's own.
public enum LogFormat: Sendable, Hashable {
    /// Time, pod and container before the line.
    case standard
    /// The line after its time of day.
    case short
    /// The bytes of the line and nothing else.
    case raw
    /// One array of objects.
    case json
    /// One object a line.
    case jsonLines
    case csv
    case tsv
    case logfmt
    /// `{{.pod}}: {{.line}}`.
    case template(String)

    /// Nil for a word that names none.
    public init?(_ text: String) {
        switch text {
        case "default": self = .standard
        case "short": self = .short
        case "raw": self = .raw
        case "json": self = .json
        case "jsonl", "ndjson": self = .jsonLines
        case "csv": self = .csv
        case "tsv": self = .tsv
        case "logfmt": self = .logfmt
        default:
            guard text.hasPrefix("template="), text.count > 9 else { return nil }
            self = .template(String(text.dropFirst(9)))
        }
    }

    public static let names = ["default", "short", "raw", "json", "jsonl", "csv", "tsv", "logfmt", "template=TEXT"]

    /// Columns of csv and tsv, and pairs of logfmt, unless others are asked for.
    public static let columns = ["time", "namespace", "pod", "container", "severity", "line"]
}

/// Writes lines, given as the objects of `/api/logs`.
public struct LogLineWriter: Sendable {
    public var format: LogFormat
    public var palette: Palette
    /// Whether control characters are made visible: on a terminal, where they could do harm.
    public var escapes: Bool
    public var showsPrefix = true
    /// Offset of local time from UTC in nanoseconds; nil shows UTC.
    public var zone: Int64?
    public var columns = LogFormat.columns
    /// Texts that stand out where they occur.
    public var needles: [String] = []
    public var ignoresCase = false
    private var count = 0

    public init(format: LogFormat, palette: Palette, escapes: Bool) {
        self.format = format
        self.palette = palette
        self.escapes = escapes
    }

    /// What comes before the first line.
    public func head() -> [UInt8] {
        switch format {
        case .csv: Array((columns.map { Self.quoted($0) }.joined(separator: ",") + "\r\n").utf8)
        case .tsv: Array((columns.joined(separator: "\t") + "\n").utf8)
        case .json: [UInt8(ascii: "[")]
        default: []
        }
    }

    /// What comes behind the last.
    public func foot() -> [UInt8] {
        guard format == .json else { return [] }
        return Array((count > 0 ? "\n]\n" : "]\n").utf8)
    }

    /// A line, or a gap between lines that are no neighbours.
    public mutating func text(_ line: JSON) -> [UInt8] {
        if line["gap"] == true {
            switch format {
            case .standard, .short, .raw: return Array((palette.style("--", .dim) + "\n").utf8)
            default: return []
            }
        }
        defer { count += 1 }
        switch format {
        case .standard, .short: return Array((person(line) + "\n").utf8)
        case .raw: return body(line) + [0x0A]
        case .json: return Array((count == 0 ? "\n" : ",\n").utf8) + line.bytes()
        case .jsonLines: return line.bytes() + [0x0A]
        case .csv: return Array((columns.map { Self.quoted(shown(Self.value($0, line))) }.joined(separator: ",") + "\r\n").utf8)
        case .tsv: return Array((columns.map { shown(Self.tabless(Self.value($0, line))) }.joined(separator: "\t") + "\n").utf8)
        case .logfmt: return Array((pairs(line) + "\n").utf8)
        case .template(let template): return Array((shown(Self.filled(template, line)) + "\n").utf8)
        }
    }

    /// The bytes that were written, also where they are no UTF-8.
    private func body(_ line: JSON) -> [UInt8] {
        if escapes { return Array(TerminalText.escaped(line["line"].string ?? "").utf8) }
        if let bytes = line["bytes"].string.flatMap({ Base64.decode($0) }) { return bytes }
        return Array((line["line"].string ?? "").utf8)
    }

    private func shown(_ text: String) -> String { escapes ? TerminalText.escaped(text) : text }

    // MARK: For people

    private func person(_ line: JSON) -> String {
        var body = shown(line["line"].string ?? "")
        let isMatch = line["match"] != false
        if palette.isOn {
            switch line["severity"].string {
            case "error", "fatal": body = isMatch ? highlighted(palette.style(body, .red), base: .red) : body
            case "warning": body = isMatch ? highlighted(palette.style(body, .yellow), base: .yellow) : body
            default: if isMatch { body = highlighted(body, base: nil) }
            }
            if !isMatch { body = palette.style(body, .dim) }
        }
        guard showsPrefix else { return body }
        let time = time(line)
        if format == .short { return "\(palette.style(time, .dim)) \(body)" }
        let pod = line["pod"].string ?? ""
        let container = line["container"].string ?? ""
        let name = pod.isEmpty ? Self.streamName(line) : "\(line["namespace"].string ?? "")/\(pod)\(container.isEmpty ? "" : "[\(container)]")"
        return "\(palette.style(time, .dim)) \(palette.identity(shown(name), of: pod.isEmpty ? name : pod)) \(body)"
    }

    /// A stream that is no container's: its labels' values.
    private static func streamName(_ line: JSON) -> String {
        let labels = line["labels"].members
        for name in ["file", "unit", "app", "service_name", "job", "host"] { if let value = labels[name]?.string { return value } }
        return labels.first { _ in true }.map { $0.value.string ?? "" } ?? "-"
    }

    /// To the millisecond.
    private func time(_ line: JSON) -> String {
        let text = line["time"].string ?? ""
        guard let civil = CivilTime.parse(text) else { return text }
        let local = CivilTime(nanosecondsSinceEpoch: civil.nanosecondsSinceEpoch + (zone ?? 0)).rfc3339(fractionDigits: 3)
        let plain = zone == nil ? local : String(local.dropLast())
        return format == .short ? String(plain.dropFirst(11)) : plain
    }

    private func highlighted(_ body: String, base: Palette.Style?) -> String {
        var result = body
        for needle in needles where !needle.isEmpty {
            // The line's own colour goes on behind what stands out.
            let back = base.map { "\u{1B}[\($0.rawValue)m" } ?? ""
            result = Self.replaced(needle, in: result, ignoringCase: ignoresCase) { palette.style($0, .bold) + back }
        }
        return result
    }

    private static func replaced(_ needle: String, in text: String, ignoringCase: Bool, _ change: (String) -> String) -> String {
        func lowered(_ bytes: some Sequence<UInt8>) -> [UInt8] {
            bytes.map { ignoringCase && (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
        }
        let (bytes, wanted) = (Array(text.utf8), lowered(needle.utf8))
        let folded = lowered(bytes)
        var result: [UInt8] = []
        var position = 0
        while let found = folded[position...].firstRange(of: wanted) {
            result += bytes[position..<found.lowerBound]
            result += Array(change(String(decoding: bytes[found], as: UTF8.self)).utf8)
            position = found.upperBound
        }
        return String(decoding: result + bytes[position...], as: UTF8.self)
    }

    // MARK: For programs

    /// A member of the object, or of its labels or fields.
    static func value(_ name: String, _ line: JSON) -> String {
        for place in [line, line["fields"], line["labels"]] {
            guard let value = place.members[name], !value.isNull else { continue }
            return value.string ?? value.description
        }
        return ""
    }

    /// RFC 4180: quoted where commas, quotation marks or line ends are.
    private static func quoted(_ text: String) -> String {
        guard text.utf8.contains(where: { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }) else { return text }
        return "\"\(text.replacing("\"", with: "\"\""))\""
    }

    private static func tabless(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\t", with: "\\t").replacing("\n", with: "\\n").replacing("\r", with: "\\r")
    }

    private func pairs(_ line: JSON) -> String {
        columns.compactMap { name -> String? in
            let value = Self.value(name, line)
            guard !value.isEmpty else { return nil }
            let isPlain = value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
            return "\(name)=\(isPlain ? value : JSON(value).description)"
        }.joined(separator: " ")
    }

    /// `{{.name}}` becomes the value of the name; `\n` and `\t` what they mean.
    static func filled(_ template: String, _ line: JSON) -> String {
        var result = ""
        var rest = template.replacing("\\n", with: "\n").replacing("\\t", with: "\t")[...]
        while let open = rest.firstRange(of: "{{") {
            result += rest[..<open.lowerBound]
            let inner = rest[open.upperBound...]
            guard let close = inner.firstRange(of: "}}") else {
                result += rest[open.lowerBound...]
                return result
            }
            let name = inner[..<close.lowerBound].filter { $0 != " " }
            result += value(name.hasPrefix(".") ? String(name.dropFirst()) : String(name), line)
            rest = inner[close.upperBound...]
        }
        return result + rest
    }
}
