/// The Castagnoli checksum (RFC 3720 appendix B.4), eight bytes a step.
enum CRC32C {
    /// Eight tables of 256: table k advances a byte past k more bytes of zeros ("slicing by 8").
    private static let table: [UInt32] = {
        var table = [UInt32](repeating: 0, count: 8 * 256)
        for index in 0..<256 {
            var value = UInt32(index)
            for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0x82F6_3B78 : value >> 1 }
            table[index] = value
        }
        for index in 0..<256 {
            for slice in 1..<8 {
                let previous = table[(slice - 1) * 256 + index]
                table[slice * 256 + index] = (previous >> 8) ^ table[Int(previous & 0xFF)]
            }
        }
        return table
    }()

    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        let table = table
        let lookup = table.span
        let input = bytes.span
        var crc = ~UInt32(0)
        var offset = 0
        while offset + 8 <= input.count {
            let low =
                crc ^ (UInt32(input[offset]) | UInt32(input[offset + 1]) << 8 | UInt32(input[offset + 2]) << 16 | UInt32(input[offset + 3]) << 24)
            crc = lookup[7 * 256 + Int(low & 0xFF)] ^ lookup[6 * 256 + Int(low >> 8 & 0xFF)]
            crc ^= lookup[5 * 256 + Int(low >> 16 & 0xFF)] ^ lookup[4 * 256 + Int(low >> 24)]
            crc ^= lookup[3 * 256 + Int(input[offset + 4])] ^ lookup[2 * 256 + Int(input[offset + 5])]
            crc ^= lookup[256 + Int(input[offset + 6])] ^ lookup[Int(input[offset + 7])]
            offset += 8
        }
        while offset < input.count {
            crc = crc >> 8 ^ lookup[Int((crc ^ UInt32(input[offset])) & 0xFF)]
            offset += 1
        }
        return ~crc
    }
}
