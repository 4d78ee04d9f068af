/// Names one object of a resource: what a queue holds and a cache is keyed by.
public struct ObjectKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Empty for objects that live in no namespace.
    public let namespace: String
    public let name: String

    public init(_ namespace: String?, _ name: String) {
        self.namespace = namespace ?? ""
        self.name = name
    }

    /// The namespace as `ObjectClient` wants it.
    package var clientNamespace: String? { namespace.isEmpty ? nil : namespace }

    public var description: String { namespace.isEmpty ? name : "\(namespace)/\(name)" }

    public static func < (left: ObjectKey, right: ObjectKey) -> Bool { (left.namespace, left.name) < (right.namespace, right.name) }
}
