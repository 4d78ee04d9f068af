/// Random numbers that a seed repeats (splitmix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    /// Bytes as the kernel's tables have them, and some that they never have.
    mutating func tableBytes(_ count: Int) -> [UInt8] {
        let alphabet = Array("0123456789abcdefABCDEF:: \n\t--()TcpExt: Max open files 99999999999999999999".utf8) + [0, 0xFF, 0x80]
        return (0..<count).map { _ in alphabet.randomElement(using: &self)! }
    }
}
