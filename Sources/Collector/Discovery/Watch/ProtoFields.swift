/// The fields of a protobuf message, read where they lie (protobuf.dev, Encoding). Numbers that were not expected are
/// passed over, as the format wants it.
struct ProtoFields: Sendable {
    enum Value: Sendable {
        case varint(UInt64)
        case fixed64(UInt64)
        case bytes(ArraySlice<UInt8>)
        case fixed32(UInt32)
    }

    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }
    init(_ bytes: [UInt8]) { rest = bytes[...] }

    /// The next field; nil at the end. Throws `malformed` for lengths that reach beyond the message and for groups.
    mutating func next() throws(DiscoveryError) -> (number: Int, value: Value)? {
        guard !rest.isEmpty else { return nil }
        let tag = try varint()
        guard tag >> 3 > 0, tag >> 3 < 1 << 29 else { throw DiscoveryError(.malformed, "a field of the message has number \(tag >> 3)") }
        let number = Int(tag >> 3)
        switch tag & 7 {
        case 0: return (number, .varint(try varint()))
        case 1: return (number, .fixed64(try take(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }))
        case 2:
            let length = try varint()
            guard length <= UInt64(rest.count) else { throw DiscoveryError(.malformed, "field \(number) is longer than its message") }
            return (number, .bytes(try take(Int(length))))
        case 5: return (number, .fixed32(try take(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }))
        default: throw DiscoveryError(.malformed, "field \(number) has wire type \(tag & 7)")
        }
    }

    private mutating func take(_ count: Int) throws(DiscoveryError) -> ArraySlice<UInt8> {
        guard rest.count >= count else { throw DiscoveryError(.malformed, "the message ends within a field") }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    private mutating func varint() throws(DiscoveryError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, through: 63, by: 7) {
            guard let byte = rest.popFirst() else { throw DiscoveryError(.malformed, "the message ends within a number") }
            guard shift < 63 || byte <= 1 else { break }
            value |= UInt64(byte & 0x7F) << UInt64(shift)
            if byte < 0x80 { return value }
        }
        throw DiscoveryError(.malformed, "a number of the message has more than 64 bits")
    }
}

extension ProtoFields.Value {
    /// Strings are cut at `limit` bytes; what is no UTF-8 is mended.
    func string(limit: Int = 4096) -> String {
        guard case .bytes(let bytes) = self else { return "" }
        return AllowList.cut(String(decoding: bytes, as: UTF8.self), to: limit)
    }

    var integer: UInt64 {
        switch self {
        case .varint(let value), .fixed64(let value): value
        case .fixed32(let value): UInt64(value)
        case .bytes: 0
        }
    }

    var signed: Int64 { Int64(bitPattern: integer) }

    /// Empty for a number.
    var message: ArraySlice<UInt8> { if case .bytes(let bytes) = self { bytes } else { [] } }
}

/// Builds a protobuf message. Fields with their default value are left out, as proto3 does.
struct ProtoBuilder: Sendable {
    private(set) var bytes: [UInt8] = []

    init() {}

    mutating func add(_ number: Int, _ text: String) { if !text.isEmpty { add(number, message: Array(text.utf8)) } }

    mutating func add(_ number: Int, _ value: UInt64) {
        guard value != 0 else { return }
        append(varint: UInt64(number) << 3)
        append(varint: value)
    }

    mutating func add(_ number: Int, message: [UInt8]) {
        append(varint: UInt64(number) << 3 | 2)
        append(varint: UInt64(message.count))
        bytes += message
    }

    private mutating func append(varint value: UInt64) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(value & 0x7F) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(value))
    }
}

/// What all messages of the container runtimes share.
enum ProtoShapes {
    /// One entry of `map<string, string>`.
    static func pair(_ message: ArraySlice<UInt8>, valueLimit: Int = 4096) throws(DiscoveryError) -> (key: String, value: String) {
        var (fields, pair) = (ProtoFields(message), (key: "", value: ""))
        while let (number, value) = try fields.next() {
            switch number {
            case 1: pair.key = value.string(limit: 512)
            case 2: pair.value = value.string(limit: valueLimit)
            default: continue
            }
        }
        return pair
    }

    /// google.protobuf.Timestamp in nanoseconds since 1970; 0 outside of the years 1970 to 2200.
    static func time(_ message: ArraySlice<UInt8>) throws(DiscoveryError) -> Int64 {
        var (fields, seconds, nanoseconds) = (ProtoFields(message), Int64(0), Int64(0))
        while let (number, value) = try fields.next() {
            switch number {
            case 1: seconds = value.signed
            case 2: nanoseconds = value.signed
            default: continue
            }
        }
        guard (0..<7_258_118_400).contains(seconds), (0..<1_000_000_000).contains(nanoseconds) else { return 0 }
        return seconds * 1_000_000_000 + nanoseconds
    }
}
