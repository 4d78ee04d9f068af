import ProtoWire

/// The fields of a protobuf message, read where they lie. Numbers that were not expected are
/// passed over, as the format wants it.
struct ProtoFields: Sendable {
    enum Value: Sendable {
        case varint(UInt64)
        case fixed64(UInt64)
        case bytes(ArraySlice<UInt8>)
        case fixed32(UInt32)
    }

    private let bytes: ArraySlice<UInt8>
    private var reader: WireReader

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        reader = WireReader(0..<bytes.count)
    }
    init(_ bytes: [UInt8]) { self.init(bytes[...]) }

    /// The next field; nil at the end. Throws `malformed` for lengths that reach beyond the message and for groups.
    mutating func next() throws(DiscoveryError) -> (number: Int, value: Value)? {
        let bytes = bytes
        do throws(WireError) {
            let span = bytes.span
            guard try reader.next(span) else { return nil }
            let value: Value
            switch reader.kind {
            case .varint: value = .varint(try reader.varint(span))
            case .fixed64: value = .fixed64(try reader.fixed64(span))
            case .fixed32: value = .fixed32(try reader.fixed32(span))
            case .bytes:
                let range = try reader.range(span)
                value = .bytes(bytes[(bytes.startIndex + range.lowerBound)..<(bytes.startIndex + range.upperBound)])
            }
            return (reader.number, value)
        } catch {
            throw DiscoveryError(.malformed, "\(error)")
        }
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
    private var writer = WireWriter()

    var bytes: [UInt8] { writer.bytes }

    init() {}

    mutating func add(_ number: Int, _ text: String) { if !text.isEmpty { writer.string(number, text) } }
    mutating func add(_ number: Int, _ value: UInt64) { if value != 0 { writer.varint(number, value) } }
    mutating func add(_ number: Int, message: [UInt8]) { writer.bytes(number, message) }
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
