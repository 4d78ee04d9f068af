/// A sequence of integers whose order matters: first value, greatest common step, then differences of
/// order 0, 1 or 2 as an `IntegerStream`. Times, counters, run lengths and bit patterns all use it.
///
/// All arithmetic wraps, so that every sequence of 64-bit integers survives.
enum IntegerColumn {
    static func encode(_ values: [Int64]) -> [UInt8] {
        guard let base = values.first else { return [] }
        let step = commonStep(values, base: base)
        let scaled = values.map { ($0 &- base) / step }
        let first = differences(scaled)
        let second = differences(first)

        // Order 0 also stores the zero of the first value; orders 1 and 2 leave out what they know.
        var order = 0
        var best = IntegerStream.estimatedBits(scaled)
        for (candidate, residuals) in [(1, first), (2, second)] {
            let bits = IntegerStream.estimatedBits(residuals) + 16
            if bits < best { (order, best) = (candidate, bits) }
        }
        var bytes = [UInt8(order)]
        bytes.appendZigzag(base)
        bytes.appendVarint(UInt64(step))
        if order == 2 { bytes.appendZigzag(first.first ?? 0) }
        bytes.append(contentsOf: IntegerStream.encode(order == 0 ? scaled : order == 1 ? first : second))
        return bytes
    }

    static func decode(_ reader: inout ByteReader, count: Int) throws(ChunkError) -> [Int64] {
        guard count > 0 else { return [] }
        let order = Int(try reader.byte())
        guard order <= 2 else { throw .malformed("a column of differences of order \(order)") }
        let base = try reader.zigzag()
        let step = Int64(bitPattern: try reader.varint())
        var values: [Int64]
        switch order {
        case 0:
            values = try IntegerStream.decode(&reader, count: count)
        case 1:
            values = sums(try IntegerStream.decode(&reader, count: count - 1), from: 0)
        default:
            let slope = try reader.zigzag()
            let second = try IntegerStream.decode(&reader, count: max(0, count - 2))
            values = count == 1 ? [0] : sums(sums(second, from: slope), from: 0)
        }
        for index in values.indices { values[index] = values[index] &* step &+ base }
        return values
    }

    /// The greatest number, a positive Int64, of which all distances from `base` are multiples: 4096 for memory in pages.
    private static func commonStep(_ values: [Int64], base: Int64) -> Int64 {
        var divisor: UInt64 = 0
        for value in values {
            var a = (value &- base).magnitude
            while a != 0 { (a, divisor) = (divisor % a, a) }
            if divisor == 1 { return 1 }
        }
        // 2^63 is no Int64; such a column has only two values and loses nothing.
        return divisor == 0 || divisor > UInt64(Int64.max) ? 1 : Int64(divisor)
    }

    private static func differences(_ values: [Int64]) -> [Int64] {
        guard values.count > 1 else { return [] }
        return (1..<values.count).map { values[$0] &- values[$0 - 1] }
    }

    private static func sums(_ differences: [Int64], from start: Int64) -> [Int64] {
        var values: [Int64] = []
        values.reserveCapacity(differences.count + 1)
        var sum = start
        values.append(sum)
        for difference in differences {
            sum &+= difference
            values.append(sum)
        }
        return values
    }
}
