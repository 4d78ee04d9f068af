/// The numbers of all our formats: LEB128 varints, zigzag for signed ones, little-endian fixed widths.
extension [UInt8] {
    /// Unsigned LEB128: 7 bits a byte, low group first, 1 to 10 bytes.
    @inlinable
    public mutating func appendVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    @inlinable
    public mutating func appendVarint(_ value: Int) { appendVarint(UInt64(value)) }

    @inlinable
    public mutating func appendZigzag(_ value: Int64) { appendVarint(value.zigzag) }

    public mutating func appendFixed(_ value: UInt32) {
        for shift in stride(from: 0, to: 32, by: 8) { append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
    }

    public mutating func appendFixed(_ value: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) { append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
    }

    /// The bytes with their count before them.
    public mutating func appendSection(_ bytes: [UInt8]) {
        appendVarint(bytes.count)
        append(contentsOf: bytes)
    }
}

extension Int64 {
    /// 0, -1, 1, -2, ... as 0, 1, 2, 3, ...: small magnitudes become small numbers.
    @inlinable public var zigzag: UInt64 { UInt64(bitPattern: (self << 1) ^ (self >> 63)) }
    @inlinable public init(zigzag value: UInt64) { self = Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }
}
