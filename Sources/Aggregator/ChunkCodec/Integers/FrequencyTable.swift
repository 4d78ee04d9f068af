import Glibc

/// How often each class of a column occurs, rounded so that the table itself takes few bits: a column of a
/// few hundred values cannot pay for exact counts.
///
/// A count is kept as a power of two in steps of a quarter. The error of that costs at most 0.003 bits a value,
/// an exact table 8 to 12 bits a class.
struct FrequencyTable {
    /// 16 * 2^(q/4), rounded; index q from 1. Integers, so that every machine builds the same table.
    static let weights: [UInt32] = {
        // 2^(0/4), 2^(1/4), 2^(2/4), 2^(3/4) as 16-bit fractions.
        let quarters: [UInt64] = [65_536, 77_936, 92_682, 110_218]
        return (0..<levels).map { level in UInt32((quarters[level % 4] << UInt64(level / 4)) >> 12) }
    }()
    static let levels = 60

    /// Per class; 0 if it does not occur.
    private(set) var frequencies: [UInt32]
    let scaleBits: Int
    private let quantized: [UInt8]

    /// From counts of classes; at least one is not 0.
    init(counts: [Int]) {
        let total = counts.reduce(0, +)
        let largest = counts.max()!
        // The largest count is level 59 or less; others lie below it.
        quantized = counts.map { count in
            guard count > 0 else { return 0 }
            let below = log2(Double(largest) / Double(count)) * 4
            return UInt8(max(1, FrequencyTable.levels - 1 - Int(below.rounded())))
        }
        scaleBits = FrequencyTable.scaleBits(total: total)
        frequencies = FrequencyTable.scale(quantized, scaleBits)
    }

    /// The same with the scale of a column of `total` values.
    func scaled(total: Int) -> FrequencyTable { FrequencyTable(levels: quantized, scaleBits: FrequencyTable.scaleBits(total: total)) }

    private init(levels: [UInt8], scaleBits: Int) {
        quantized = levels
        self.scaleBits = scaleBits
        frequencies = FrequencyTable.scale(levels, scaleBits)
    }

    /// Of a shape: not to be written.
    init(frequencies: [UInt32], scaleBits: Int) {
        self.frequencies = frequencies
        self.scaleBits = scaleBits
        quantized = []
    }

    /// How many bits these classes take.
    func bits(_ counts: [Int]) -> Double {
        var bits = 0.0
        for kind in counts.indices where counts[kind] > 0 {
            bits += Double(counts[kind]) * (Double(scaleBits) - log2(Double(max(1, frequencies[kind]))))
        }
        return bits
    }

    static func scaleBits(total: Int) -> Int { total >= 2048 ? 12 : total >= 384 ? 11 : 10 }

    /// Frequencies that sum to 2^scaleBits; each class that occurs has at least 1.
    private static func scale(_ quantized: [UInt8], _ scaleBits: Int) -> [UInt32] {
        let scale = 1 << scaleBits
        let table = FrequencyTable.weights
        let weights = quantized.map { $0 == 0 ? 0 : Int(table[Int($0)]) }
        let sum = weights.reduce(0, +)
        guard sum > 0 else { return [] }
        var result = weights.map { $0 == 0 ? 0 : UInt32(max(1, $0 * scale / sum)) }
        var total = Int(result.reduce(0, +))
        while total != scale {
            // The commonest class bears the rounding: it loses least by it.
            var position = 0
            for index in result.indices where result[index] > result[position] { position = index }
            let change = total < scale ? scale - total : -min(total - scale, max(1, Int(result[position]) / 2))
            result[position] = UInt32(Int(result[position]) + change)
            total += change
        }
        return result
    }

    var starts: [UInt32] {
        var next: UInt32 = 0
        return frequencies.map { frequency in
            defer { next += frequency }
            return next
        }
    }

    // MARK: Written as: first class (8 bits), number of classes less one (8), first level (6), then each level as
    // the change from the one before, a class that does not occur as level 0.

    func write(to bits: inout BitWriter) {
        let first = quantized.firstIndex { $0 > 0 }!
        let last = quantized.lastIndex { $0 > 0 }!
        bits.write(UInt64(first), width: 8)
        bits.write(UInt64(last - first), width: 8)
        bits.write(UInt64(quantized[first]), width: 6)
        var previous = quantized[first]
        var position = first + 1
        while position <= last {
            let level = quantized[position]
            if level == 0 {
                // A gap: code 1, then its length as an Elias gamma number.
                var end = position
                while quantized[end] == 0 { end += 1 }
                FrequencyTable.writeGamma(1, to: &bits)
                FrequencyTable.writeGamma(UInt64(end - position), to: &bits)
                position = end
                continue
            }
            FrequencyTable.writeGamma((Int64(level) - Int64(previous)).zigzag + 2, to: &bits)
            previous = level
            position += 1
        }
    }

    init(from bits: inout BitReader, total: Int) throws(ChunkError) {
        let first = Int(bits.read(width: 8))
        let last = first + Int(bits.read(width: 8))
        guard last < MagnitudeClass.count else { throw .malformed("an entropy table names class \(last)") }
        var levels = [UInt8](repeating: 0, count: MagnitudeClass.count)
        var previous = Int64(bits.read(width: 6))
        guard previous > 0, previous < Int64(FrequencyTable.levels) else { throw .malformed("an entropy table of level \(previous)") }
        levels[first] = UInt8(previous)
        var position = first + 1
        while position <= last {
            let code = try FrequencyTable.readGamma(&bits)
            if code == 1 {
                let gap = try FrequencyTable.readGamma(&bits)
                guard gap <= UInt64(last - position) else { throw .malformed("a gap of \(gap) classes in an entropy table") }
                position += Int(gap)
                continue
            }
            previous &+= Int64(zigzag: code - 2)
            guard previous > 0, previous < Int64(FrequencyTable.levels) else { throw .malformed("an entropy table of level \(previous)") }
            levels[position] = UInt8(previous)
            position += 1
        }
        self.init(levels: levels, scaleBits: FrequencyTable.scaleBits(total: total))
    }

    /// Elias' gamma code of a number above 0: as many zeros as it has bits after the first, a one, those bits.
    private static func writeGamma(_ value: UInt64, to bits: inout BitWriter) {
        let extra = 63 - value.leadingZeroBitCount
        bits.write(1 << UInt64(extra), width: extra + 1)
        bits.write(value, width: extra)
    }

    private static func readGamma(_ bits: inout BitReader) throws(ChunkError) -> UInt64 {
        var extra = 0
        while bits.read(width: 1) == 0 {
            extra += 1
            guard extra <= 16 else { throw .malformed("a number in an entropy table is too long") }
        }
        return 1 << UInt64(extra) | bits.read(width: extra)
    }

    /// Bits that a table of these classes takes, about.
    static func estimatedBits(classes: Int) -> Double { 22 + 3.6 * Double(classes) }
}
