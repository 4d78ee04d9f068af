/// Appends the integers and columns of the store's formats (docs/formats/logs.md).
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    mutating func byte(_ value: UInt8) { bytes.append(value) }

    /// Unsigned LEB128.
    mutating func unsigned(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func count(_ value: Int) { unsigned(UInt64(value)) }

    /// LEB128 of the zigzag form, so that small magnitudes of either sign are short.
    mutating func signed(_ value: Int64) { unsigned(UInt64(bitPattern: (value << 1) ^ (value >> 63))) }

    /// 4 bytes, low byte first.
    mutating func fixed32(_ value: UInt32) {
        for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
    }

    mutating func append(_ more: [UInt8]) { bytes.append(contentsOf: more) }
}

/// What makes stored bytes unreadable.
struct CodingError: Error, Hashable, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// Reads what `ByteWriter` wrote; bounds are checked at each step, so damaged bytes throw and never trap.
struct ByteReader {
    let bytes: [UInt8]
    private(set) var offset: Int

    init(_ bytes: [UInt8], at offset: Int = 0) {
        self.bytes = bytes
        self.offset = offset
    }

    var isAtEnd: Bool { offset >= bytes.count }

    mutating func byte() throws(CodingError) -> UInt8 {
        guard offset < bytes.count else { throw CodingError("ends too early") }
        offset += 1
        return bytes[offset - 1]
    }

    mutating func unsigned() throws(CodingError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while shift < 70 {
            let next = try byte()
            // The tenth byte holds only bit 63.
            guard shift < 63 || next <= 1 else { break }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return value }
            shift += 7
        }
        throw CodingError("a number is longer than 64 bits")
    }

    mutating func signed() throws(CodingError) -> Int64 {
        let raw = try unsigned()
        return Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1)
    }

    /// A count or length of at most `limit`.
    mutating func count(upTo limit: Int) throws(CodingError) -> Int {
        let value = try unsigned()
        guard value <= UInt64(limit) else { throw CodingError("a count of \(value) exceeds \(limit)") }
        return Int(value)
    }

    mutating func fixed32() throws(CodingError) -> UInt32 {
        var value: UInt32 = 0
        for shift in stride(from: 0, to: 32, by: 8) { value |= UInt32(try byte()) << UInt32(shift) }
        return value
    }

    mutating func take(_ count: Int) throws(CodingError) -> [UInt8] {
        guard count >= 0, count <= bytes.count - offset else { throw CodingError("ends too early") }
        offset += count
        return Array(bytes[offset - count..<offset])
    }
}
