/// Encodes the columns of one part in their order, and finds those that follow from earlier ones.
///
/// Only columns of one lane are compared: the same times, and values at the same of them. Everything is done on
/// integer mantissas, so that what is left out comes back bit for bit.
struct ColumnEncoder {
    /// What is kept of a column for the sake of those after it.
    private struct Earlier {
        var position: Int
        var lane: Int
        var exponent: Int
        var mantissas: [Int64]
        /// How many columns must be decoded before this one.
        var depth: Int
        var print: UInt64
        var profile: ChangeProfile?
    }

    struct Encoded {
        var codec: ValueColumn.Codec
        var payload: [UInt8]
        var isFinished = false
        /// How many columns before this one the other of a difference is.
        var reference = 0
    }

    /// A chain of columns that build on each other is at most this long: one column costs so many to read.
    static let maxDepth = 12
    /// Sums are sought among this many earlier columns.
    private static let sumWindow = 96
    private static let sampleRows = 384
    /// Columns to follow are sought among this many; they must be at least so alike (their correlation), or nothing is gained.
    private static let followWindow = 256
    private static let smallestLikeness: Float = 0.3
    /// A column of fewer bits has nothing to gain.
    private static let smallestFollower = 400.0

    private let effort: Part.Effort
    private let finish: Finish?
    private var earlier: [Earlier] = []
    private var copies: [ColumnKey: Int] = [:]
    /// Positions in `earlier` by fingerprint of the differences, and of those divided by their common step.
    private var byPrint: [LaneKey: Int] = [:]
    private var byShape: [LaneKey: Int] = [:]

    private struct LaneKey: Hashable {
        var lane: Int
        var print: UInt64
    }

    init(effort: Part.Effort, finish: Finish?) {
        self.effort = effort
        self.finish = finish
    }

    /// `lane` is equal for columns with values at the same times.
    mutating func encode(_ values: [Double], position: Int, lane: Int) -> Encoded {
        guard let first = values.first else { return Encoded(codec: .raw, payload: []) }
        if !values.contains(where: { $0.bitPattern != first.bitPattern }) {
            return plain(values, decimal: nil, plan: nil)
        }
        let key = ColumnKey(values)
        if let original = copies[key] {
            var payload: [UInt8] = []
            payload.appendVarint(position - original)
            return Encoded(codec: .copy, payload: payload)
        }
        copies[key] = position
        guard let decimal = DecimalColumn(values) else { return plain(values, decimal: nil, plan: nil) }
        guard effort == .thorough, decimal.exceptions.isEmpty, decimal.exponent <= DecimalScale.largestExponent, values.count >= 16 else {
            return plain(values, decimal: decimal, plan: nil)
        }

        let print = ColumnEncoder.fingerprint(decimal.mantissas, scale: 1) &* UInt64(DecimalScale.integerPower(DecimalScale.largestExponent - decimal.exponent))
        let base = decimal.mantissas[0]
        let step = signedStep(decimal.mantissas)
        let shape = ColumnEncoder.fingerprint(decimal.mantissas, scale: step)
        var depth = 0
        var profile: ChangeProfile?
        let encoded: Encoded
        if let (payload, deeper) = affine(decimal, position, lane, base: base, step: step, shape: shape) {
            encoded = Encoded(codec: .affine, payload: payload)
            depth = deeper
        } else if let (payload, deeper) = sum(decimal, position, lane, print) {
            encoded = Encoded(codec: .sum, payload: payload)
            depth = deeper
        } else {
            let plan = IntegerColumn.plan(decimal.mantissas)
            profile = ChangeProfile(decimal.mantissas)
            let distance = difference(decimal, plan, position, lane)
            if let (follower, other) = follower(decimal, min(plan.bits, distance?.bits ?? .infinity), lane, profile, step: Int64(step.magnitude)) {
                var coded = finished(.follow, follower.payload)
                coded.reference = position - other.position
                encoded = coded
                depth = other.depth + 1
            } else if let distance {
                var coded = finished(.difference, distance.payload)
                coded.reference = position - distance.other.position
                encoded = coded
                depth = distance.other.depth + 1
            } else {
                encoded = plain(values, decimal: decimal, plan: plan)
            }
        }
        byPrint[LaneKey(lane: lane, print: print)] = earlier.count
        byShape[LaneKey(lane: lane, print: shape)] = earlier.count
        earlier.append(
            Earlier(position: position, lane: lane, exponent: decimal.exponent, mantissas: decimal.mantissas, depth: depth, print: print, profile: profile))
        return encoded
    }

    private func plain(_ values: [Double], decimal: DecimalColumn?, plan: IntegerColumn.Plan?) -> Encoded {
        let (codec, payload) = ValueColumn.encode(values, decimal: decimal, plan: plan, effort: effort)
        return finished(codec, payload)
    }

    private func finished(_ codec: ValueColumn.Codec, _ payload: [UInt8]) -> Encoded {
        // Short payloads hold nothing for a general compressor, and it has to win clearly to be worth unpacking.
        if effort == .thorough, let finish, payload.count >= 64 {
            let packed = finish.compress(payload)
            if packed.count * 20 < payload.count * 19, finish.decompress(packed, payload.count) == payload {
                return Encoded(codec: codec, payload: packed, isFinished: true)
            }
        }
        return Encoded(codec: codec, payload: payload)
    }

    // MARK: Relations

    private func affine(_ column: DecimalColumn, _ position: Int, _ lane: Int, base: Int64, step: Int64, shape: UInt64) -> (payload: [UInt8], depth: Int)? {
        guard let index = byShape[LaneKey(lane: lane, print: shape)] else { return nil }
        let other = earlier[index]
        guard other.depth < ColumnEncoder.maxDepth, other.mantissas.count == column.mantissas.count else { return nil }
        let otherStep = signedStep(other.mantissas)
        for row in column.mantissas.indices {
            let steps = (other.mantissas[row] &- other.mantissas[0]) / otherStep
            guard steps &* step &+ base == column.mantissas[row] else { return nil }
        }
        var payload: [UInt8] = []
        payload.appendVarint(position - other.position)
        payload.append(UInt8(other.exponent))
        payload.append(UInt8(column.exponent))
        payload.appendZigzag(otherStep)
        payload.appendZigzag(step)
        payload.appendZigzag(base)
        return (payload, other.depth + 1)
    }

    private func sum(_ column: DecimalColumn, _ position: Int, _ lane: Int, _ print: UInt64) -> (payload: [UInt8], depth: Int)? {
        for index in earlier.indices.reversed().prefix(ColumnEncoder.sumWindow) where earlier[index].lane == lane {
            let one = earlier[index]
            // column = one + two, one - two, two - one.
            for (wanted, signs) in [
                (print &- one.print, (Int64(1), Int64(1))), (one.print &- print, (1, -1)), (print &+ one.print, (-1, 1)),
            ] {
                guard let found = byPrint[LaneKey(lane: lane, print: wanted)], found != index else { continue }
                let two = earlier[found]
                let depth = max(one.depth, two.depth) + 1
                guard depth <= ColumnEncoder.maxDepth, let payload = sumPayload(column, position, one, two, signs) else { continue }
                return (payload, depth)
            }
        }
        return nil
    }

    private func sumPayload(_ column: DecimalColumn, _ position: Int, _ one: Earlier, _ two: Earlier, _ signs: (Int64, Int64)) -> [UInt8]? {
        let exponent = max(column.exponent, one.exponent, two.exponent)
        let own = DecimalScale.integerPower(exponent - column.exponent)
        let first = signs.0 &* DecimalScale.integerPower(exponent - one.exponent)
        let second = signs.1 &* DecimalScale.integerPower(exponent - two.exponent)
        func rest(_ row: Int) -> Int64 { column.mantissas[row] &* own &- one.mantissas[row] &* first &- two.mantissas[row] &* second }
        let constant = rest(0)
        guard one.mantissas.count == column.mantissas.count, two.mantissas.count == column.mantissas.count else { return nil }
        for row in column.mantissas.indices where rest(row) != constant { return nil }
        // The reader gets the mantissas at `exponent`: they must give the very doubles.
        for mantissa in column.mantissas
        where DecimalScale.value(mantissa &* own, exponent: exponent).bitPattern != DecimalScale.value(mantissa, exponent: column.exponent).bitPattern {
            return nil
        }
        var payload: [UInt8] = []
        payload.append(UInt8(exponent))
        for (other, sign) in [(one, signs.0), (two, signs.1)] {
            payload.appendVarint(UInt64(position - other.position) << 1 | (sign < 0 ? 1 : 0))
            payload.append(UInt8(other.exponent))
        }
        payload.appendZigzag(constant)
        return payload
    }

    /// The distance from one of the two columns before, if that takes clearly fewer bits than the column itself.
    private func difference(
        _ column: DecimalColumn, _ plan: IntegerColumn.Plan, _ position: Int, _ lane: Int
    ) -> (payload: [UInt8], other: Earlier, bits: Double)? {
        var best: (other: Earlier, plan: IntegerColumn.Plan)?
        let sample = column.mantissas.count > 2 * ColumnEncoder.sampleRows ? ColumnEncoder.sampleRows : column.mantissas.count
        var sampleBits: Double?
        for other in earlier.reversed().prefix(3)
        where other.lane == lane && other.exponent == column.exponent && other.depth < ColumnEncoder.maxDepth
            && other.mantissas.count == column.mantissas.count
        {
            func distances(_ rows: Int) -> [Int64] { (0..<rows).map { column.mantissas[$0] &- other.mantissas[$0] } }
            if sample < column.mantissas.count {
                let own = sampleBits ?? IntegerColumn.plan(Array(column.mantissas[..<sample])).bits
                sampleBits = own
                guard IntegerColumn.plan(distances(sample)).bits < own * 0.9 else { continue }
            }
            let candidate = IntegerColumn.plan(distances(column.mantissas.count))
            if candidate.bits < (best?.plan.bits ?? plan.bits * 0.95 - 32) { best = (other, candidate) }
        }
        guard let best else { return nil }
        let stream = IntegerColumn.encode(best.plan)
        var reader = ByteReader(stream)
        guard let back = try? IntegerColumn.decode(&reader, count: column.mantissas.count), reader.isAtEnd else { return nil }
        for row in back.indices where back[row] &+ best.other.mantissas[row] != column.mantissas[row] { return nil }
        var payload: [UInt8] = []
        payload.append(UInt8(column.exponent))
        payload.append(contentsOf: stream)
        return (payload, best.other, best.plan.bits)
    }

    /// The column as one that moves as another does, if that takes clearly fewer than `bits`: of the columns before, the two whose
    /// changes are most like its own are tried.
    private func follower(
        _ column: DecimalColumn, _ bits: Double, _ lane: Int, _ profile: ChangeProfile?, step: Int64
    ) -> (follower: FollowColumn, other: Earlier)? {
        guard let profile, bits > ColumnEncoder.smallestFollower else { return nil }
        var first: (index: Int, likeness: Float) = (-1, ColumnEncoder.smallestLikeness)
        var second = first
        for (index, other) in earlier.enumerated().suffix(ColumnEncoder.followWindow)
        where other.lane == lane && other.depth < ColumnEncoder.maxDepth && other.mantissas.count == column.mantissas.count {
            guard let likeness = other.profile.map({ abs($0.correlation(profile)) }), likeness > second.likeness else { continue }
            if likeness > first.likeness { (first, second) = ((index, likeness), first) } else { second = (index, likeness) }
        }
        var best: (follower: FollowColumn, other: Earlier)?
        for index in [first.index, second.index] where index >= 0 {
            let other = earlier[index]
            guard
                let found = FollowColumn(
                    column.mantissas, exponent: column.exponent, step: step, following: other.mantissas, otherExponent: other.exponent)
            else { continue }
            if found.bits < best?.follower.bits ?? (bits * 0.97 - 32) { best = (found, other) }
        }
        guard let best, let (back, _) = decoded(best.follower, best.other), back == column.mantissas else { return nil }
        return best
    }

    private func decoded(_ follower: FollowColumn, _ other: Earlier) -> (mantissas: [Int64], exponent: Int)? {
        var reader = ByteReader(follower.payload)
        guard let back = try? FollowColumn.decode(&reader, count: other.mantissas.count, other: { _ in other.mantissas }), reader.isAtEnd else { return nil }
        return back
    }

    /// The common step, with the sign of the first change, so that a column and its negative have one shape.
    private func signedStep(_ mantissas: [Int64]) -> Int64 {
        let step = IntegerColumn.commonStep(mantissas, base: mantissas[0])
        let first = mantissas.first { $0 != mantissas[0] } ?? mantissas[0]
        return first < mantissas[0] ? -step : step
    }

    /// A linear hash of a column's differences from its first value, modulo 2^64: that of a sum is the sum of those of its terms.
    private static func fingerprint(_ mantissas: [Int64], scale: Int64) -> UInt64 {
        var print: UInt64 = 0
        var factor: UInt64 = 0x9E37_79B9_7F4A_7C15
        let base = mantissas[0]
        if scale == 1 {
            for mantissa in mantissas {
                print &+= UInt64(bitPattern: mantissa &- base) &* factor
                factor = factor &* 0xD134_2543_DE82_EF95 &+ 1
            }
        } else {
            for mantissa in mantissas {
                print &+= UInt64(bitPattern: (mantissa &- base) / scale) &* factor
                factor = factor &* 0xD134_2543_DE82_EF95 &+ 1
            }
        }
        return print
    }
}

/// A column's values by their bits, for finding equal columns.
private struct ColumnKey: Hashable {
    let values: [Double]
    let fingerprint: UInt64

    init(_ values: [Double]) {
        self.values = values
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for value in values { hash = (hash ^ value.bitPattern) &* 0x9E37_79B9_7F4A_7C15 }
        fingerprint = hash
    }

    func hash(into hasher: inout Hasher) { hasher.combine(fingerprint) }

    static func == (left: ColumnKey, right: ColumnKey) -> Bool {
        left.fingerprint == right.fingerprint && left.values.count == right.values.count
            && zip(left.values, right.values).allSatisfy { $0.bitPattern == $1.bitPattern }
    }
}
