import JSON
import Objects

/// Reads objects in Kubernetes' protobuf encoding, which kubectl 1.32 and later sends for `create NOUN`.
///
/// Driven by the kinds' schemas, which carry the field numbers. Answers are always JSON: clients that send protobuf accept it.
/// Wire facts: contract 1.6.
struct ProtobufBody {
    private static let magic: [UInt8] = [0x6B, 0x38, 0x73, 0x00]
    /// Deeper documents are refused; the deepest API type has about fifteen levels.
    private static let maximumDepth = 64

    let registry: KindRegistry

    /// The object in the envelope `k8s\0` + `runtime.Unknown{1 typeMeta{1 apiVersion, 2 kind}, 2 raw}`.
    /// - Throws: 400 for bytes that are not that, 415 for a kind that is not served.
    func object(_ bytes: [UInt8]) throws(StatusError) -> JSON {
        guard bytes.starts(with: Self.magic) else {
            throw Self.malformed("it does not begin with the four bytes \"k8s\\0\"")
        }
        let envelope = try Self.entries(bytes[4...])
        var apiVersion = ""
        var kindName = ""
        var raw: ArraySlice<UInt8> = []
        for entry in envelope {
            switch (entry.number, entry.value) {
            case (1, .bytes(let typeMeta)):
                for part in try Self.entries(typeMeta) {
                    guard case .bytes(let text) = part.value else { continue }
                    if part.number == 1 { apiVersion = String(decoding: text, as: UTF8.self) }
                    if part.number == 2 { kindName = String(decoding: text, as: UTF8.self) }
                }
            case (2, .bytes(let value)): raw = value
            default: break
            }
        }
        guard let kind = registry.kind(apiVersion: apiVersion, kind: kindName) else {
            throw StatusError(
                .unsupportedMediaType, "no kind \"\(kindName)\" is served in version \"\(apiVersion)\", so its protobuf encoding is not known")
        }
        var object: JSON = ["apiVersion": .string(apiVersion), "kind": .string(kindName)]
        try decode(raw, kind.schema.fields.map { ($0, $0.protobufPath[...]) }, into: &object, depth: 0)
        return object
    }

    // MARK: Messages

    /// - Parameter fields: with what is left of each one's path of field numbers.
    private func decode(
        _ bytes: ArraySlice<UInt8>, _ fields: [(field: Field, path: ArraySlice<Int>)], into object: inout JSON, depth: Int
    ) throws(StatusError) {
        guard depth < Self.maximumDepth else { throw Self.malformed("it is nested deeper than \(Self.maximumDepth) levels") }
        for entry in try Self.entries(bytes) {
            let candidates = fields.filter { $0.path.first == entry.number }
            // Newer clients send fields that we do not know: they are skipped, as protobuf means it.
            guard let first = candidates.first else { continue }
            if first.path.count > 1 {
                // A member that Go inlines is a message of its own on the wire: its fields belong to the parent.
                guard case .bytes(let message) = entry.value else { throw Self.mismatch(first.field) }
                try decode(message, candidates.map { ($0.field, $0.path.dropFirst()) }, into: &object, depth: depth + 1)
                continue
            }
            try read(entry.value, first.field, into: &object, depth: depth)
        }
    }

    private func read(_ value: Value, _ field: Field, into object: inout JSON, depth: Int) throws(StatusError) {
        switch field.type {
        case .list(let element):
            var list = object[field.name].elements
            if case .bytes(let packed) = value, element.isVarint {
                // Repeated numbers may come packed.
                var rest = packed
                while !rest.isEmpty { list.append(try scalar(.varint(try Self.varint(&rest)), element, field, depth: depth) ?? .null) }
            } else {
                list.append(try scalar(value, element, field, depth: depth) ?? .string(""))
            }
            object[field.name] = .array(list)
        case .map(let element):
            guard case .bytes(let message) = value else { throw Self.mismatch(field) }
            var key = ""
            var content: JSON = element.schema == nil ? "" : [:]
            for part in try Self.entries(message) {
                if part.number == 1, case .bytes(let text) = part.value { key = String(decoding: text, as: UTF8.self) }
                if part.number == 2, let decoded = try scalar(part.value, element, field, depth: depth) { content = decoded }
            }
            object[field.name][key] = content
        default:
            guard let decoded = try scalar(value, field.type, field, depth: depth) else { return }
            // Go writes zero values of plain fields; only for a pointer does zero differ from nothing.
            if !field.keepsEmpty, decoded == 0 || decoded == false { return }
            object[field.name] = decoded
        }
    }

    /// Nil for what Go writes in place of nothing: an empty text, a time of zero.
    private func scalar(_ value: Value, _ type: FieldType, _ field: Field, depth: Int) throws(StatusError) -> JSON? {
        switch (type, value) {
        case (.string, .bytes(let text)): return text.isEmpty ? nil : .string(String(decoding: text, as: UTF8.self))
        case (.bool, .varint(let number)): return .bool(number != 0)
        case (.int32, .varint(let number)): return .integer(Int64(Int32(truncatingIfNeeded: number)))
        case (.int64, .varint(let number)): return .integer(Int64(bitPattern: number))
        case (.double, .fixed64(let bits)): return .number(Double(bitPattern: bits))
        case (.bytes, .bytes(let raw)): return .string(Base64.encode(raw))
        case (.quantity, .bytes(let message)):
            for part in try Self.entries(message) where part.number == 1 {
                if case .bytes(let text) = part.value, !text.isEmpty { return .string(String(decoding: text, as: UTF8.self)) }
            }
            return nil
        case (.intOrString, .bytes(let message)): return try Self.intOrString(message)
        case (.time, .bytes(let message)), (.microTime, .bytes(let message)): return try Self.time(message, type)
        case (.any, .bytes(let message)):
            // runtime.RawExtension{1 raw}, whose bytes are JSON.
            for part in try Self.entries(message) where part.number == 1 {
                if case .bytes(let raw) = part.value { return try? JSON.parse(Array(raw)) }
            }
            return nil
        case (.object(let schema), .bytes(let message)):
            var object: JSON = [:]
            try decode(message, schema.fields.map { ($0, $0.protobufPath[...]) }, into: &object, depth: depth + 1)
            return object
        default: throw Self.mismatch(field)
        }
    }

    private static func intOrString(_ message: ArraySlice<UInt8>) throws(StatusError) -> JSON {
        var isString = false
        var number: Int64 = 0
        var text = ""
        for part in try entries(message) {
            switch (part.number, part.value) {
            case (1, .varint(let type)): isString = type == 1
            case (2, .varint(let value)): number = Int64(Int32(truncatingIfNeeded: value))
            case (3, .bytes(let value)): text = String(decoding: value, as: UTF8.self)
            default: break
            }
        }
        return isString ? .string(text) : .integer(number)
    }

    private static func time(_ message: ArraySlice<UInt8>, _ type: FieldType) throws(StatusError) -> JSON? {
        var seconds: Int64 = 0
        var nanoseconds = 0
        for part in try entries(message) {
            guard case .varint(let value) = part.value else { continue }
            if part.number == 1 { seconds = Int64(bitPattern: value) }
            if part.number == 2 { nanoseconds = Int(Int32(truncatingIfNeeded: value)) }
        }
        guard seconds != 0 || nanoseconds != 0 else { return nil }
        guard case .microTime = type else { return .string(RFC3339.format(seconds)) }
        return .string(RFC3339.format(seconds, microseconds: min(max(nanoseconds / 1000, 0), 999_999)))
    }

    // MARK: Wire format

    private enum Value {
        case varint(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        case bytes(ArraySlice<UInt8>)
    }

    private static func entries(_ message: ArraySlice<UInt8>) throws(StatusError) -> [(number: Int, value: Value)] {
        var rest = message
        var entries: [(number: Int, value: Value)] = []
        while !rest.isEmpty {
            let tag = try varint(&rest)
            let number = Int(truncatingIfNeeded: tag >> 3)
            switch tag & 7 {
            case 0: entries.append((number, .varint(try varint(&rest))))
            case 1: entries.append((number, .fixed64(try fixed(&rest, 8))))
            case 2:
                let length = try varint(&rest)
                guard length <= UInt64(rest.count) else { throw malformed("a field is longer than what is left") }
                entries.append((number, .bytes(rest.prefix(Int(length)))))
                rest = rest.dropFirst(Int(length))
            case 5: entries.append((number, .fixed32(UInt32(truncatingIfNeeded: try fixed(&rest, 4)))))
            case let type: throw malformed("a field has the unknown wire type \(type)")
            }
        }
        return entries
    }

    private static func varint(_ rest: inout ArraySlice<UInt8>) throws(StatusError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            guard let byte = rest.popFirst() else { throw malformed("a number is cut off") }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw malformed("a number has more than ten bytes")
    }

    private static func fixed(_ rest: inout ArraySlice<UInt8>, _ count: Int) throws(StatusError) -> UInt64 {
        guard rest.count >= count else { throw malformed("a number is cut off") }
        var value: UInt64 = 0
        for byte in rest.prefix(count).reversed() { value = value << 8 | UInt64(byte) }
        rest = rest.dropFirst(count)
        return value
    }

    private static func malformed(_ why: String) -> StatusError {
        StatusError(.badRequest, "the body is not an object in Kubernetes' protobuf encoding: \(why)")
    }

    private static func mismatch(_ field: Field) -> StatusError {
        malformed("the field \(field.name) has a wire type that does not fit")
    }
}

extension FieldType {
    fileprivate var isVarint: Bool {
        switch self {
        case .bool, .int32, .int64: true
        default: false
        }
    }
}
