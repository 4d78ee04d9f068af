import Glibc

/// A table of frequencies from four numbers instead of one a class: most columns' distances from their middle fall off as
/// exp(-(d/a)^p), be they noise, waiting times or a mixture of such, with more zeros than that.
///
/// The frequencies are made by additions, multiplications, divisions and square roots of doubles alone, which IEEE 754 rounds
/// the same everywhere: each machine gets the same table. (Not so `exp` of a C library.)
struct ShapeTable: Hashable {
    /// p: a half, one (Laplace), two (Gauss).
    enum Fall: UInt8, CaseIterable { case root = 0, linear = 1, square = 2 }

    var fall: Fall
    /// a = 2^(scale/8).
    var scale: Int
    /// The classes that occur.
    var first: Int
    var last: Int
    /// In 256ths: how much of all class 0 has; 0: as much as the shape says.
    var zeroShare: Int

    static let scaleBits = 12
    private static let largestScale = 8 * 63

    // MARK: Frequencies

    /// Of all classes; they sum to 2^scaleBits, and each from `first` to `last` has at least 1.
    var table: FrequencyTable {
        var weights = [Double](repeating: 0, count: MagnitudeClass.count)
        let sum = weigh(&weights)
        let total = 1 << Self.scaleBits
        var frequencies = [UInt32](repeating: 0, count: MagnitudeClass.count)
        let zero = zeroShare > 0 && first == 0 ? zeroShare * total / 256 : 0
        // One for each, the rest by weight.
        let spread = Double(max(0, total - zero - (last - first + 1)))
        let share = sum > 0 ? spread / sum : 0
        var given = 0
        for kind in first...last {
            frequencies[kind] = kind == 0 && zero > 0 ? UInt32(zero) : 1 + UInt32(weights[kind] * share)
            given += Int(frequencies[kind])
        }
        // Rounding down leaves a few over, and a shape that is nowhere near leaves all: the commonest gets them.
        var commonest = first
        for kind in first...last where frequencies[kind] > frequencies[commonest] { commonest = kind }
        frequencies[commonest] = UInt32(max(1, Int(frequencies[commonest]) + total - given))
        return FrequencyTable(frequencies: frequencies, scaleBits: Self.scaleBits)
    }

    /// The integral of the density over each class' numbers, which are distances of both signs in turn; their sum.
    private func weigh(_ weights: inout [Double]) -> Double {
        let half = 0.5 * (1 / (Self.roots[scale & 7] * Self.power(of2: scale >> 3)))
        var sum = 0.0
        // The density where the class before ended.
        var edge = 0.0
        var isEdgeKnown = false
        for kind in first...last where kind > 0 || zeroShare == 0 {
            let base = MagnitudeClass.bases[kind]
            let weight: Double
            if kind < 16 {
                weight = density(Double(((base + 1) >> 1) << 1) * half)
            } else {
                let width = Self.power(of2: MagnitudeClass.extraBits(kind))
                let low = Double(base)
                let start = isEdgeKnown ? edge : density(low * half)
                edge = density((low + width) * half)
                isEdgeKnown = true
                // Simpson's rule.
                weight = width / 6 * (start + 4 * density((low + width / 2) * half) + edge)
            }
            weights[kind] = weight
            sum += weight
        }
        return sum
    }

    private func density(_ distance: Double) -> Double {
        switch fall {
        case .root: Self.exponential(distance.squareRoot())
        case .linear: Self.exponential(distance)
        case .square: Self.exponential(distance * distance)
        }
    }

    /// 2^exponent, for exponents from -1022 to 1023.
    private static func power(of2 exponent: Int) -> Double { Double(bitPattern: UInt64(1023 + exponent) << 52) }
    /// 2^(n/8).
    private static let roots: [Double] = [
        1, 1.0905077326652577, 1.189207115002721, 1.2968395546510096, 1.4142135623730951, 1.5422108254079407, 1.681792830507429, 1.8340080864093424,
    ]

    /// e^-x for x >= 0, to nine places or so.
    @inline(__always)
    private static func exponential(_ x: Double) -> Double {
        let binary = x * 1.4426950408889634
        guard binary < 60 else { return 0 }
        let whole = binary.rounded(.down)
        // 2^-f, f from 0 to 1, as the series of e^t.
        let t = (binary - whole) * -0.6931471805599453
        var sum = 1.0 / 362_880
        sum = sum * t + 1.0 / 40_320
        sum = sum * t + 1.0 / 5_040
        sum = sum * t + 1.0 / 720
        sum = sum * t + 1.0 / 120
        sum = sum * t + 1.0 / 24
        sum = sum * t + 1.0 / 6
        sum = sum * t + 0.5
        sum = sum * t + 1
        sum = sum * t + 1
        return sum * power(of2: -Int(whole))
    }

    // MARK: The best shape

    /// The shape that codes these counts of classes in the fewest bits, and how many; nil if they are too few.
    static func best(_ counts: [Int], mayHaveZeros: Bool) -> (shape: ShapeTable, bits: Double)? {
        guard let first = counts.firstIndex(where: { $0 > 0 }), let last = counts.lastIndex(where: { $0 > 0 }), last > 1 else { return nil }
        let total = counts.reduce(0, +)
        var best: (shape: ShapeTable, bits: Double)?
        var shares = [0]
        if mayHaveZeros, first == 0 { shares.append(max(1, min(255, (counts[0] * 256 + total / 2) / total))) }
        for zeroShare in shares {
            var moments = (root: 0.0, linear: 0.0, square: 0.0)
            var counted = 0.0
            for kind in first...last where counts[kind] > 0 && (kind > 0 || zeroShare == 0) {
                let middle = (Double(MagnitudeClass.base(kind)) + 0.5 * power(of2: MagnitudeClass.extraBits(kind))) / 2
                let weight = Double(counts[kind])
                moments.root += weight * middle.squareRoot()
                moments.linear += weight * middle
                moments.square += weight * middle * middle
                counted += weight
            }
            guard counted > 0 else { continue }
            for fall in Fall.allCases {
                // The likeliest a, as for a continuous distribution.
                let estimate =
                    switch fall {
                    case .root: (moments.root / counted / 2) * (moments.root / counted / 2)
                    case .linear: moments.linear / counted
                    case .square: (2 * moments.square / counted).squareRoot()
                    }
                let middle = Int((8 * log2(max(estimate, 0.25))).rounded())
                for scale in middle - 1...middle + 1 where (0...largestScale).contains(scale) {
                    let shape = ShapeTable(fall: fall, scale: scale, first: first, last: last, zeroShare: zeroShare)
                    let bits = shape.table.bits(counts) + shape.writtenBits
                    if bits < best?.bits ?? .infinity { best = (shape, bits) }
                }
            }
        }
        return best
    }

    // MARK: Bytes

    private var writtenBits: Double { 40 }

    func write(to bytes: inout [UInt8]) {
        bytes.appendVarint(scale << 2 | Int(fall.rawValue))
        bytes.append(UInt8(first))
        bytes.append(UInt8(last))
        bytes.append(UInt8(zeroShare))
    }

    init(from reader: inout ByteReader) throws(ChunkError) {
        let number = try reader.count(upTo: Self.largestScale << 2 | 3)
        guard let fall = Fall(rawValue: UInt8(number & 3)) else { throw .malformed("a shape of kind \(number & 3)") }
        self.fall = fall
        scale = number >> 2
        first = Int(try reader.byte())
        last = Int(try reader.byte())
        guard first <= last else { throw .malformed("a shape of classes \(first) to \(last)") }
        zeroShare = Int(try reader.byte())
    }

    init(fall: Fall, scale: Int, first: Int, last: Int, zeroShare: Int) {
        self.fall = fall
        self.scale = scale
        self.first = first
        self.last = last
        self.zeroShare = zeroShare
    }
}
