/// A sequence of integers whose order matters: first value, greatest common step, then differences of
/// order 0, 1 or 2 as an `IntegerStream`. Times, counters, run lengths and bit patterns all use it.
///
/// All arithmetic wraps, so that every sequence of 64-bit integers survives.
enum IntegerColumn {
    /// How a column would be written, and about how many bits that takes.
    struct Plan {
        var bits: Double
        var order: Int
        var base: Int64
        var step: Int64
        var slope: Int64
        /// What the stream holds.
        var residuals: [Int64]
        var stream: IntegerStream.Plan
    }

    static func plan(_ values: [Int64]) -> Plan {
        guard let base = values.first else {
            return Plan(bits: 0, order: 0, base: 0, step: 1, slope: 0, residuals: [], stream: IntegerStream.plan([]))
        }
        let step = commonStep(values, base: base)
        let scaled = step == 1 ? values.map { $0 &- base } : values.map { ($0 &- base) / step }
        let head = Double(24 + (64 - base.zigzag.leadingZeroBitCount))
        // Order 0 also stores the zero of the first value; orders 1 and 2 leave out what they know.
        let first = differences(scaled)
        let second = differences(first)
        var best = Plan(bits: .infinity, order: 0, base: base, step: step, slope: first.first ?? 0, residuals: scaled, stream: IntegerStream.plan(scaled))
        best.bits = best.stream.bits + head
        for (order, residuals) in [(1, first), (2, second)] {
            let stream = IntegerStream.plan(residuals)
            let bits = stream.bits + head + Double(order * 8)
            if bits < best.bits {
                (best.order, best.residuals, best.stream, best.bits) = (order, residuals, stream, bits)
            }
            // A constant cannot be beaten.
            if stream.kind == .constant { break }
        }
        return best
    }

    static func encode(_ values: [Int64]) -> [UInt8] { values.isEmpty ? [] : encode(plan(values)) }

    static func encode(_ plan: Plan) -> [UInt8] {
        var bytes = [UInt8(plan.order)]
        bytes.appendZigzag(plan.base)
        bytes.appendVarint(UInt64(plan.step))
        if plan.order == 2 { bytes.appendZigzag(plan.slope) }
        bytes.append(contentsOf: IntegerStream.encode(plan.residuals, plan.stream))
        return bytes
    }

    static func decode(_ reader: inout ByteReader, count: Int) throws(ChunkError) -> [Int64] {
        guard count > 0 else { return [] }
        let order = Int(try reader.byte())
        guard order <= 2 else { throw .malformed("a column of differences of order \(order)") }
        let base = try reader.zigzag()
        let step = Int64(bitPattern: try reader.varint())
        switch order {
        case 0:
            var values = try IntegerStream.decode(&reader, count: count)
            for index in values.indices { values[index] = values[index] &* step &+ base }
            return values
        case 1:
            let residuals = try IntegerStream.decode(&reader, count: count - 1)
            return sums(residuals, from: base, step: step)
        default:
            let slope = try reader.zigzag()
            let second = try IntegerStream.decode(&reader, count: max(0, count - 2))
            return count == 1 ? [base] : sums(second, from: base, slope: slope &* step, step: step)
        }
    }

    /// The greatest number, a positive Int64, of which all distances from `base` are multiples: 4096 for memory in pages.
    static func commonStep(_ values: [Int64], base: Int64) -> Int64 {
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
        return unsafe [Int64](unsafeUninitializedCapacity: values.count - 1) { output, filled in
            for index in 1..<values.count { unsafe output[index - 1] = values[index] &- values[index - 1] }
            filled = values.count - 1
        }
    }

    private static func sums(_ residuals: [Int64], from base: Int64, step: Int64) -> [Int64] {
        unsafe [Int64](unsafeUninitializedCapacity: residuals.count + 1) { output, filled in
            var sum = base
            unsafe output[0] = sum
            for index in residuals.indices {
                sum &+= residuals[index] &* step
                unsafe output[index + 1] = sum
            }
            filled = residuals.count + 1
        }
    }

    private static func sums(_ residuals: [Int64], from base: Int64, slope: Int64, step: Int64) -> [Int64] {
        unsafe [Int64](unsafeUninitializedCapacity: residuals.count + 2) { output, filled in
            var sum = base
            var difference = slope
            unsafe output[0] = sum
            sum &+= difference
            unsafe output[1] = sum
            for index in residuals.indices {
                difference &+= residuals[index] &* step
                sum &+= difference
                unsafe output[index + 2] = sum
            }
            filled = residuals.count + 2
        }
    }
}
