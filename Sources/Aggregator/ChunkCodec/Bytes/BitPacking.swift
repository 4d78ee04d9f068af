/// Appends numbers of 0 to 64 bits, low bits first.
struct BitWriter {
    private(set) var bytes: [UInt8] = []
    private var accumulator: UInt64 = 0
    /// Bits in the accumulator, always under 8 between calls.
    private var held = 0

    mutating func write(_ value: UInt64, width: Int) {
        if width > 56 {
            // The accumulator may already hold 7 bits.
            write(value & 0xFFFF_FFFF, width: 32)
            write(value >> 32, width: width - 32)
            return
        }
        guard width > 0 else { return }
        accumulator |= (value & (~0 >> UInt64(64 - width))) << UInt64(held)
        held += width
        while held >= 8 {
            bytes.append(UInt8(truncatingIfNeeded: accumulator))
            accumulator >>= 8
            held -= 8
        }
    }

    /// Fills the last byte with zero bits.
    mutating func finish() -> [UInt8] {
        if held > 0 { bytes.append(UInt8(truncatingIfNeeded: accumulator)) }
        accumulator = 0
        held = 0
        return bytes
    }
}

/// Reads what `BitWriter` wrote.
struct BitReader {
    private let bytes: [UInt8]
    private var offset: Int
    private let end: Int
    private var accumulator: UInt64 = 0
    private var held = 0

    init(_ reader: ByteReader) {
        bytes = reader.bytes
        offset = reader.offset
        end = reader.end
    }

    mutating func read(width: Int) throws(ChunkError) -> UInt64 {
        if width > 56 {
            let low = try read(width: 32)
            return low | (try read(width: width - 32)) << 32
        }
        guard width > 0 else { return 0 }
        while held < width {
            guard offset < end else { throw .truncated(offset: offset) }
            accumulator |= UInt64(bytes[offset]) << UInt64(held)
            offset += 1
            held += 8
        }
        let value = accumulator & (~0 >> UInt64(64 - width))
        accumulator >>= UInt64(width)
        held -= width
        return value
    }
}
