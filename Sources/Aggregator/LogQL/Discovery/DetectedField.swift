/// A field that lines have, as `detected_fields` tells of it.
public struct DetectedField: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable { case string, int, float, boolean, duration, bytes }

    public var label: String
    public var kind: Kind
    /// Different values among the lines that were looked at.
    public var cardinality: Int
    /// `json`, `logfmt`; empty for structured metadata.
    public var parsers: [String]
    /// The most frequent values with their counts.
    public var values: [(value: String, count: Int)]

    public static func == (left: DetectedField, right: DetectedField) -> Bool {
        left.label == right.label && left.kind == right.kind && left.cardinality == right.cardinality && left.parsers == right.parsers
    }
    public func hash(into hasher: inout Hasher) { hasher.combine(label) }
}
