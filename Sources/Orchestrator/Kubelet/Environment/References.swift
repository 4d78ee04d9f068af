import JSON
import Objects

/// A ConfigMap or Secret that a pod names.
struct ObjectKey: Hashable, Sendable {
    enum Kind: String, Sendable {
        case configMap = "ConfigMap"
        case secret = "Secret"

        var resource: Resource { self == .configMap ? .configMaps : .secrets }
    }
    var kind: Kind
    var namespace: String
    var name: String

    /// As the API words it.
    var missing: String { "\(kind == .configMap ? "configmap" : "secret") \"\(name)\" not found" }
}

/// The data of one ConfigMap or Secret, decoded.
struct ObjectData: Sendable {
    var values: [String: [UInt8]] = [:]

    init(_ object: JSON, kind: ObjectKey.Kind) {
        for (key, value) in object["data"].members {
            guard let text = value.string else { continue }
            values[key] = kind == .secret ? Base64.decode(text) ?? [] : Array(text.utf8)
        }
        guard kind == .configMap else { return }
        for (key, value) in object["binaryData"].members { values[key] = value.string.flatMap(Base64.decode) ?? [] }
    }
}

/// The objects that a container's start or a volume was given, read beforehand so that what follows is a function of them.
struct ReferencedObjects: Sendable {
    private(set) var found: [ObjectKey: ObjectData] = [:]

    mutating func add(_ key: ObjectKey, _ object: JSON) { found[key] = ObjectData(object, kind: key.kind) }
    subscript(key: ObjectKey) -> ObjectData? { found[key] }
}
