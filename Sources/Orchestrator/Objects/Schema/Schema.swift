import JSON

/// The fields of one API type. One description drives decoding, defaults, validation, patches and, later, OpenAPI and protobuf.
public final class Schema: Sendable {
    /// The Go type's name: `DeploymentSpec`.
    public let name: String
    /// `core.v1`, `apps.v1`, `meta.v1`.
    public let package: String
    public let documentation: String
    public let fields: [Field]

    init(name: String, package: String, documentation: String, fields: [Field]) {
        self.name = name
        self.package = package
        self.documentation = documentation
        self.fields = fields
    }

    public func field(_ name: String) -> Field? { fields.first { $0.name == name } }
}
