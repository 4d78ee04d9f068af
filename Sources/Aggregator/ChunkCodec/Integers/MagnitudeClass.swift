/// Splits a number into a class, which is entropy-coded, and low bits, which are nearly random and stored as they are.
///
/// Below 16 each number is a class. Above, each octave has four classes, so that within a class the
/// distribution of usual data is almost flat. 256 classes cover all of UInt64.
enum MagnitudeClass {
    static let count = 256

    @inline(__always)
    static func of(_ value: UInt64) -> Int {
        guard value >= 16 else { return Int(value) }
        let octave = 63 - value.leadingZeroBitCount
        return 16 + (octave - 4) * 4 + Int(value >> UInt64(octave - 2) & 3)
    }

    /// How many low bits a number of this class has besides its class.
    @inline(__always)
    static func extraBits(_ class: Int) -> Int { `class` < 16 ? 0 : (`class` - 16) / 4 + 2 }

    /// The smallest number of the class.
    @inline(__always)
    static func base(_ class: Int) -> UInt64 {
        `class` < 16 ? UInt64(`class`) : UInt64(4 + (`class` - 16) % 4) << UInt64(extraBits(`class`))
    }

    /// `base` of each class.
    static let bases: [UInt64] = (0..<count).map { base($0) }
}
