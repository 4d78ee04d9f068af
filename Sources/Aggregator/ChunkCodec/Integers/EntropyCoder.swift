import Glibc

/// A static entropy coder for the classes of one column: range asymmetric numeral systems
/// (J. Duda, arXiv 1311.2540), 32-bit state, renormalised by bytes.
///
/// Chosen over Huffman because most columns have one class of probability near 1, which costs
/// Huffman a whole bit a value and this a small part of one.
enum EntropyCoder {
    /// The state stays in [2^23, 2^31).
    private static let lowerBound: UInt32 = 1 << 23

    /// Frequencies that sum to 2^scaleBits.
    struct Model {
        var scaleBits: Int
        var frequencies: [UInt32]

        init(scaleBits: Int, frequencies: [UInt32]) {
            self.scaleBits = scaleBits
            self.frequencies = frequencies
        }

        /// Scales counts; each class that occurs keeps at least 1.
        init(counts: [Int]) {
            let total = counts.reduce(0, +)
            let used = counts.count { $0 > 0 }
            // A finer scale than the data supports only makes the table longer.
            var bits = 8
            while bits < 12, 1 << bits < max(total / 2, used * 4) { bits += 1 }
            scaleBits = bits
            let scale = 1 << bits
            frequencies = counts.map { $0 == 0 ? 0 : UInt32(max(1, $0 * scale / total)) }
            var sum = Int(frequencies.reduce(0, +))
            while sum != scale {
                // The commonest class bears the rounding: it loses least by it.
                let position = frequencies.indices.max { frequencies[$0] < frequencies[$1] }!
                let change = sum < scale ? scale - sum : -min(sum - scale, max(1, Int(frequencies[position]) / 2))
                frequencies[position] = UInt32(Int(frequencies[position]) + change)
                sum += change
            }
        }

        func write(to bytes: inout [UInt8]) {
            bytes.append(UInt8(scaleBits))
            bytes.appendVarint(frequencies.count { $0 > 0 })
            var previous = -1
            for (position, frequency) in frequencies.enumerated() where frequency > 0 {
                bytes.appendVarint(position - previous - 1)
                bytes.appendVarint(UInt64(frequency - 1))
                previous = position
            }
        }

        init(from reader: inout ByteReader) throws(ChunkError) {
            scaleBits = Int(try reader.byte())
            guard scaleBits >= 1, scaleBits <= 14 else { throw .malformed("an entropy table of scale \(scaleBits)") }
            frequencies = Array(repeating: 0, count: MagnitudeClass.count)
            var position = -1
            var sum: UInt32 = 0
            for _ in 0..<(try reader.count(upTo: MagnitudeClass.count)) {
                position += try reader.count(upTo: MagnitudeClass.count) + 1
                guard position < MagnitudeClass.count else { throw .malformed("an entropy table names class \(position)") }
                let frequency = UInt32(try reader.count(upTo: 1 << 14)) + 1
                frequencies[position] = frequency
                sum += frequency
            }
            guard sum == 1 << UInt32(scaleBits) else { throw .malformed("an entropy table sums to \(sum), not 2^\(scaleBits)") }
        }

        var starts: [UInt32] {
            var next: UInt32 = 0
            return frequencies.map { frequency in
                defer { next += frequency }
                return next
            }
        }
    }

    /// The bytes for `classes`, whose every member has a frequency above 0.
    static func encode(_ classes: [UInt8], _ model: Model) -> [UInt8] {
        let starts = model.starts
        let scale = UInt32(model.scaleBits)
        var reversed: [UInt8] = []
        var state = lowerBound
        // The decoder pops what was pushed last, so the last symbol goes first.
        for symbol in classes.reversed() {
            let frequency = model.frequencies[Int(symbol)]
            let limit = UInt64(lowerBound >> scale) << 8 * UInt64(frequency)
            while UInt64(state) >= limit {
                reversed.append(UInt8(truncatingIfNeeded: state))
                state >>= 8
            }
            state = (state / frequency) << scale + state % frequency + starts[Int(symbol)]
        }
        for shift in stride(from: UInt32(0), to: 32, by: 8) { reversed.append(UInt8(truncatingIfNeeded: state >> shift)) }
        reversed.reverse()
        return reversed
    }

    /// Calls `body` with each of `count` classes in turn.
    @inline(__always)
    static func decode(
        _ reader: ByteReader, count: Int, _ model: Model, _ body: (Int) throws(ChunkError) -> Void
    ) throws(ChunkError) {
        let starts = model.starts
        let frequencies = model.frequencies
        var symbols = [UInt8](repeating: 0, count: 1 << model.scaleBits)
        for (position, frequency) in frequencies.enumerated() where frequency > 0 {
            for slot in Int(starts[position])..<Int(starts[position] + frequency) { symbols[slot] = UInt8(position) }
        }
        let scale = UInt32(model.scaleBits)
        let mask = UInt32(1) << scale - 1
        let bytes = reader.bytes
        var offset = reader.offset
        guard reader.remaining >= 4 else { throw .truncated(offset: offset) }
        var state: UInt32 = 0
        for _ in 0..<4 {
            state = state << 8 | UInt32(bytes[offset])
            offset += 1
        }
        guard state < 1 << 31 else { throw .malformed("an entropy coder's state is out of range") }
        for _ in 0..<count {
            let slot = state & mask
            let symbol = Int(symbols[Int(slot)])
            // frequency * (state >> scale) < 2^31 because state < 2^31 and frequency <= 2^scale.
            state = frequencies[symbol] * (state >> scale) + slot - starts[symbol]
            while state < lowerBound {
                guard offset < reader.end else { throw .truncated(offset: offset) }
                state = state << 8 | UInt32(bytes[offset])
                offset += 1
            }
            try body(symbol)
        }
        // The encoder began here: damage that the table let through shows as another end state.
        guard state == lowerBound, offset == reader.end else { throw .malformed("an entropy-coded column ends in the wrong state") }
    }

    /// The size in bits that coding `counts` would take, table included, about.
    static func estimatedBits(_ counts: [Int], total: Int) -> Double {
        var bits = 0.0
        for (position, count) in counts.enumerated() where count > 0 {
            bits += Double(count) * (log2(Double(total) / Double(count)) + Double(MagnitudeClass.extraBits(position)))
            // A class in the table: its distance and its frequency.
            bits += 20
        }
        return bits + 56
    }
}
