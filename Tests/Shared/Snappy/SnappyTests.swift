import Testing

@testable import Snappy

@Suite struct SnappyTests {
    /// The format read plainly, one byte after another: what the quick way must agree with.
    static func naive(_ block: [UInt8]) -> [UInt8]? {
        var read = 0
        var length = 0
        var shift = 0
        while true {
            guard read < block.count, shift <= 28 else { return nil }
            length |= Int(block[read] & 0x7F) << shift
            shift += 7
            read += 1
            if block[read - 1] < 0x80 { break }
        }
        var out: [UInt8] = []
        func number(_ bytes: Int) -> Int? {
            guard block.count - read >= bytes else { return nil }
            defer { read += bytes }
            return (0..<bytes).reduce(0) { $0 | Int(block[read + $1]) << (8 * $1) }
        }
        while read < block.count {
            let tag = block[read]
            read += 1
            var count = Int(tag >> 2) + 1
            if tag & 3 == 0 {
                if count > 60 {
                    guard let long = number(count - 60) else { return nil }
                    count = long + 1
                }
                guard block.count - read >= count else { return nil }
                out += block[read..<read + count]
                read += count
            } else {
                var distance = 0
                if tag & 3 == 1 {
                    count = Int(tag >> 2 & 7) + 4
                    guard let low = number(1) else { return nil }
                    distance = Int(tag >> 5) << 8 | low
                } else {
                    guard let long = number(tag & 3 == 2 ? 2 : 4) else { return nil }
                    distance = long
                }
                guard distance > 0, distance <= out.count else { return nil }
                for _ in 0..<count { out.append(out[out.count - distance]) }
            }
            if out.count > length { return nil }
        }
        return out.count == length ? out : nil
    }

    @Test(
        arguments: [
            // The empty block, a literal, a pattern by an overlapping copy, copies with offsets of 11, 16 and 32 bits.
            ([0], ""),
            ([5, 4 << 2, 0x68, 0x65, 0x6C, 0x6C, 0x6F], "hello"),
            ([10, 1 << 2, 0x61, 0x62, 1 | 4 << 2, 2], "ababababab"),
            ([6, 2 << 2, 0x61, 0x62, 0x63, 2 | 2 << 2, 3, 0], "abcabc"),
            ([6, 2 << 2, 0x61, 0x62, 0x63, 3 | 2 << 2, 3, 0, 0, 0], "abcabc"),
            ([3, 60 << 2, 2, 0x61, 0x62, 0x63], "abc"),
        ] as [([UInt8], String)])
    func `elements mean what the format says`(block: [UInt8], text: String) throws {
        #expect(try Snappy.decompress(block) == Array(text.utf8))
    }

    @Test(
        arguments: [
            [], [0x80], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [1], [3, 4 << 2, 0x61], [2, 0, 0x61], [4, 0, 0x61, 2 | 2 << 2, 0, 0],
            [4, 0, 0x61, 2 | 2 << 2, 2, 0], [1, 0, 0x61, 0, 0x62], [4, 61 << 2, 0xFF], [9, 63 << 2, 0xFF, 0xFF, 0xFF, 0xFF], [8, 0, 0x61, 1 | 3 << 2],
        ] as [[UInt8]])
    func `what is no block is refused`(block: [UInt8]) {
        #expect(throws: SnappyError.self) { try Snappy.decompress(block) }
    }

    @Test func `a lying length takes no memory`() {
        #expect(throws: SnappyError.tooLarge(announced: 0xFFFF_FFFF, limit: 64 << 20)) { try Snappy.decompress([0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, 0x61]) }
        #expect(throws: SnappyError.corrupt("5 bytes cannot hold the 16000000 that are announced")) {
            // 16 million in 4 bytes of length.
            try Snappy.decompress([0x80, 0xC8, 0xD0, 0x07, 0])
        }
        #expect(throws: SnappyError.tooLarge(announced: 1000, limit: 999)) {
            try Snappy.decompress(Snappy.compress([UInt8](repeating: 1, count: 1000)), limit: 999)
        }
    }

    @Test(arguments: UInt64(1)...60)
    func `packing and unpacking give the same back, and both readers agree on damage`(seed: UInt64) throws {
        var random = seed
        func next(_ limit: Int) -> Int {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(random >> 33) % limit
        }
        var content: [UInt8] = []
        while content.count < next(200_000) {
            if next(3) == 0, !content.isEmpty {
                let start = next(content.count)
                content += content[start..<min(content.count, start + next(300))]
            } else {
                content += (0..<next(90)).map { _ in UInt8(next(seed % 2 == 0 ? 256 : 4)) }
            }
        }
        let block = Snappy.compress(content)
        #expect(try Snappy.decompress(block) == content, "seed \(seed)")
        #expect(Self.naive(block) == content, "seed \(seed)")
        for _ in 0..<20 {
            var damaged = Array(block.prefix(400))
            damaged[next(damaged.count)] = UInt8(next(256))
            if next(4) == 0 { damaged.removeLast(next(damaged.count)) }
            let quick = try? Snappy.decompress(damaged)
            let plain = Self.naive(damaged)
            // The quick way may refuse earlier: a length that the block cannot back.
            if let quick { #expect(plain == quick, "seed \(seed)") } else if let plain { #expect(plain.count > damaged.count * 22, "seed \(seed)") }
        }
    }
}
