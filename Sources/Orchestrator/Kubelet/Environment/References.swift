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

/// RFC 4648 section 4, padding required only where the length does not tell.
enum Base64 {
    static func decode(_ text: String) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count * 3 / 4)
        var bits: UInt32 = 0
        var count = 0
        var isPadded = false
        for byte in text.utf8 {
            let value: UInt8
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = byte - UInt8(ascii: "A")
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = byte - UInt8(ascii: "a") + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0") + 52
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            case UInt8(ascii: "="):
                isPadded = true
                continue
            case 0x0A, 0x0D: continue
            default: return nil
            }
            if isPadded { return nil }
            bits = bits << 6 | UInt32(value)
            count += 1
            if count == 4 {
                result += [UInt8(bits >> 16 & 0xFF), UInt8(bits >> 8 & 0xFF), UInt8(bits & 0xFF)]
                (bits, count) = (0, 0)
            }
        }
        switch count {
        case 0: break
        case 2: result.append(UInt8(bits >> 4 & 0xFF))
        case 3: result += [UInt8(bits >> 10 & 0xFF), UInt8(bits >> 2 & 0xFF)]
        default: return nil
        }
        return result
    }
}
