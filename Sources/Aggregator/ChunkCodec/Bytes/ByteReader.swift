/// Reads a range of bytes from the front, checking each step: the bytes come from a disk.
public struct ByteReader: Sendable {
    @usableFromInline let bytes: [UInt8]
    public private(set) var offset: Int
    public let end: Int

    public init(_ bytes: [UInt8]) {
        self.init(bytes, from: 0, to: bytes.count)
    }

    /// Reads a part of the bytes.
    public init(_ bytes: [UInt8], in range: Range<Int>) {
        self.init(bytes, from: range.lowerBound, to: range.upperBound)
    }

    init(_ bytes: [UInt8], from offset: Int, to end: Int) {
        precondition(offset >= 0 && offset <= end && end <= bytes.count)
        self.bytes = bytes
        self.offset = offset
        self.end = end
    }

    public var remaining: Int { end - offset }
    public var isAtEnd: Bool { offset == end }

    public mutating func byte() throws(ChunkError) -> UInt8 {
        guard offset < end else { throw .truncated(offset: offset) }
        defer { offset += 1 }
        return bytes[offset]
    }

    public mutating func varint() throws(ChunkError) -> UInt64 {
        let start = offset
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            guard offset < end else { throw .truncated(offset: start) }
            let byte = bytes[offset]
            offset += 1
            // The tenth byte holds only bit 63.
            guard shift < 63 || byte <= 1 else { throw .overlong(offset: start) }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    public mutating func zigzag() throws(ChunkError) -> Int64 { Int64(zigzag: try varint()) }

    /// A varint that must not exceed `limit`, so that a damaged count cannot ask for all memory.
    public mutating func count(upTo limit: Int) throws(ChunkError) -> Int {
        let start = offset
        let value = try varint()
        guard value <= UInt64(limit) else { throw .malformed("the count \(value) at offset \(start) exceeds \(limit)") }
        return Int(value)
    }

    public mutating func fixed32() throws(ChunkError) -> UInt32 {
        guard remaining >= 4 else { throw .truncated(offset: offset) }
        var value: UInt32 = 0
        for index in 0..<4 { value |= UInt32(bytes[offset + index]) << UInt32(8 * index) }
        offset += 4
        return value
    }

    public mutating func fixed64() throws(ChunkError) -> UInt64 {
        guard remaining >= 8 else { throw .truncated(offset: offset) }
        var value: UInt64 = 0
        for index in 0..<8 { value |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
        offset += 8
        return value
    }

    /// The next `count` bytes as a reader of their own.
    public mutating func take(_ count: Int) throws(ChunkError) -> ByteReader {
        guard count >= 0, count <= remaining else { throw .truncated(offset: offset) }
        defer { offset += count }
        return ByteReader(bytes, from: offset, to: offset + count)
    }

    /// A section that `appendSection` wrote.
    public mutating func section() throws(ChunkError) -> ByteReader {
        let count = try count(upTo: remaining)
        return try take(count)
    }

    /// A copy of what is left.
    public var rest: [UInt8] { Array(bytes[offset..<end]) }
}
