public import Telemetry

/// Finds out which fields lines have, from some of them.
public struct FieldDetector: Sendable {
    private struct Field: Sendable {
        var counts: [String: Int] = [:]
        var kind: DetectedField.Kind?
        var parsers: Set<String> = []
    }
    private var fields: [String: Field] = [:]
    /// Fields and values of one beyond these are not counted.
    private let maximumFields: Int
    private let maximumValues: Int

    public init(maximumFields: Int = 1000, maximumValues: Int = 10_000) {
        self.maximumFields = maximumFields
        self.maximumValues = maximumValues
    }

    /// Looks at a line of an answer: its structured metadata, what stages parsed, and what JSON or logfmt would tell.
    public mutating func add(_ entry: LogEntry) {
        for label in entry.categories.metadata.list where label.name != LabelSet.detectedLevelName { note(label.name, label.value, nil) }
        let line = entry.line
        if line.first(where: { $0 > 0x20 }) == UInt8(ascii: "{") {
            var reader = JSONFields(wanted: nil)
            if reader.read(line.span) { for (name, value) in reader.found { note(name, value, "json") } }
        } else {
            var pairs: [(String, String)] = []
            let span = line.span
            _ = LogfmtFields.read(span, isStrict: false) { key, value, hasEscapes in
                guard !value.isEmpty else { return }
                var name: [UInt8] = []
                LabelName.append(span.extracting(key), to: &name)
                pairs.append((String(decoding: name, as: UTF8.self), JSONText.string(span, value, hasEscapes: hasEscapes)))
            }
            for (name, value) in pairs { note(name, value, "logfmt") }
        }
        for label in entry.categories.parsed.list where fields[label.name] == nil && !label.name.hasPrefix("__error") { note(label.name, label.value, nil) }
    }

    private mutating func note(_ name: String, _ value: String, _ parser: String?) {
        guard fields[name] != nil || fields.count < maximumFields else { return }
        let kind = FieldDetector.kind(of: value)
        var field = fields.removeValue(forKey: name) ?? Field()
        // Values of two kinds are texts, except that whole numbers are numbers too.
        switch (field.kind, kind) {
        case (nil, _): field.kind = kind
        case (let known?, kind) where known == kind: break
        case (.int, .float), (.float, .int): field.kind = .float
        default: field.kind = .string
        }
        if field.counts[value] != nil || field.counts.count < maximumValues { field.counts[value, default: 0] += 1 }
        if let parser { field.parsers.insert(parser) }
        fields[name] = field
    }

    static func kind(of value: String) -> DetectedField.Kind {
        if value == "true" || value == "false" { return .boolean }
        if Int64(value) != nil { return .int }
        if Quantities.number(value) != nil { return .float }
        if Quantities.duration(value.utf8, goOnly: true) != nil { return .duration }
        if Quantities.bytes(value.utf8, isValue: true) != nil { return .bytes }
        return .string
    }

    /// By name; of each field the most frequent values, at most `valueLimit`.
    public func detected(valueLimit: Int = 100) -> [DetectedField] {
        fields.sorted { $0.key < $1.key }.map { name, field in
            DetectedField(
                label: name, kind: field.kind ?? .string, cardinality: field.counts.count, parsers: field.parsers.sorted(),
                values: field.counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(valueLimit).map { (value: $0.key, count: $0.value) })
        }
    }

    /// The labels of streams with how many values each has, by name.
    public static func labels(of streams: [Labels]) -> [(label: String, cardinality: Int)] {
        var values: [String: Set<String>] = [:]
        for stream in streams { for label in stream.list { values[label.name, default: []].insert(label.value) } }
        return values.map { (label: $0.key, cardinality: $0.value.count) }.sorted { $0.label < $1.label }
    }
}
