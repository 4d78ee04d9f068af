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

/// Reads what `BitWriter` wrote. The caller keeps the bytes alive and checks `isOverrun` at the end: past the
/// last byte all bits are zero, so that the loop itself need not look.
@safe struct BitReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    /// In bits.
    private var position: Int
    private let end: Int

    /// Reads `range` of `bytes`, which stay where they are as long as the reader is used.
    @inline(__always)
    init(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        unsafe self.bytes = bytes
        position = range.lowerBound << 3
        end = range.upperBound << 3
    }

    /// Whether more bits were read than there are.
    var isOverrun: Bool { position > end }
    /// The first byte of which nothing was read.
    var nextByte: Int { (position + 7) >> 3 }

    @inline(__always)
    mutating func read(width: Int) -> UInt64 {
        if width > 56 {
            let low = read(width: 32)
            return low | read(width: width - 32) << 32
        }
        let byte = position >> 3
        var word: UInt64 = 0
        let count = unsafe bytes.count
        if byte + 8 <= count {
            // Eight bytes from `byte` on are inside the buffer.
            word = unsafe UInt64(littleEndian: UnsafeRawPointer(bytes.baseAddress!).loadUnaligned(fromByteOffset: byte, as: UInt64.self))
        } else {
            for index in byte..<max(byte, count) { word |= UInt64(unsafe bytes[index]) << UInt64(8 * (index - byte)) }
        }
        let value = (word >> UInt64(position & 7)) & ((1 << UInt64(width)) &- 1)
        position += width
        return value
    }

    /// The same for 62 bits at most, in one step where that is enough.
    @inline(__always)
    mutating func readShort(width: Int) -> UInt64 {
        let byte = position >> 3
        let shift = position & 7
        guard unsafe byte &+ 8 <= bytes.count, shift &+ width <= 64 else { return read(width: width) }
        // Eight bytes from `byte` on are inside the buffer.
        let word = unsafe UInt64(littleEndian: UnsafeRawPointer(bytes.baseAddress!).loadUnaligned(fromByteOffset: byte, as: UInt64.self))
        position &+= width
        return (word &>> UInt64(shift)) & ((1 &<< UInt64(width)) &- 1)
    }
}
