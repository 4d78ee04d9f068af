/// A sequence of integers without regard to their order: all equal, bit-packed by blocks, or entropy-coded.
///
/// The count is the caller's to keep.
enum IntegerStream {
    enum Kind: UInt8 { case constant = 0, packed = 1, entropy = 2 }

    static let blockCount = 128

    /// The smaller form; of two alike, the packed one, which is faster to read.
    static func encode(_ values: [Int64]) -> [UInt8] {
        guard let first = values.first else { return [Kind.constant.rawValue, 0] }
        if values.allSatisfy({ $0 == first }) {
            var bytes = [Kind.constant.rawValue]
            bytes.appendZigzag(first)
            return bytes
        }
        let center = median(values)
        let estimate = entropyBits(values, center: center)
        let packed = packedBits(values)
        guard estimate < packed * 0.98 else { return encodePacked(values) }
        let coded = encodeEntropy(values, center: center)
        return Double(coded.count * 8) < packed ? coded : encodePacked(values)
    }

    /// About how many bits `encode` needs.
    static func estimatedBits(_ values: [Int64]) -> Double {
        guard let first = values.first else { return 0 }
        if values.allSatisfy({ $0 == first }) { return 24 }
        return min(packedBits(values), entropyBits(values, center: median(values)))
    }

    static func decode(_ reader: inout ByteReader, count: Int) throws(ChunkError) -> [Int64] {
        let tag = try reader.byte()
        switch Kind(rawValue: tag) {
        case .constant: return Array(repeating: try reader.zigzag(), count: count)
        case .packed: return try decodePacked(&reader, count: count)
        case .entropy: return try decodeEntropy(&reader, count: count)
        case nil: throw .malformed("an integer stream of kind \(tag)")
        }
    }

    // MARK: Bit-packed: a block of 128 holds the distances from its smallest member.

    private static func packedBits(_ values: [Int64]) -> Double {
        var bits = 8
        forEachBlock(values) { smallest, width, block in bits += 16 + width * block.count }
        return Double(bits)
    }

    private static func encodePacked(_ values: [Int64]) -> [UInt8] {
        var bytes = [Kind.packed.rawValue]
        var previous: Int64 = 0
        forEachBlock(values) { smallest, width, block in
            bytes.appendZigzag(smallest &- previous)
            previous = smallest
            bytes.append(UInt8(width))
            var writer = BitWriter()
            for index in block { writer.write(UInt64(bitPattern: values[index] &- smallest), width: width) }
            bytes.append(contentsOf: writer.finish())
        }
        return bytes
    }

    private static func forEachBlock(_ values: [Int64], _ body: (_ smallest: Int64, _ width: Int, _ block: Range<Int>) -> Void) {
        for start in stride(from: 0, to: values.count, by: blockCount) {
            let block = start..<min(start + blockCount, values.count)
            var smallest = values[start]
            var largest = smallest
            for index in block {
                smallest = min(smallest, values[index])
                largest = max(largest, values[index])
            }
            body(smallest, 64 - UInt64(bitPattern: largest &- smallest).leadingZeroBitCount, block)
        }
    }

    private static func decodePacked(_ reader: inout ByteReader, count: Int) throws(ChunkError) -> [Int64] {
        var values: [Int64] = []
        values.reserveCapacity(count)
        var smallest: Int64 = 0
        while values.count < count {
            smallest &+= try reader.zigzag()
            let width = Int(try reader.byte())
            guard width <= 64 else { throw .malformed("a packed block of \(width) bits a value") }
            let size = min(blockCount, count - values.count)
            var bits = BitReader(try reader.take((size * width + 7) / 8))
            for _ in 0..<size { values.append(smallest &+ Int64(bitPattern: try bits.read(width: width))) }
        }
        return values
    }

    // MARK: Entropy-coded: distances from a middle value, by class and low bits.

    /// Near the median: of at most 63 values spread over the column, because only its neighbourhood matters.
    private static func median(_ values: [Int64]) -> Int64 {
        let step = max(1, values.count / 63)
        let sample = stride(from: 0, to: values.count, by: step).map { values[$0] }.sorted()
        return sample[sample.count / 2]
    }

    private static func counts(_ values: [Int64], center: Int64) -> [Int] {
        var counts = [Int](repeating: 0, count: MagnitudeClass.count)
        for value in values { counts[MagnitudeClass.of((value &- center).zigzag)] += 1 }
        return counts
    }

    private static func entropyBits(_ values: [Int64], center: Int64) -> Double {
        EntropyCoder.estimatedBits(counts(values, center: center), total: values.count)
    }

    private static func encodeEntropy(_ values: [Int64], center: Int64) -> [UInt8] {
        let model = EntropyCoder.Model(counts: counts(values, center: center))
        var classes: [UInt8] = []
        classes.reserveCapacity(values.count)
        var lowBits = BitWriter()
        for value in values {
            let distance = (value &- center).zigzag
            let kind = MagnitudeClass.of(distance)
            classes.append(UInt8(kind))
            lowBits.write(distance &- MagnitudeClass.base(kind), width: MagnitudeClass.extraBits(kind))
        }
        var bytes = [Kind.entropy.rawValue]
        bytes.appendZigzag(center)
        model.write(to: &bytes)
        bytes.appendSection(EntropyCoder.encode(classes, model))
        bytes.append(contentsOf: lowBits.finish())
        return bytes
    }

    private static func decodeEntropy(_ reader: inout ByteReader, count: Int) throws(ChunkError) -> [Int64] {
        let center = try reader.zigzag()
        let model = try EntropyCoder.Model(from: &reader)
        let classes = try reader.section()
        var bits = BitReader(reader)
        var bitCount = 0
        var values: [Int64] = []
        values.reserveCapacity(count)
        try EntropyCoder.decode(classes, count: count, model) { (kind: Int) throws(ChunkError) in
            let width = MagnitudeClass.extraBits(kind)
            bitCount += width
            values.append(center &+ Int64(zigzag: MagnitudeClass.base(kind) &+ (try bits.read(width: width))))
        }
        _ = try reader.take((bitCount + 7) / 8)
        return values
    }
}
