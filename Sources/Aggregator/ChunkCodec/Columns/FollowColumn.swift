/// A column that moves as another does, up to a factor and noise of its own: buckets of one histogram, packets and bytes.
///
/// m[row] = m[0] + step * (own[row] + (m'[row] - m'[0]) * factor / 2^shift, rounded), where m' is the other column and `own`
/// is what is stored. All on whole numbers, and the reader does what the writer did, so every bit comes back.
struct FollowColumn {
    /// Bits of the factor: more would make its error smaller than the noise that remains.
    private static let factorBits = 12
    /// The largest shift that is read.
    static let largestShift = 62

    let exponent: Int
    let otherExponent: Int
    let base: Int64
    let step: Int64
    let factor: Int64
    let shift: Int
    let plan: IntegerColumn.Plan

    /// Bits of the payload, about.
    var bits: Double { plan.bits + 56 }

    /// nil if the least squares of the changes give no factor.
    init?(_ mantissas: [Int64], exponent: Int, step: Int64, following other: [Int64], otherExponent: Int) {
        guard mantissas.count == other.count, let base = mantissas.first, let otherBase = other.first else { return nil }
        var products = 0.0
        var squares = 0.0
        var sum = 0.0
        var otherSum = 0.0
        for row in 1..<mantissas.count {
            let change = Double((mantissas[row] &- mantissas[row - 1]) / step)
            let otherChange = Double(other[row] &- other[row - 1])
            products += change * otherChange
            squares += otherChange * otherChange
            sum += change
            otherSum += otherChange
        }
        let rows = Double(mantissas.count - 1)
        let slope = (products - sum * otherSum / rows) / (squares - otherSum * otherSum / rows)
        // The factor as a whole number of `factorBits` bits, over a power of two.
        guard slope.isFinite, slope != 0 else { return nil }
        let shift = FollowColumn.factorBits - 1 - Int(slope.exponent)
        guard (0...FollowColumn.largestShift).contains(shift) else { return nil }
        let factor = Int64((slope * Double(sign: .plus, exponent: shift, significand: 1)).rounded())
        self.exponent = exponent
        self.otherExponent = otherExponent
        self.base = base
        self.step = step
        self.factor = factor
        self.shift = shift
        let half = FollowColumn.half(shift)
        var own = mantissas
        for row in own.indices { own[row] = (mantissas[row] &- base) / step &- (((other[row] &- otherBase) &* factor &+ half) >> Int64(shift)) }
        plan = IntegerColumn.plan(own)
    }

    private static func half(_ shift: Int) -> Int64 { shift == 0 ? 0 : 1 << Int64(shift - 1) }

    var payload: [UInt8] {
        var bytes: [UInt8] = [UInt8(exponent), UInt8(otherExponent), UInt8(shift)]
        bytes.appendZigzag(factor)
        bytes.appendVarint(UInt64(step))
        bytes.appendZigzag(base)
        bytes.append(contentsOf: IntegerColumn.encode(plan))
        return bytes
    }

    /// What the payload says before the integers; `other` is asked for the mantissas of the other column at a scale.
    static func decode(
        _ reader: inout ByteReader, count: Int, other: (_ exponent: Int) throws -> [Int64]
    ) throws -> (mantissas: [Int64], exponent: Int) {
        let exponent = Int(try reader.byte())
        let otherExponent = Int(try reader.byte())
        guard exponent <= DecimalScale.largestExponent, otherExponent <= DecimalScale.largestExponent else {
            throw ChunkError.malformed("a column of \(max(exponent, otherExponent)) decimals")
        }
        let shift = Int(try reader.byte())
        guard shift <= largestShift else { throw ChunkError.malformed("a factor over 2^\(shift)") }
        let factor = try reader.zigzag()
        let step = Int64(bitPattern: try reader.varint())
        let base = try reader.zigzag()
        var mantissas = try IntegerColumn.decode(&reader, count: count)
        let followed = try other(otherExponent)
        guard followed.count == count, let otherBase = followed.first else { throw ChunkError.malformed("a column that follows one of another length") }
        let half = half(shift)
        let places = Int64(shift)
        for row in 0..<count {
            mantissas[row] = base &+ step &* (mantissas[row] &+ (((followed[row] &- otherBase) &* factor &+ half) &>> places))
        }
        return (mantissas, exponent)
    }
}
