import Telemetry

extension Labels {
    /// The hash by which Prometheus 3 chooses elements for `limit_ratio`, so that the same share of the same series is kept
    /// here and there: XXH64 of names and values, each behind its length (Prometheus model/labels, `stringlabels`, which
    /// 3.x is built with). A length is one byte below 255, else 255 and three bytes, low first.
    var prometheusHash: UInt64 {
        var bytes: [UInt8] = []
        for label in list {
            for text in [label.name, label.value] {
                let length = text.utf8.count
                if length < 255 {
                    bytes.append(UInt8(length))
                } else {
                    bytes += [255, UInt8(truncatingIfNeeded: length), UInt8(truncatingIfNeeded: length >> 8), UInt8(truncatingIfNeeded: length >> 16)]
                }
                bytes += text.utf8
            }
        }
        return XXH64.hash(bytes)
    }
}

/// Yann Collet's XXH64 without a seed (github.com/Cyan4973/xxHash, doc/xxhash_spec.md).
enum XXH64 {
    private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
    private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
    private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
    private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

    static func hash(_ bytes: [UInt8]) -> UInt64 {
        var position = 0
        var result = prime5
        if bytes.count >= 32 {
            var lanes: [4 of UInt64] = [prime1 &+ prime2, prime2, 0, 0 &- prime1]
            while position + 32 <= bytes.count {
                for lane in 0..<4 { lanes[lane] = round(lanes[lane], word(bytes, position + lane * 8, 8)) }
                position += 32
            }
            result = rotated(lanes[0], 1) &+ rotated(lanes[1], 7) &+ rotated(lanes[2], 12) &+ rotated(lanes[3], 18)
            for lane in 0..<4 { result = (result ^ round(0, lanes[lane])) &* prime1 &+ prime4 }
        }
        result &+= UInt64(bytes.count)
        while position + 8 <= bytes.count {
            result = rotated(result ^ round(0, word(bytes, position, 8)), 27) &* prime1 &+ prime4
            position += 8
        }
        if position + 4 <= bytes.count {
            result = rotated(result ^ word(bytes, position, 4) &* prime1, 23) &* prime2 &+ prime3
            position += 4
        }
        for byte in bytes[position...] { result = rotated(result ^ UInt64(byte) &* prime5, 11) &* prime1 }
        result = (result ^ result >> 33) &* prime2
        result = (result ^ result >> 29) &* prime3
        return result ^ result >> 32
    }

    private static func round(_ lane: UInt64, _ input: UInt64) -> UInt64 { rotated(lane &+ input &* prime2, 31) &* prime1 }
    private static func rotated(_ value: UInt64, _ count: UInt64) -> UInt64 { value << count | value >> (64 - count) }

    /// Low byte first.
    private static func word(_ bytes: [UInt8], _ position: Int, _ count: Int) -> UInt64 {
        (0..<count).reduce(0) { $0 | UInt64(bytes[position + $1]) << UInt64($1 * 8) }
    }
}
