import JSON

/// One member of an API type.
public struct Field: Sendable {
    public enum ListType: String, Sendable { case atomic, set, map }

    /// The name in JSON.
    public let name: String
    /// Protobuf field numbers from the type down to the value; two for a member of an inlined message.
    public let protobufPath: [Int]
    public let type: FieldType
    public let documentation: String
    public var isRequired = false
    /// Whether an empty value differs from none (a Go pointer, or a field without `omitempty`).
    public var keepsEmpty = false
    public var defaultValue: JSON?
    public var allowedValues: [String] = []
    /// Inclusive.
    public var range: ClosedRange<Int64>?
    public var nameRule: NameRule?
    public var isImmutable = false
    /// The strategic merge key of a list of objects; with `isPrimitiveSet` for a list of scalars.
    public var mergeKey: String?
    public var isPrimitiveSet = false
    /// Whether a strategic patch's `$retainKeys` is expected here.
    public var retainsKeys = false
    /// For server-side apply and OpenAPI.
    public var listType: ListType?
    public var listMapKeys: [String] = []
}

/// What a field holds.
public indirect enum FieldType: Sendable {
    case string, bool, int32, int64, double
    /// Base64 text.
    case bytes
    /// RFC 3339 text; to the second, or to the microsecond.
    case time, microTime
    case quantity, intOrString
    /// Anything, kept as it is.
    case any
    case object(Schema)
    case list(FieldType)
    case map(FieldType)
}
