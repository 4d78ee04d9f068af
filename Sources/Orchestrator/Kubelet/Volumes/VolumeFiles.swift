import JSON
import Objects

/// Why a volume cannot be given to the pod yet.
struct VolumeError: Error, Hashable, Sendable {
    var volume: String
    var problem: String
    /// As the event says it.
    var message: String { "MountVolume.SetUp failed for volume \"\(volume)\" : \(problem)" }
}

/// The files of a configMap, secret, downwardAPI or projected volume: a function of the pod and the objects named.
struct VolumeFiles: Hashable, Sendable {
    struct File: Hashable, Sendable {
        var bytes: [UInt8]
        /// Permission bits.
        var mode: UInt32
    }
    /// By path relative to the volume.
    private(set) var files: [String: File] = [:]

    /// The objects that a volume names.
    static func references(of volume: JSON, namespace: String) -> [ObjectKey] {
        var keys: [ObjectKey] = []
        func add(_ kind: ObjectKey.Kind, _ name: JSON) {
            if let name = name.string { keys.append(ObjectKey(kind: kind, namespace: namespace, name: name)) }
        }
        add(.configMap, volume["configMap"]["name"])
        add(.secret, volume["secret"]["secretName"])
        for source in volume["projected"]["sources"].elements {
            add(.configMap, source["configMap"]["name"])
            add(.secret, source["secret"]["name"])
        }
        return keys
    }

    static func isProjection(_ volume: JSON) -> Bool {
        ["configMap", "secret", "downwardAPI", "projected"].contains { volume[$0].object != nil }
    }

    init(of volume: JSON, fields: DownwardFields, objects: ReferencedObjects) throws(VolumeError) {
        let name = volume["name"].string ?? ""
        let projected = volume["projected"]
        let source = projected.object != nil ? projected : ["configMap", "secret", "downwardAPI"].map { volume[$0] }.first { $0.object != nil } ?? .null
        let mode = source["defaultMode"].int ?? 0o644
        for each in projected.object != nil ? projected["sources"].elements : [volume] {
            if each["configMap"].object != nil {
                try add(.configMap, each["configMap"], named: each["configMap"]["name"], volume: name, mode, fields, objects)
            } else if each["secret"].object != nil {
                let secret = each["secret"]
                try add(.secret, secret, named: secret["secretName"].isNull ? secret["name"] : secret["secretName"], volume: name, mode, fields, objects)
            } else if each["downwardAPI"].object != nil {
                try addFields(each["downwardAPI"], volume: name, mode, fields)
            } else {
                let kind = each.members.keys.first { $0 != "name" } ?? "nothing"
                throw VolumeError(volume: name, problem: "projected source \(kind) is not supported by this kubelet; configMap, secret and downwardAPI are")
            }
        }
    }

    private mutating func add(
        _ kind: ObjectKey.Kind, _ source: JSON, named name: JSON, volume: String, _ mode: Int, _ fields: DownwardFields, _ objects: ReferencedObjects
    ) throws(VolumeError) {
        let key = ObjectKey(kind: kind, namespace: fields.pod.namespace, name: name.string ?? "")
        let isOptional = source["optional"].bool == true
        guard let data = objects[key] else {
            if isOptional { return }
            throw VolumeError(volume: volume, problem: key.missing)
        }
        guard let items = source["items"].array else {
            for (entry, bytes) in data.values { files[entry] = File(bytes: bytes, mode: UInt32(mode)) }
            return
        }
        for item in items {
            let entry = item["key"].string ?? ""
            guard let bytes = data.values[entry] else {
                if isOptional { continue }
                throw VolumeError(volume: volume, problem: "references non-existent \(kind == .secret ? "secret" : "config") key: \(entry)")
            }
            try put(item, bytes, volume: volume, mode)
        }
    }

    private mutating func addFields(_ source: JSON, volume: String, _ mode: Int, _ fields: DownwardFields) throws(VolumeError) {
        for item in source["items"].elements {
            let value =
                item["fieldRef"]["fieldPath"].string.map { fields.field($0) } ?? fields.resource(item["resourceFieldRef"], of: nil)
            guard let value else {
                throw VolumeError(volume: volume, problem: "the downward API has no \(item["fieldRef"].isNull ? item["resourceFieldRef"] : item["fieldRef"])")
            }
            try put(item, Array(value.utf8), volume: volume, mode)
        }
    }

    private mutating func put(_ item: JSON, _ bytes: [UInt8], volume: String, _ mode: Int) throws(VolumeError) {
        let path = item["path"].string ?? ""
        guard Self.isRelative(path) else { throw VolumeError(volume: volume, problem: "\"\(path)\" is not a path inside the volume") }
        files[path] = File(bytes: bytes, mode: UInt32(item["mode"].int ?? mode))
    }

    /// Relative, not empty, without `..`, and not one of the names that the switch of versions uses.
    static func isRelative(_ path: String) -> Bool {
        !path.isEmpty && !path.hasPrefix("/") && !path.hasPrefix("..") && !path.split(separator: "/").contains("..") && !path.utf8.contains(0)
    }
}
