/// Codes the classes of one column: range asymmetric numeral systems (J. Duda, arXiv 1311.2540), a 32-bit state
/// that is renormalised by 16 bits at once.
///
/// Chosen over Huffman because most columns have one class of probability near 1, which costs
/// Huffman a whole bit a value and this a small part of one.
enum EntropyCoder {
    /// The state stays at or above this, below 2^32.
    private static let lowerBound: UInt32 = 1 << 16

    /// The bytes for `classes`: the state, then 16-bit words, little endian. `tables[context]` codes a class
    /// whose predecessor is 0 (context 0) or not (the last context); the first class has context 0.
    static func encode(_ classes: [UInt8], _ tables: [FrequencyTable]) -> [UInt8] {
        let starts = tables.map(\.starts)
        let scale = UInt32(tables[0].scaleBits)
        let other = tables.count - 1
        var words: [UInt16] = []
        words.reserveCapacity(classes.count / 4)
        var state = lowerBound
        // The decoder pops what was pushed last, so the last symbol goes first.
        var position = classes.count - 1
        while position >= 0 {
            let context = position > 0 && classes[position - 1] != 0 ? other : 0
            let symbol = Int(classes[position])
            let frequency = tables[context].frequencies[symbol]
            if UInt64(state) >= UInt64(frequency) << UInt64(32 - scale) {
                words.append(UInt16(truncatingIfNeeded: state))
                state >>= 16
            }
            let (quotient, remainder) = state.quotientAndRemainder(dividingBy: frequency)
            state = quotient << scale + remainder + starts[context][symbol]
            position -= 1
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 + words.count * 2)
        bytes.appendFixed(state)
        for word in words.reversed() {
            bytes.append(UInt8(truncatingIfNeeded: word))
            bytes.append(UInt8(truncatingIfNeeded: word >> 8))
        }
        return bytes
    }

    /// What each slot of the tables decodes to: from bit 40 on the symbol's low bits (`MagnitudeClass.extraBits`), from 32 on the symbol,
    /// below it the distance from the symbol's start and the frequency, of 16 bits each. A column of a few hundred values spends more time here than on its values, so the
    /// loop is one that the compiler turns into vectors.
    private static func slots(_ tables: [FrequencyTable], count: Int) throws(ChunkError) -> [UInt64] {
        let slots = unsafe [UInt64](unsafeUninitializedCapacity: count) { output, filled in
            guard let start = output.baseAddress else { return }
            for table in tables {
                for (symbol, frequency) in table.frequencies.enumerated() where frequency > 0 {
                    guard filled + Int(frequency) <= count else { return }
                    let first = UInt64(MagnitudeClass.extraBits(symbol)) << 40 | UInt64(symbol) << 32 | UInt64(frequency & 0xFFFF)
                    // Inside the capacity by the guard.
                    let place = unsafe start + filled
                    for distance in 0..<Int(frequency) { unsafe place[distance] = first &+ UInt64(truncatingIfNeeded: distance) << 16 }
                    filled += Int(frequency)
                }
            }
        }
        guard slots.count == count else { throw .malformed("an entropy table does not fill its scale") }
        return slots
    }

    /// Calls `body` with each of `count` classes in turn, and with how many low bits it has. `bytes[range]` is what `encode` gave.
    @inline(__always)
    static func decode(
        _ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, count: Int, _ tables: [FrequencyTable], _ body: (_ kind: Int, _ extraBits: Int) -> Void
    ) throws(ChunkError) {
        precondition(range.upperBound <= bytes.count)
        let scale = UInt32(tables[0].scaleBits)
        let mask = UInt32(1) << scale - 1
        let slotsOfTable = 1 << Int(scale)
        let slots = try slots(tables, count: slotsOfTable * tables.count)
        var offset = range.lowerBound
        guard range.count >= 4 else { throw .truncated(offset: offset) }
        var state: UInt32 = 0
        for index in 0..<4 { state |= UInt32(unsafe bytes[offset + index]) << UInt32(8 * index) }
        offset += 4
        let end = range.upperBound
        let otherBase = slotsOfTable * (tables.count - 1)
        unsafe slots.withUnsafeBufferPointer { slots in
            var base = 0
            for _ in 0..<count {
                // base + (state & mask) < slots.count by construction.
                let slot = unsafe slots[base + Int(state & mask)]
                // frequency * (state >> scale) + distance < 2^32 because frequency <= 2^scale.
                let step = UInt32(truncatingIfNeeded: slot)
                state = (step & 0xFFFF) &* (state >> scale) &+ (step >> 16)
                if state < lowerBound, offset + 2 <= end {
                    let word = unsafe UInt32(bytes[offset]) | UInt32(bytes[offset + 1]) << 8
                    state = state << 16 | word
                    offset += 2
                }
                let symbol = Int(slot >> 32 & 0xFF)
                base = symbol == 0 ? 0 : otherBase
                body(symbol, Int(slot >> 40))
            }
        }
        // The encoder began here: damage that the table let through shows as another end state.
        guard state == lowerBound, offset == end else { throw .malformed("an entropy-coded column ends in the wrong state") }
    }
}
