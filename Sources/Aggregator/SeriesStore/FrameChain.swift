import ChunkCodec
import Telemetry

/// What the log's writer and reader both know of one source: the last value of each column. A frame in the log
/// says only what changed since, as a counter's growth in a byte or two.
struct FrameChain: Sendable {
    private struct Column: Sendable {
        var bits: UInt64 = 0
        /// The value as mantissa / 10^exponent; the exponent is -1 if it is none.
        var mantissa: Int64 = 0
        var exponent: Int8 = 0
    }

    /// Bytes after an escape that are no exponent.
    private enum Escape {
        static let bits: UInt8 = 0xFF
        static let stale: UInt8 = 0xFE
        static let absent: UInt8 = 0xFD
    }

    let ids: [SeriesID]
    private var columns: [Column]

    init(ids: [SeriesID]) {
        self.ids = ids
        columns = Array(repeating: Column(), count: ids.count)
    }

    /// Appends the columns that changed, and remembers them: a bitmap, then each new value.
    mutating func encode(_ values: [Double], into bytes: inout [UInt8]) {
        let bitmap = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: (columns.count + 7) / 8))
        for index in columns.indices where columns[index].bits != values[index].bitPattern {
            bytes[bitmap + index >> 3] |= 1 << UInt8(index & 7)
            encode(values[index], &columns[index], &bytes)
        }
    }

    private func encode(_ value: Double, _ column: inout Column, _ bytes: inout [UInt8]) {
        column.bits = value.bitPattern
        if column.exponent >= 0, let mantissa = DecimalScale.mantissa(value, exponent: Int(column.exponent)) {
            // Mantissas are below 2^53, so the difference and its zigzag leave room for the escape's bit.
            bytes.appendVarint((mantissa - column.mantissa).zigzag << 1)
            column.mantissa = mantissa
            return
        }
        bytes.append(1)
        if value.isStale {
            bytes.append(Escape.stale)
        } else if value.isAbsent {
            bytes.append(Escape.absent)
        } else if let exponent = DecimalScale.exponent(of: value), let mantissa = DecimalScale.mantissa(value, exponent: exponent) {
            bytes.append(UInt8(exponent))
            bytes.appendZigzag(mantissa)
            column.exponent = Int8(exponent)
            column.mantissa = mantissa
        } else {
            bytes.append(Escape.bits)
            bytes.appendFixed(value.bitPattern)
            column.exponent = -1
        }
    }

    /// Reads what `encode` wrote against the same state; gives a value a column.
    mutating func decode(_ reader: inout ByteReader) throws(ChunkError) -> [Double] {
        var bitmap = try reader.take((columns.count + 7) / 8)
        var mask: UInt8 = 0
        var values: [Double] = []
        values.reserveCapacity(columns.count)
        for index in columns.indices {
            if index & 7 == 0 { mask = try bitmap.byte() }
            if mask & 1 == 1 { try decode(&columns[index], &reader) }
            mask >>= 1
            values.append(Double(bitPattern: columns[index].bits))
        }
        return values
    }

    private func decode(_ column: inout Column, _ reader: inout ByteReader) throws(ChunkError) {
        let head = try reader.varint()
        if head & 1 == 0 {
            guard column.exponent >= 0 else { throw .malformed("a difference from a value that is no decimal") }
            column.mantissa &+= Int64(zigzag: head >> 1)
            column.bits = DecimalScale.value(column.mantissa, exponent: Int(column.exponent)).bitPattern
            return
        }
        switch try reader.byte() {
        case Escape.stale: column.bits = Double.stale.bitPattern
        case Escape.absent: column.bits = Double.absent.bitPattern
        case Escape.bits:
            column.bits = try reader.fixed64()
            column.exponent = -1
        case let exponent:
            guard exponent <= DecimalScale.largestExponent else { throw .malformed("a value of \(exponent) decimals") }
            column.exponent = Int8(exponent)
            column.mantissa = try reader.zigzag()
            column.bits = DecimalScale.value(column.mantissa, exponent: Int(exponent)).bitPattern
        }
    }
}
