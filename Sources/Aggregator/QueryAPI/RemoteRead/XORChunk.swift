import Telemetry

/// Samples in the form of Prometheus' XOR chunks, in which streamed remote read sends them.
///
/// Two bytes of count, then a stream of bits: the first time as a signed varint and its value's 64 bits; the second
/// time's distance as an unsigned varint; of later times the change of the distance in 1, 16, 20, 24 or 68 bits. A value
/// is its exclusive or with the one before: a 0 if equal, else its significant bits, in the window of the last
/// value if they fit (Pelkonen et al., "Gorilla", 2015; Prometheus tsdb/chunkenc).
struct XORChunk {
    /// As many samples as Prometheus puts into one chunk.
    static let maximumSamples = 120

    private(set) var bytes: [UInt8] = [0, 0]
    private(set) var count = 0
    private(set) var first: Int64 = 0
    private(set) var last: Int64 = 0
    private var freeBits = 0
    private var delta: Int64 = 0
    private var value: UInt64 = 0
    /// The window of significant bits; none yet while `leading` is 255.
    private var leading = 255
    private var trailing = 0

    mutating func append(_ time: Int64, _ value: Double) {
        switch count {
        case 0:
            first = time
            writeVarint(UInt64(bitPattern: time << 1 ^ time >> 63))
            write(value.bitPattern, bits: 64)
        case 1:
            delta = time - last
            writeVarint(UInt64(bitPattern: delta))
            writeValue(value.bitPattern)
        default:
            let next = time - last
            writeChange(next - delta)
            delta = next
            writeValue(value.bitPattern)
        }
        self.value = value.bitPattern
        last = time
        count += 1
        bytes[0] = UInt8(truncatingIfNeeded: count >> 8)
        bytes[1] = UInt8(truncatingIfNeeded: count)
    }

    private mutating func writeChange(_ change: Int64) {
        func fits(_ bits: Int64) -> Bool { change >= -((1 << (bits - 1)) - 1) && change <= 1 << (bits - 1) }
        if change == 0 {
            write(0, bits: 1)
        } else if fits(14) {
            write(0b10, bits: 2)
            write(UInt64(bitPattern: change), bits: 14)
        } else if fits(17) {
            write(0b110, bits: 3)
            write(UInt64(bitPattern: change), bits: 17)
        } else if fits(20) {
            write(0b1110, bits: 4)
            write(UInt64(bitPattern: change), bits: 20)
        } else {
            write(0b1111, bits: 4)
            write(UInt64(bitPattern: change), bits: 64)
        }
    }

    private mutating func writeValue(_ bits: UInt64) {
        let difference = bits ^ value
        guard difference != 0 else { return write(0, bits: 1) }
        write(1, bits: 1)
        // Five bits hold the number of leading zeros.
        let newLeading = min(31, difference.leadingZeroBitCount), newTrailing = difference.trailingZeroBitCount
        if leading != 255, newLeading >= leading, newTrailing >= trailing {
            write(0, bits: 1)
            write(difference >> UInt64(trailing), bits: 64 - leading - trailing)
            return
        }
        leading = newLeading
        trailing = newTrailing
        let significant = 64 - leading - trailing
        write(1, bits: 1)
        write(UInt64(leading), bits: 5)
        // Six bits: 64 is written as 0, which cannot occur otherwise.
        write(UInt64(significant & 63), bits: 6)
        write(difference >> UInt64(trailing), bits: significant)
    }

    private mutating func writeVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            write(rest & 0x7F | 0x80, bits: 8)
            rest >>= 7
        }
        write(rest, bits: 8)
    }

    /// The low `bits` of a value, the highest first.
    private mutating func write(_ value: UInt64, bits: Int) {
        var left = bits
        while left > 0 {
            if freeBits == 0 {
                bytes.append(0)
                freeBits = 8
            }
            let taken = min(left, freeBits)
            let part = UInt8(truncatingIfNeeded: value >> UInt64(left - taken)) & UInt8(truncatingIfNeeded: (UInt16(1) << UInt16(taken)) - 1)
            bytes[bytes.count - 1] |= part << UInt8(freeBits - taken)
            freeBits -= taken
            left -= taken
        }
    }
}
