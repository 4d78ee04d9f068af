import Glibc

/// A sequence of integers without regard to their order: all equal, bit-packed by blocks, or entropy-coded.
///
/// The count is the caller's to keep.
enum IntegerStream {
    /// `entropyByContext`: a value after a zero has another table than one after something else, for what comes in bursts.
    /// `entropyByShape`: the table follows from a few numbers (`ShapeTable`).
    enum Kind: UInt8 { case constant = 0, packed = 1, entropy = 2, entropyByContext = 3, entropyByShape = 4 }

    static let blockCount = 128
    /// Below this a table cannot pay for itself.
    private static let smallestEntropy = 48

    /// What `encode` would do, and about how many bits that takes.
    struct Plan {
        var bits: Double
        var kind: Kind
        var center: Int64 = 0
    }

    /// The smallest form; of two alike, the packed one, which is faster to read.
    static func plan(_ values: [Int64]) -> Plan {
        guard let first = values.first else { return Plan(bits: 16, kind: .constant) }
        var smallest = first
        var largest = first
        for value in values {
            smallest = min(smallest, value)
            largest = max(largest, value)
        }
        if smallest == largest { return Plan(bits: 8 + Double(varintBits(first.zigzag)), kind: .constant) }
        var plan = Plan(bits: packedBits(values), kind: .packed)
        guard values.count >= smallestEntropy else { return plan }
        let center = median(values)
        var after0 = [Int](repeating: 0, count: MagnitudeClass.count)
        var afterOther = after0
        var previous = 0
        var low = 0
        for value in values {
            let kind = MagnitudeClass.of((value &- center).zigzag)
            if previous == 0 { after0[kind] += 1 } else { afterOther[kind] += 1 }
            low += MagnitudeClass.extraBits(kind)
            previous = kind
        }
        let all = (0..<MagnitudeClass.count).map { after0[$0] + afterOther[$0] }
        let fixed = 8 + 32 + 8 + Double(varintBits(center.zigzag)) + Double(low)
        let single = fixed + entropyBits(all)
        let context = fixed + entropyBits(after0) + entropyBits(afterOther)
        if single < plan.bits * 0.98 { plan = Plan(bits: single, kind: .entropy, center: center) }
        if context < plan.bits * 0.99, afterOther.contains(where: { $0 > 0 }) { plan = Plan(bits: context, kind: .entropyByContext, center: center) }
        return plan
    }

    static func encode(_ values: [Int64]) -> [UInt8] { encode(values, plan(values)) }

    static func encode(_ values: [Int64], _ plan: Plan) -> [UInt8] {
        switch plan.kind {
        case .constant:
            var bytes = [Kind.constant.rawValue]
            bytes.appendZigzag(values.first ?? 0)
            return bytes
        case .packed: return encodePacked(values)
        case .entropy, .entropyByContext, .entropyByShape:
            let coded = encodeEntropy(values, plan)
            return Double(coded.count * 8) < packedBits(values) ? coded : encodePacked(values)
        }
    }

    static func decode(_ reader: inout ByteReader, count: Int) throws(ChunkError) -> [Int64] {
        let tag = try reader.byte()
        switch Kind(rawValue: tag) {
        case .constant: return Array(repeating: try reader.zigzag(), count: count)
        case .packed: return try decodePacked(&reader, count: count)
        case .entropy: return try decodeEntropy(&reader, count: count, contexts: 1)
        case .entropyByContext: return try decodeEntropy(&reader, count: count, contexts: 2)
        case .entropyByShape: return try decodeEntropy(&reader, count: count, contexts: 0)
        case nil: throw .malformed("an integer stream of kind \(tag)")
        }
    }

    private static func varintBits(_ value: UInt64) -> Int { max(1, (64 - value.leadingZeroBitCount + 6) / 7) * 8 }

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
        var failure: ChunkError?
        let bytes = reader.bytes
        var cursor = reader
        let values = unsafe [Int64](unsafeUninitializedCapacity: count) { output, filled in
            unsafe bytes.withUnsafeBufferPointer { buffer in
                do throws(ChunkError) {
                    var smallest: Int64 = 0
                    while filled < count {
                        smallest &+= try cursor.zigzag()
                        let width = Int(try cursor.byte())
                        guard width <= 64 else { throw .malformed("a packed block of \(width) bits a value") }
                        let size = min(blockCount, count - filled)
                        let block = try cursor.take((size * width + 7) / 8)
                        var bits = unsafe BitReader(buffer, block.offset..<block.end)
                        // filled + size <= count, the output's capacity.
                        for index in 0..<size { unsafe output[filled + index] = smallest &+ Int64(bitPattern: bits.read(width: width)) }
                        filled += size
                    }
                } catch { failure = error }
            }
        }
        if let failure { throw failure }
        reader = cursor
        return values
    }

    // MARK: Entropy-coded: distances from a middle value, by class and low bits.

    /// Near the median: of at most 63 values spread over the column, because only its neighbourhood matters.
    private static func median(_ values: [Int64]) -> Int64 {
        let step = max(1, values.count / 63)
        let sample = stride(from: 0, to: values.count, by: step).map { values[$0] }.sorted()
        let middle = sample[sample.count / 2]
        // Zero, where it is about as good, is shorter and makes "no change" class 0.
        return sample.count { $0 == 0 } * 4 > sample.count ? 0 : middle
    }

    private static func entropyBits(_ counts: [Int]) -> Double {
        var total = 0
        var classes = 0
        var sum = 0.0
        for count in counts where count > 0 {
            total += count
            classes += 1
            sum += Double(count) * log2(Double(count))
        }
        guard total > 0 else { return 0 }
        return Double(total) * log2(Double(total)) - sum + FrequencyTable.estimatedBits(classes: classes)
    }

    private static func encodeEntropy(_ values: [Int64], _ plan: Plan) -> [UInt8] {
        let contexts = plan.kind == .entropyByContext ? 2 : 1
        var counts = [[Int]](repeating: [Int](repeating: 0, count: MagnitudeClass.count), count: contexts)
        var classes: [UInt8] = []
        classes.reserveCapacity(values.count)
        var lowBits = BitWriter()
        var previous = 0
        for value in values {
            let distance = (value &- plan.center).zigzag
            let kind = MagnitudeClass.of(distance)
            counts[previous == 0 ? 0 : contexts - 1][kind] += 1
            classes.append(UInt8(kind))
            lowBits.write(distance &- MagnitudeClass.base(kind), width: MagnitudeClass.extraBits(kind))
            previous = kind
        }
        let tables = counts.map { FrequencyTable(counts: $0) }
        // All tables of a column have one scale: by the count of all.
        let scaled = tables.count == 1 ? tables : tables.map { $0.scaled(total: values.count) }
        var tableBits = BitWriter()
        for table in tables { table.write(to: &tableBits) }
        let tableBytes = tableBits.finish()
        var bytes: [UInt8] = []
        let all = contexts == 1 ? counts[0] : counts[0].indices.map { counts[0][$0] + counts[1][$0] }
        let bits = zip(scaled, counts).reduce(Double(tableBytes.count * 8)) { $0 + $1.0.bits($1.1) }
        if let (shape, shapeBits) = ShapeTable.best(all, mayHaveZeros: plan.center == 0), shapeBits < bits {
            bytes.append(Kind.entropyByShape.rawValue)
            bytes.appendZigzag(plan.center)
            shape.write(to: &bytes)
            bytes.appendSection(EntropyCoder.encode(classes, [shape.table]))
        } else {
            bytes.append(plan.kind.rawValue)
            bytes.appendZigzag(plan.center)
            bytes.append(contentsOf: tableBytes)
            bytes.appendSection(EntropyCoder.encode(classes, scaled))
        }
        bytes.append(contentsOf: lowBits.finish())
        return bytes
    }

    /// `contexts`: how many tables there are; 0 if a shape stands for one.
    private static func decodeEntropy(_ reader: inout ByteReader, count: Int, contexts: Int) throws(ChunkError) -> [Int64] {
        let center = try reader.zigzag()
        let bytes = reader.bytes
        var failure: ChunkError?
        var cursor = reader
        let values = unsafe [Int64](unsafeUninitializedCapacity: count) { output, filled in
            unsafe MagnitudeClass.bases.withUnsafeBufferPointer { table in
                unsafe bytes.withUnsafeBufferPointer { buffer in
                    do throws(ChunkError) {
                        var tables: [FrequencyTable] = []
                        if contexts == 0 {
                            tables.append(try ShapeTable(from: &cursor).table)
                        } else {
                            var tableBits = unsafe BitReader(buffer, cursor.offset..<cursor.end)
                            for _ in 0..<contexts { tables.append(try FrequencyTable(from: &tableBits, total: count)) }
                            guard !tableBits.isOverrun else { throw .truncated(offset: cursor.offset) }
                            _ = try cursor.take(tableBits.nextByte - cursor.offset)
                        }
                        let classes = try cursor.section()
                        var bits = unsafe BitReader(buffer, cursor.offset..<cursor.end)
                        var next = 0
                        try unsafe EntropyCoder.decode(buffer, classes.offset..<classes.end, count: count, tables) { kind, extraBits in
                            // 256 bases, and a class is a byte.
                            let distance = unsafe table[kind] &+ bits.readShort(width: extraBits)
                            // Called exactly `count` times.
                            unsafe output[next] = center &+ Int64(zigzag: distance)
                            next += 1
                        }
                        guard !bits.isOverrun else { throw .truncated(offset: cursor.offset) }
                        _ = try cursor.take(bits.nextByte - cursor.offset)
                        filled = count
                    } catch { failure = error }
                }
            }
        }
        if let failure { throw failure }
        reader = cursor
        return values
    }
}
