/// A bitmap of the six-byte grams of a chunk's words, which rules out most chunks that cannot hold a needle.
///
/// It knows nothing of where words begin, so it is exact for any substring, also for half an identifier (docs/decisions/log-store.md
/// weighs it against word filters). ASCII letters are folded, so that it serves searches that ignore case. Only grams of letters,
/// digits, `_ . / -` and bytes above 127 count: others lie across the edge of a value and tell little. A third of them, chosen
/// by their hash, is kept; a needle of n bytes tests about (n - 5) / 3 bits of a bitmap that is mostly half full. Shorter grams would
/// nearly all occur in a chunk of random hexadecimal digits, whatever the bitmap's size.
enum GramSignature {
    static let gramBytes = 6
    /// 32 KiB: fits the first-level cache while it is filled; lines with identifiers set about half of it in 4 MiB.
    static let maximumBits = 1 << 18
    private static let minimumBits = 1 << 9

    /// Lower case for A to Z, the other bytes of words as they are, 0 for the rest.
    private static let words: [UInt8] = (0...255).map { byte in
        switch UInt8(byte) {
        case 0x41...0x5A: UInt8(byte) + 32
        case 0x61...0x7A, 0x30...0x39, 0x2D...0x2F, 0x5F, 0x80...0xFF: UInt8(byte)
        default: 0
        }
    }

    private static func hash(_ gram: UInt64) -> UInt64 { gram &* 0x9E37_79B9_7F4A_7C15 }
    private static func isKept(_ hash: UInt64) -> Bool { hash < 0x5555_5555_5555_5555 }

    /// The bitmap of `text`, a power of two bits long.
    static func build(_ text: [UInt8]) -> [UInt8] {
        let wordTable = Self.words
        let words = wordTable.span
        let input = text.span
        var bitmap = [UInt64](repeating: 0, count: maximumBits / 64)
        var gram: UInt64 = 0
        // Bytes since the word's start.
        var known = 0
        var bits = bitmap.mutableSpan
        for offset in 0..<input.count {
            let byte = words[Int(input[offset])]
            guard byte != 0 else {
                known = 0
                continue
            }
            gram = (gram << 8 | UInt64(byte)) & 0xFFFF_FFFF_FFFF
            known += 1
            guard known >= gramBytes else { continue }
            let hash = hash(gram)
            // Whether the gram is kept is as good as a throw of dice, so it is not a branch.
            let kept: UInt64 = isKept(hash) ? 1 : 0
            let bit = Int(truncatingIfNeeded: hash >> 32) & (maximumBits - 1)
            bits[bit >> 6] |= kept << UInt64(bit & 63)
        }
        return folded(bitmap)
    }

    /// Halves the bitmap while the result stays at most half full.
    private static func folded(_ full: [UInt64]) -> [UInt8] {
        var words = full
        while words.count * 64 > minimumBits {
            let half = words.count / 2
            var ones = 0
            for index in 0..<half { ones += (words[index] | words[index + half]).nonzeroBitCount }
            guard ones * 2 <= half * 64 else { break }
            for index in 0..<half { words[index] |= words[index + half] }
            words.removeLast(half)
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(words.count * 8)
        for word in words {
            for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift))) }
        }
        return bytes
    }

    /// What a needle asks of a bitmap; empty if the needle is too short to rule anything out.
    struct Probe: Sendable {
        private(set) var hashes: [UInt32] = []

        init(_ needles: [[UInt8]]) {
            var chosen: Set<UInt32> = []
            for needle in needles {
                var gram: UInt64 = 0
                var known = 0
                for byte in needle {
                    let folded = GramSignature.words[Int(byte)]
                    known = folded == 0 ? 0 : known + 1
                    gram = (gram << 8 | UInt64(folded)) & 0xFFFF_FFFF_FFFF
                    guard known >= gramBytes else { continue }
                    let hash = GramSignature.hash(gram)
                    if GramSignature.isKept(hash) { chosen.insert(UInt32(truncatingIfNeeded: hash >> 32)) }
                }
            }
            hashes = chosen.sorted()
        }

        var isEmpty: Bool { hashes.isEmpty }

        /// False only if the chunk certainly lacks a needle. A bitmap of a wrong size allows everything.
        func allows(_ bitmap: [UInt8]) -> Bool {
            let bits = bitmap.count * 8
            guard bits >= 8, bits & (bits - 1) == 0 else { return true }
            for hash in hashes {
                let bit = Int(hash) & (bits - 1)
                if bitmap[bit >> 3] & (1 << UInt8(bit & 7)) == 0 { return false }
            }
            return true
        }
    }
}
