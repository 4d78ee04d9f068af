/// 128 bits that stand for a request's bytes, the same in every process: a retry has the same, two different requests
/// practically never. No cryptography: who makes two bodies of one hash loses their own second body.
struct BodyHash: Hashable, Sendable {
    var high: UInt64
    var low: UInt64

    /// Two lanes of a folded 128-bit product over 16 bytes a step, as wyhash's one.
    init(_ bytes: Span<UInt8>) {
        let raw = unsafe bytes.bytes
        var first: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(bytes.count)
        var second: UInt64 = 0xD1B5_4A32_D192_ED03
        var offset = 0
        // Every load ends at or before the span's end.
        while bytes.count - offset >= 16 {
            let a = unsafe UInt64(littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
            let b = unsafe UInt64(littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
            first = Self.fold(first ^ a, 0xE703_7ED1_A0B4_28DB ^ b)
            second = Self.fold(second ^ b, 0x8EBC_6AF0_9C88_C6E3 ^ a)
            offset += 16
        }
        var a: UInt64 = 0
        var b: UInt64 = 0
        for (place, index) in (offset..<bytes.count).enumerated() {
            if place < 8 { a |= UInt64(bytes[index]) << UInt64(place * 8) } else { b |= UInt64(bytes[index]) << UInt64(place * 8 - 64) }
        }
        first = Self.fold(first ^ a, 0xE703_7ED1_A0B4_28DB ^ b)
        second = Self.fold(second ^ b ^ 0xA076_1D64_78BD_642F, 0x8EBC_6AF0_9C88_C6E3 ^ a)
        high = Self.fold(first ^ 0x5899_65CC_7537_4CC3, second ^ 0x1D8E_4E27_C47D_124F)
        low = Self.fold(second ^ first, 0xEB44_ACCA_B455_D165 ^ UInt64(bytes.count))
    }

    init(_ text: String) {
        let bytes = Array(text.utf8)
        self.init(bytes.span)
    }

    private static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        // With the factors themselves, so that a zero does not wipe out what came before.
        return (product.high ^ product.low) &+ (a ^ b.byteSwapped)
    }

    /// 32 hexadecimal digits.
    var text: String {
        [high, low].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
