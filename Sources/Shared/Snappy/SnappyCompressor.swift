extension Snappy {
    /// Packs bytes as one block. Greedy, with a table of 4-byte groups, a piece of 64 KiB at a time.
    public static func compress(_ content: [UInt8]) -> [UInt8] {
        precondition(content.count <= Int(UInt32.max), "a snappy block holds at most 4 GiB")
        var block: [UInt8] = []
        block.reserveCapacity(32 + content.count + content.count / 6)
        var length = UInt64(content.count)
        while length >= 0x80 {
            block.append(UInt8(truncatingIfNeeded: length) | 0x80)
            length >>= 7
        }
        block.append(UInt8(length))
        var table = [Int32](repeating: -1, count: 1 << tableBits)
        var start = 0
        while start < content.count {
            let end = min(start + pieceBytes, content.count)
            pack(content.span, start..<end, &table, &block)
            start = end
        }
        return block
    }

    private static let tableBits = 14
    /// Copies within a piece have offsets of at most 16 bits.
    private static let pieceBytes = 1 << 16

    private static func pack(_ content: Span<UInt8>, _ piece: Range<Int>, _ table: inout [Int32], _ block: inout [UInt8]) {
        var position = piece.lowerBound
        var literalStart = position
        // After many misses it looks at fewer places: bytes that cannot be packed cost little.
        var misses = 32
        while position + 4 <= piece.upperBound {
            let group = group(content, position)
            let slot = Int((group &* 0x1E35_A7BD) >> UInt32(32 - tableBits))
            let candidate = Int(table[slot])
            table[slot] = Int32(truncatingIfNeeded: position)
            guard candidate >= piece.lowerBound, candidate < position, self.group(content, candidate) == group else {
                position += misses >> 5
                misses += 1
                continue
            }
            misses = 32
            literal(content, literalStart..<position, &block)
            var length = 4
            while position + length < piece.upperBound, content[candidate + length] == content[position + length] { length += 1 }
            copy(distance: position - candidate, length, &block)
            position += length
            literalStart = position
        }
        literal(content, literalStart..<piece.upperBound, &block)
    }

    private static func group(_ content: Span<UInt8>, _ position: Int) -> UInt32 {
        // Four bytes are there: the callers look no further than the piece's end.
        precondition(position + 4 <= content.count)
        return unsafe content.bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt32.self)
    }

    private static func literal(_ content: Span<UInt8>, _ range: Range<Int>, _ block: inout [UInt8]) {
        guard !range.isEmpty else { return }
        let count = range.count - 1
        if count < 60 {
            block.append(UInt8(count) << 2)
        } else {
            let extra = count < 1 << 8 ? 1 : count < 1 << 16 ? 2 : 3
            block.append(UInt8(59 + extra) << 2)
            for position in 0..<extra { block.append(UInt8(truncatingIfNeeded: count >> (8 * position))) }
        }
        for position in range { block.append(content[position]) }
    }

    private static func copy(distance: Int, _ length: Int, _ block: inout [UInt8]) {
        var left = length
        while left > 0 {
            // The rest of a long copy must not become shorter than a copy may be.
            let step = left > 64 ? (left < 68 ? 60 : 64) : left
            if step < 12, step >= 4, distance < 2048 {
                block.append(1 | UInt8(step - 4) << 2 | UInt8(distance >> 8) << 5)
                block.append(UInt8(truncatingIfNeeded: distance))
            } else {
                block.append(2 | UInt8(step - 1) << 2)
                block.append(UInt8(truncatingIfNeeded: distance))
                block.append(UInt8(truncatingIfNeeded: distance >> 8))
            }
            left -= step
        }
    }
}
