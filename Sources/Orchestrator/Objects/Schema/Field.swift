import JSON

/// One member of an API type.
public struct Field: Sendable {
    public enum ListType: String, Sendable { case atomic, set, map }

    /// The name in JSON.
    public let name: String
    /// Protobuf field numbers from the type down to the value; two or more for a member of an inlined message.
    public internal(set) var protobufPath: [Int]
    public let type: FieldType
    public let documentation: String
    public internal(set) var isRequired = false
    /// Whether an empty value differs from none (a Go pointer, or a field without `omitempty`).
    public internal(set) var keepsEmpty = false
    public internal(set) var defaultValue: JSON?
    public internal(set) var allowedValues: [String] = []
    /// Inclusive.
    public internal(set) var range: ClosedRange<Int64>?
    public internal(set) var nameRule: NameRule?
    public internal(set) var isImmutable = false
    /// The strategic merge key of a list of objects.
    public internal(set) var mergeKey: String?
    /// Whether a strategic patch adds to a list of scalars instead of replacing it.
    public internal(set) var isPrimitiveSet = false
    /// Whether a strategic patch's `$retainKeys` is expected here.
    public internal(set) var retainsKeys = false
    /// For server-side apply and OpenAPI: the keys of a list that is a map.
    public internal(set) var listMapKeys: [String] = []

    init(name: String, number: Int, type: FieldType, documentation: String) {
        self.name = name
        self.type = type
        self.documentation = documentation
        protobufPath = [number]
    }

    /// How server-side apply merges the list; nil for what is no list.
    public var listType: ListType? {
        guard case .list = type else { return nil }
        return isPrimitiveSet ? .set : listMapKeys.isEmpty ? .atomic : .map
    }
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

    /// The schema of the object, or of the elements.
    public var schema: Schema? {
        switch self {
        case .object(let schema): schema
        case .list(let element), .map(let element): element.schema
        default: nil
        }
    }

    /// As Go's error messages name the type.
    var goName: String {
        switch self {
        case .string, .quantity, .intOrString, .time, .microTime: "string"
        case .bool: "bool"
        case .int32: "int32"
        case .int64: "int64"
        case .double: "float64"
        case .bytes: "[]uint8"
        case .any: "interface {}"
        case .object(let schema): schema.goName
        case .list(let element): "[]" + element.goName
        case .map(let element): "map[string]" + element.goName
        }
    }

    /// Whether a value of the type can hold something to complete or to bring into canonical form.
    var needsDefaults: Bool {
        switch self {
        case .quantity: true
        case .object(let schema): schema.needsDefaults
        case .list(let element), .map(let element): element.needsDefaults
        default: false
        }
    }
}
