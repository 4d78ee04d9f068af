import JSON

/// Turns a protobuf message of a known type into the JSON that the same object would be.
///
/// Zeros and empty texts that proto2 writes for fields that are not set come out as they are: `Kind.decode` drops them, as it
/// does for JSON.
enum ProtobufDecoder {
    /// Members of inlined types lie in messages of their own on the wire: `prefix` is the way into the present one.
    static func members(
        _ bytes: ArraySlice<UInt8>, _ schema: Schema, prefix: [Int] = [], into object: inout JSONObject
    ) throws(ProtobufReader.Failure) {
        var reader = ProtobufReader(bytes)
        while let (number, value) = try reader.next() {
            let path = prefix + [number]
            if let field = schema.fields.first(where: { $0.protobufPath == path && $0.protobufPath != [0] }) {
                try set(field, value, in: &object)
            } else if case .bytes(let inner) = value, schema.fields.contains(where: { $0.protobufPath.starts(with: path) }) {
                try members(inner, schema, prefix: path, into: &object)
            }
            // Fields that later releases have added are skipped.
        }
    }

    private static func set(_ field: Field, _ value: ProtobufReader.Value, in object: inout JSONObject) throws(ProtobufReader.Failure) {
        switch field.type {
        case .list(let element):
            var elements = object[field.name]?.elements ?? []
            if case .bytes(let packed) = value, element.isVarint {
                var reader = ProtobufReader(packed)
                while let number = try? reader.varint() { elements.append(try decoded(.varint(number), element)) }
            } else {
                elements.append(try decoded(value, element))
            }
            object[field.name] = .array(elements)
        case .map(let element):
            guard case .bytes(let entry) = value else { return }
            var reader = ProtobufReader(entry)
            var key = ""
            var member = try decoded(.bytes([]), element)
            while let (number, part) = try reader.next() {
                if number == 1, case .bytes(let text) = part { key = String(decoding: text, as: UTF8.self) }
                if number == 2 { member = try decoded(part, element) }
            }
            var map = object[field.name]?.members ?? JSONObject()
            map[key] = member
            object[field.name] = .object(map)
        default: object[field.name] = try decoded(value, field.type)
        }
    }

    private static func decoded(_ value: ProtobufReader.Value, _ type: FieldType) throws(ProtobufReader.Failure) -> JSON {
        switch (type, value) {
        case (.bool, .varint(let number)): return .bool(number != 0)
        case (.int32, .varint(let number)), (.int64, .varint(let number)): return .integer(Int64(bitPattern: number))
        case (.double, .fixed64(let bits)): return .number(Double(bitPattern: bits))
        case (.string, .bytes(let text)): return .string(String(decoding: text, as: UTF8.self))
        case (.bytes, .bytes(let bytes)): return .string(Base64.encode(bytes))
        case (.quantity, .bytes(let message)): return try text(1, of: message)
        case (.time, .bytes(let message)), (.microTime, .bytes(let message)): return try time(message, type)
        case (.intOrString, .bytes(let message)): return try intOrString(message)
        case (.any, .bytes(let message)): return try raw(message)
        case (.object(let schema), .bytes(let message)):
            var members = JSONObject()
            try self.members(message, schema, into: &members)
            return .object(members)
        default: return .null
        }
    }

    private static func text(_ wanted: Int, of message: ArraySlice<UInt8>) throws(ProtobufReader.Failure) -> JSON {
        var reader = ProtobufReader(message)
        var text: JSON = .null
        while let (number, value) = try reader.next() {
            if number == wanted, case .bytes(let bytes) = value { text = .string(String(decoding: bytes, as: UTF8.self)) }
        }
        return text
    }

    /// `{1 seconds, 2 nanos}`; an empty message is no time.
    private static func time(_ message: ArraySlice<UInt8>, _ type: FieldType) throws(ProtobufReader.Failure) -> JSON {
        guard !message.isEmpty else { return .null }
        var reader = ProtobufReader(message)
        var (seconds, nanoseconds): (Int64, Int) = (0, 0)
        while let (number, value) = try reader.next() {
            guard case .varint(let bits) = value else { continue }
            if number == 1 { seconds = Int64(bitPattern: bits) }
            if number == 2 { nanoseconds = Int(truncatingIfNeeded: bits) }
        }
        if case .microTime = type { return .string(RFC3339.format(seconds, microseconds: min(max(nanoseconds / 1000, 0), 999_999))) }
        return .string(RFC3339.format(seconds))
    }

    /// `{1 type (0 number, 1 text), 2 number, 3 text}`.
    private static func intOrString(_ message: ArraySlice<UInt8>) throws(ProtobufReader.Failure) -> JSON {
        var reader = ProtobufReader(message)
        var (isText, number, text): (Bool, Int64, String) = (false, 0, "")
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (1, .varint(let kind)): isText = kind == 1
            case (2, .varint(let bits)): number = Int64(bitPattern: bits)
            case (3, .bytes(let bytes)): text = String(decoding: bytes, as: UTF8.self)
            default: break
            }
        }
        return isText ? .string(text) : .integer(number)
    }

    /// `RawExtension` and `FieldsV1` are `{1 JSON text}`. What has a structure that the schema does not describe is lost.
    private static func raw(_ message: ArraySlice<UInt8>) throws(ProtobufReader.Failure) -> JSON {
        var reader = ProtobufReader(message)
        guard let (number, value) = try reader.next(), number == 1, case .bytes(let text) = value else { return .null }
        return (try? JSON.parse(Array(text))) ?? .null
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
