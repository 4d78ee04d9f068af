import TestKit

extension SeededGenerator {
    /// Bytes as the kernel's tables have them, and some that they never have.
    mutating func tableBytes(_ count: Int) -> [UInt8] {
        let alphabet = Array("0123456789abcdefABCDEF:: \n\t--()TcpExt: Max open files 99999999999999999999".utf8) + [0, 0xFF, 0x80]
        return (0..<count).map { _ in alphabet.randomElement(using: &self)! }
    }
}
