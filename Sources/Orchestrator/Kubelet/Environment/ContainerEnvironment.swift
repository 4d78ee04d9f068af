import JSON
import Objects

/// Why a container's configuration cannot be made: the message of `CreateContainerConfigError`.
struct ConfigurationError: Error, Hashable, Sendable {
    var message: String
    init(_ message: String) { self.message = message }
}

/// A container's variables, in the order of Kubernetes: services, `envFrom`, `env`; the later wins.
struct ContainerEnvironment: Sendable {
    static let standardPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    private var order: [String] = []
    private var values: [String: String] = [:]
    /// Names that cannot be variables, by their source; skipped.
    private(set) var skipped: [String] = []

    /// The objects that `container` names.
    static func references(of container: ContainerSpec, namespace: String) -> [ObjectKey] {
        var keys: [ObjectKey] = []
        func add(_ kind: ObjectKey.Kind, _ reference: JSON) {
            guard let name = reference["name"].string else { return }
            keys.append(ObjectKey(kind: kind, namespace: namespace, name: name))
        }
        for source in container.environmentSources {
            add(.configMap, source["configMapRef"])
            add(.secret, source["secretRef"])
        }
        for variable in container.environment {
            add(.configMap, variable["valueFrom"]["configMapKeyRef"])
            add(.secret, variable["valueFrom"]["secretKeyRef"])
        }
        return keys
    }

    /// - Parameter path: PATH of a container that sets none.
    init(
        of container: ContainerSpec, fields: DownwardFields, services: [JSON], objects: ReferencedObjects,
        path: String = ContainerEnvironment.standardPath
    ) throws(ConfigurationError) {
        set("PATH", path)
        set("HOSTNAME", fields.pod.hostname)
        for (name, value) in ServiceEnvironment.variables(services) { set(name, value) }
        for source in container.environmentSources { try add(source, namespace: fields.pod.namespace, objects) }
        for variable in container.environment {
            guard let name = variable["name"].string else { continue }
            if variable["valueFrom"].object != nil {
                if let value = try value(of: variable["valueFrom"], container: container, fields, objects) { set(name, value) }
            } else {
                set(name, Expansion.expand(variable["value"].string ?? "") { values[$0] })
            }
        }
    }

    /// `NAME=value`, in order.
    var list: [String] { order.map { "\($0)=\(values[$0] ?? "")" } }
    subscript(name: String) -> String? { values[name] }

    private mutating func set(_ name: String, _ value: String) {
        if values.updateValue(value, forKey: name) == nil { order.append(name) }
    }

    private mutating func add(_ source: JSON, namespace: String, _ objects: ReferencedObjects) throws(ConfigurationError) {
        let prefix = source["prefix"].string ?? ""
        for kind in [ObjectKey.Kind.configMap, .secret] {
            let reference = source[kind == .configMap ? "configMapRef" : "secretRef"]
            guard let name = reference["name"].string else { continue }
            let key = ObjectKey(kind: kind, namespace: namespace, name: name)
            guard let data = objects[key] else {
                if reference["optional"].bool == true { continue }
                throw ConfigurationError(key.missing)
            }
            for (name, value) in data.values.sorted(by: { $0.key < $1.key }) {
                let variable = prefix + name
                if Self.isName(variable) { set(variable, String(decoding: value, as: UTF8.self)) } else { skipped.append(variable) }
            }
        }
    }

    private func value(
        of source: JSON, container: ContainerSpec, _ fields: DownwardFields, _ objects: ReferencedObjects
    ) throws(ConfigurationError) -> String? {
        if let path = source["fieldRef"]["fieldPath"].string {
            guard let value = fields.field(path) else { throw ConfigurationError("unsupported fieldPath: \(path)") }
            return value
        }
        if source["resourceFieldRef"].object != nil {
            let reference = source["resourceFieldRef"]
            guard let value = fields.resource(reference, of: container) else {
                throw ConfigurationError("unsupported container resource : \(reference["resource"].string ?? "")")
            }
            return value
        }
        for kind in [ObjectKey.Kind.configMap, .secret] {
            let reference = source[kind == .configMap ? "configMapKeyRef" : "secretKeyRef"]
            guard let name = reference["name"].string, let entry = reference["key"].string else { continue }
            let isOptional = reference["optional"].bool == true
            let key = ObjectKey(kind: kind, namespace: fields.pod.namespace, name: name)
            guard let data = objects[key] else {
                if isOptional { return nil }
                throw ConfigurationError(key.missing)
            }
            guard let value = data.values[entry] else {
                if isOptional { return nil }
                throw ConfigurationError("couldn't find key \(entry) in \(kind.rawValue) \(key.namespace)/\(name)")
            }
            return String(decoding: value, as: UTF8.self)
        }
        return nil
    }

    /// What a C program can find with getenv(3): no `=`, no control characters, not empty.
    static func isName(_ name: String) -> Bool { !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "=") } }
}
