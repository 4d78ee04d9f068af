/// CRC-32C (Castagnoli), polynomial 0x1EDC6F41 reflected, as in RFC 3720 section B.4.
public enum CRC32C {
    /// Eight tables, so that eight bytes are folded a step ("slicing by 8", Kounavis and Berry 2005).
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var crc = UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0x82F6_3B78 : crc >> 1 }
            tables[byte] = crc
        }
        for slice in 1..<8 {
            for byte in 0..<256 {
                let previous = tables[(slice - 1) * 256 + byte]
                tables[slice * 256 + byte] = (previous >> 8) ^ tables[Int(previous & 0xFF)]
            }
        }
        return tables
    }()

    /// The checksum of `bytes[range]`.
    public static func checksum(_ bytes: [UInt8], in range: Range<Int>) -> UInt32 {
        let tables = tables
        let table = tables.span
        let input = bytes.span
        var crc: UInt32 = 0xFFFF_FFFF
        var offset = range.lowerBound
        while offset + 8 <= range.upperBound {
            crc ^= UInt32(input[offset]) | UInt32(input[offset + 1]) << 8 | UInt32(input[offset + 2]) << 16 | UInt32(input[offset + 3]) << 24
            var next = table[7 * 256 + Int(crc & 0xFF)] ^ table[6 * 256 + Int(crc >> 8 & 0xFF)]
            next ^= table[5 * 256 + Int(crc >> 16 & 0xFF)] ^ table[4 * 256 + Int(crc >> 24)]
            next ^= table[3 * 256 + Int(input[offset + 4])] ^ table[2 * 256 + Int(input[offset + 5])]
            next ^= table[256 + Int(input[offset + 6])] ^ table[Int(input[offset + 7])]
            crc = next
            offset += 8
        }
        while offset < range.upperBound {
            crc = (crc >> 8) ^ table[Int((crc ^ UInt32(input[offset])) & 0xFF)]
            offset += 1
        }
        return ~crc
    }

    public static func checksum(_ bytes: [UInt8]) -> UInt32 { checksum(bytes, in: 0..<bytes.count) }
}
