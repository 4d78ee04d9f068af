import JSON

/// The fields of one API type. One description drives decoding, defaults, validation, patches and, later, OpenAPI and protobuf.
public final class Schema: Sendable {
    /// The Go type's name: `DeploymentSpec`.
    public let name: String
    /// `core.v1`, `apps.v1`, `meta.v1`.
    public let package: String
    public let documentation: String
    /// Inlined types' fields included.
    public let fields: [Field]

    private let positions: [String: Int]
    /// Positions of fields that have a default, or hold a type in which something has.
    let defaulting: [Int]
    let defaultHook: TypeHooks.Default?
    let checkHook: TypeHooks.Check?
    /// Positions of required fields, which must be looked for; all others are met while walking the object.
    let required: [Int]

    init(name: String, package: String, documentation: String, fields: [Field]) {
        self.name = name
        self.package = package
        self.documentation = documentation
        self.fields = fields
        positions = Dictionary(uniqueKeysWithValues: fields.enumerated().map { ($1.name, $0) })
        defaultHook = TypeHooks.defaults["\(package).\(name)"]
        checkHook = TypeHooks.checks["\(package).\(name)"]
        defaulting = fields.indices.filter { fields[$0].defaultValue != nil || fields[$0].type.needsDefaults }
        required = fields.indices.filter { fields[$0].isRequired }
    }

    public func field(_ name: String) -> Field? { positions[name].map { fields[$0] } }

    /// The type's name in Go's error messages: `v1.PodSpec`.
    var goName: String { package.drop { $0 != "." }.dropFirst() + "." + name }

    var needsDefaults: Bool { defaultHook != nil || !defaulting.isEmpty }
}
