/// Builds a protobuf message field by field.
public struct WireWriter: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init() {}
    public init(reserving capacity: Int) { bytes.reserveCapacity(capacity) }

    /// An unsigned number without a tag.
    public mutating func varint(_ value: UInt64) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(value))
    }

    private mutating func tag(_ field: Int, _ kind: WireReader.Kind) { varint(UInt64(field) << 3 | UInt64(kind.rawValue)) }

    public mutating func varint(_ field: Int, _ value: UInt64) {
        tag(field, .varint)
        varint(value)
    }

    /// An `int64` or an enumeration: a negative one takes ten bytes.
    public mutating func int64(_ field: Int, _ value: Int64) { varint(field, UInt64(bitPattern: value)) }

    /// A `sint64`.
    public mutating func zigzag(_ field: Int, _ value: Int64) { varint(field, WireWriter.zigzag(value)) }

    public mutating func double(_ field: Int, _ value: Double) { fixed64(field, value.bitPattern) }

    public mutating func fixed64(_ field: Int, _ value: UInt64) {
        tag(field, .fixed64)
        fixed64(value)
    }

    public mutating func fixed64(_ value: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
    }

    public mutating func bytes(_ field: Int, _ value: some Collection<UInt8>) {
        tag(field, .bytes)
        varint(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    public mutating func string(_ field: Int, _ value: String) { bytes(field, value.utf8) }

    /// A message within this one.
    public mutating func message(_ field: Int, _ build: (inout WireWriter) -> Void) {
        var inner = WireWriter()
        build(&inner)
        bytes(field, inner.bytes)
    }

    /// Numbers in packed form; nothing if there are none.
    public mutating func packed(_ field: Int, _ values: some Collection<UInt64>) {
        guard !values.isEmpty else { return }
        message(field) { for value in values { $0.varint(value) } }
    }

    /// Doubles in packed form; nothing if there are none.
    public mutating func packed(_ field: Int, _ values: some Collection<Double>) {
        guard !values.isEmpty else { return }
        message(field) { for value in values { $0.fixed64(value.bitPattern) } }
    }

    public static func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: value << 1 ^ value >> 63) }
}
