/// A bitmap of the six-byte grams in a chunk's text, which rules out most chunks that cannot hold a needle.
///
/// It knows nothing of words, so it is exact for any substring, also for half an identifier, and needs no
/// tokenizer (docs/decisions/log-store.md weighs it against word filters). ASCII letters are folded, so that
/// it serves searches that ignore case. Every second gram, chosen by its hash, is kept; a needle
/// of n bytes tests about (n - 5) / 2 bits of a bitmap that is at most three quarters full. Shorter grams would nearly all occur
/// in a chunk of random hexadecimal digits, whatever the bitmap's size.
enum GramSignature {
    static let gramBytes = 6
    /// 64 KiB: for 4 MiB of random text; lines of services mostly take half of it.
    static let maximumBits = 1 << 19
    private static let minimumBits = 1 << 9

    /// Lower case for A to Z, everything else as it is.
    static let folding: [UInt8] = (0...255).map { (65...90).contains($0) ? UInt8($0) + 32 : UInt8($0) }

    private static func hash(_ gram: UInt64) -> UInt64 { gram &* 0x9E37_79B9_7F4A_7C15 }

    /// The bitmap of `text`, a power of two bits long. Grams that hold a line feed are left out.
    static func build(_ text: [UInt8]) -> [UInt8] {
        let folding = Self.folding
        let fold = folding.span
        let input = text.span
        var words = [UInt64](repeating: 0, count: maximumBits / 64)
        var gram: UInt64 = 0
        // Bytes since the last line feed.
        var known = 0
        var bits = words.mutableSpan
        for offset in 0..<input.count {
            let byte = input[offset]
            guard byte != 0x0A else {
                known = 0
                continue
            }
            gram = (gram << 8 | UInt64(fold[Int(byte)])) & 0xFFFF_FFFF_FFFF
            known += 1
            guard known >= gramBytes else { continue }
            let hash = hash(gram)
            // Whether the gram is kept is as good as a coin, so it is not a branch.
            let bit = Int(truncatingIfNeeded: hash >> 32) & (maximumBits - 1)
            bits[bit >> 6] |= (~hash >> 63) << UInt64(bit & 63)
        }
        return folded(words)
    }

    /// Halves the bitmap while the result stays at most three quarters full.
    private static func folded(_ full: [UInt64]) -> [UInt8] {
        var words = full
        while words.count * 64 > minimumBits {
            let half = words.count / 2
            var ones = 0
            for index in 0..<half { ones += (words[index] | words[index + half]).nonzeroBitCount }
            guard ones * 4 <= half * 64 * 3 else { break }
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
            for needle in needles where needle.count >= gramBytes && !needle.contains(0x0A) {
                for start in 0...needle.count - gramBytes {
                    var gram: UInt64 = 0
                    for byte in needle[start..<start + gramBytes] { gram = gram << 8 | UInt64(GramSignature.folding[Int(byte)]) }
                    let hash = GramSignature.hash(gram)
                    if hash >> 63 == 0 { chosen.insert(UInt32(truncatingIfNeeded: hash >> 32)) }
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
