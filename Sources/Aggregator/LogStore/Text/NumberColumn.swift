/// Whole numbers as planes of bytes, low bytes first: what zstd then packs to about their entropy.
///
///     form (1)   base (signed)   planes (1)   count * planes bytes
///
/// Form 0: distances from the smallest. Form 1: zigzag of the distance to the one before, less the base (the first
/// to the base itself). Form 2: 0 planes, all equal the base.
enum NumberColumn {
    private static let direct: UInt8 = 0
    private static let delta: UInt8 = 1

    static func encode(_ values: [Int64]) -> [UInt8] {
        guard let first = values.first else { return [] }
        var smallest = first
        var largest = first
        for value in values {
            if value < smallest { smallest = value }
            if value > largest { largest = value }
        }
        var writer = ByteWriter()
        if smallest == largest {
            writer.byte(direct)
            writer.signed(smallest)
            writer.byte(0)
            return writer.bytes
        }
        var offsets = [UInt64](repeating: 0, count: values.count)
        for index in values.indices { offsets[index] = UInt64(bitPattern: values[index] &- smallest) }
        // Steps mostly have a usual size: the middle one of some.
        let stride = max(1, values.count / 31)
        let sample = Swift.stride(from: 1, to: values.count, by: stride).map { values[$0] &- values[$0 - 1] }.sorted()
        let step = sample.isEmpty ? 0 : sample[sample.count / 2]
        var steps = [UInt64](repeating: 0, count: values.count)
        var previous = first &- step
        for index in values.indices {
            let distance = values[index] &- previous &- step
            steps[index] = UInt64(bitPattern: (distance << 1) ^ (distance >> 63))
            previous = values[index]
        }
        // Numbers that stand for themselves can be read one by one, which is worth a little.
        let useDelta = cost(steps) < 0.97 * cost(offsets)
        writer.byte(useDelta ? delta : direct)
        if useDelta {
            writer.signed(first &- step)
            writer.signed(step)
        } else {
            writer.signed(smallest)
        }
        let chosen = useDelta ? steps : offsets
        let largestDistance = chosen.reduce(0, |)
        let planes = (64 - largestDistance.leadingZeroBitCount + 7) / 8
        writer.byte(UInt8(planes))
        var bytes = writer.bytes
        bytes.reserveCapacity(bytes.count + planes * chosen.count)
        for plane in 0..<planes {
            let shift = UInt64(plane * 8)
            for value in chosen { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
        }
        return bytes
    }

    /// About the bits that the planes take: the logarithm of each byte's frequency, from a sample.
    private static func cost(_ values: [UInt64]) -> Double {
        let all = values.reduce(0, |)
        let planes = (64 - all.leadingZeroBitCount + 7) / 8
        var total = 0.0
        let stride = max(1, values.count / 2048)
        for plane in 0..<planes {
            var counts = [Int](repeating: 0, count: 256)
            var number = 0
            for index in Swift.stride(from: 0, to: values.count, by: stride) {
                counts[Int(truncatingIfNeeded: values[index] >> UInt64(plane * 8) & 0xFF)] += 1
                number += 1
            }
            for count in counts where count > 0 { total += Double(count) * (log2(number) - log2(count)) }
        }
        return total
    }

    /// The logarithm to the base 2, near enough.
    private static func log2(_ value: Int) -> Double {
        let bits = Int.bitWidth - 1 - value.leadingZeroBitCount
        let fraction = Double(value) / Double(1 << bits) - 1
        return Double(bits) + fraction * (1.3465 - 0.3465 * fraction)
    }

    /// Where the bytes of a column lie whose numbers are each the base and a byte; an empty range if all are the base; nil if
    /// the column has another form.
    static func singlePlane(_ bytes: [UInt8], count: Int) throws(CodingError) -> (base: Int64, range: Range<Int>)? {
        guard count > 0, bytes.first == direct else { return nil }
        var reader = ByteReader(bytes, at: 1)
        let base = try reader.signed()
        let planes = Int(try reader.byte())
        guard planes <= 1 else { return nil }
        guard bytes.count - reader.offset == planes * count else { throw CodingError("a column of numbers is \(bytes.count) bytes long") }
        return (base, reader.offset..<bytes.count)
    }

    /// Some of the numbers.
    /// - Parameter places: ascending, each once, below `count`.
    static func decode(_ bytes: [UInt8], count: Int, only places: [Int32]) throws(CodingError) -> [Int64] {
        guard bytes.first == direct, count > 0 else {
            // Each is told from the one before.
            let all = try decode(bytes, count: count)
            return places.map { all[Int($0)] }
        }
        var reader = ByteReader(bytes, at: 1)
        let base = try reader.signed()
        let planes = Int(try reader.byte())
        guard planes <= 8, bytes.count - reader.offset == planes * count else { throw CodingError("a column of numbers is \(bytes.count) bytes long") }
        return places.map { place in
            var value: Int64 = 0
            for plane in 0..<planes { value |= Int64(bytes[reader.offset + plane * count + Int(place)]) << Int64(plane * 8) }
            return value &+ base
        }
    }

    static func decode(_ bytes: [UInt8], count: Int) throws(CodingError) -> [Int64] {
        guard count > 0 else { return [] }
        var reader = ByteReader(bytes)
        let form = try reader.byte()
        guard form <= delta else { throw CodingError("a column of numbers of form \(form)") }
        let base = try reader.signed()
        let step = form == delta ? try reader.signed() : 0
        let planes = Int(try reader.byte())
        guard planes <= 8, bytes.count - reader.offset == planes * count else { throw CodingError("a column of numbers is \(bytes.count) bytes long") }
        var values = [Int64](repeating: 0, count: count)
        let input = bytes.span
        for plane in 0..<planes {
            let shift = Int64(plane * 8)
            let offset = reader.offset + plane * count
            for index in 0..<count { values[index] |= Int64(input[offset + index]) << shift }
        }
        if form == direct {
            if base != 0 { for index in 0..<count { values[index] = values[index] &+ base } }
        } else {
            var value = base
            for index in 0..<count {
                let zigzag = UInt64(bitPattern: values[index])
                value = value &+ step &+ (Int64(bitPattern: zigzag >> 1) ^ -Int64(bitPattern: zigzag & 1))
                values[index] = value
            }
        }
        return values
    }
}
