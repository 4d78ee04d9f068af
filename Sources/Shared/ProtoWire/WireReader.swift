/// Walks over the fields of one protobuf message without copying.
///
/// The bytes stay with the caller, who passes them to each call: a reader is only a place in them, so messages within
/// messages cost nothing and no pointer is kept. Every length is checked against the end of the enclosing message
/// before anything is read or allocated.
/// (Wire format: protobuf.dev, "Encoding": tag = number << 3 | type; 0 varint, 1 eight bytes, 2 length, 5 four bytes.)
public struct WireReader: Sendable {
    public enum Kind: UInt8, Sendable {
        case varint = 0
        case fixed64 = 1
        case bytes = 2
        case fixed32 = 5
    }

    /// Where the next byte is read.
    public var offset: Int
    /// Where this message ends.
    public let end: Int
    /// Of the field that `next` found.
    public var number = 0
    public var kind = Kind.varint
    /// Where that field's tag began.
    public var start = 0

    @inlinable
    public init(_ bytes: Span<UInt8>) { self.init(0..<bytes.count) }

    /// The message that lies in `range` of the bytes that are passed to the other calls.
    @inlinable
    public init(_ range: Range<Int>) {
        offset = range.lowerBound
        end = range.upperBound
    }

    /// Goes to the next field; false at the end of the message. The value must be read or skipped before the next call.
    @inlinable
    public mutating func next(_ bytes: Span<UInt8>) throws(WireError) -> Bool {
        guard offset < end else { return false }
        let begin = offset
        let tag = try varint(bytes)
        guard tag >> 3 != 0, tag >> 3 <= 536_870_911, let kind = Kind(rawValue: UInt8(tag & 7)) else { throw .malformedTag(offset: begin) }
        number = Int(tag >> 3)
        self.kind = kind
        start = begin
        return true
    }

    /// An unsigned number: seven bits a byte, low group first.
    @inlinable
    public mutating func varint(_ bytes: Span<UInt8>) throws(WireError) -> UInt64 {
        let begin = offset
        guard offset < end else { throw .truncated(offset: begin) }
        let first = bytes[offset]
        if first < 0x80 {
            offset += 1
            return UInt64(first)
        }
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while offset < end {
            let byte = bytes[offset]
            offset += 1
            // The tenth byte holds only bit 63.
            guard shift < 63 || byte <= 1 else { throw .overlong(offset: begin) }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
            guard shift <= 63 else { throw .overlong(offset: begin) }
        }
        throw .truncated(offset: begin)
    }

    /// A signed number in zigzag form (`sint32`, `sint64`).
    @inlinable
    public mutating func zigzag(_ bytes: Span<UInt8>) throws(WireError) -> Int64 {
        let value = try varint(bytes)
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// Eight bytes, low first (`fixed64`, `sfixed64`, `double`).
    @inlinable
    public mutating func fixed64(_ bytes: Span<UInt8>) throws(WireError) -> UInt64 {
        guard end - offset >= 8, end <= bytes.count else { throw .truncated(offset: offset) }
        // Within the span by the line above; any bit pattern is an integer.
        let value = unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
        offset += 8
        return UInt64(littleEndian: value)
    }

    @inlinable
    public mutating func double(_ bytes: Span<UInt8>) throws(WireError) -> Double { Double(bitPattern: try fixed64(bytes)) }

    @inlinable
    public mutating func fixed32(_ bytes: Span<UInt8>) throws(WireError) -> UInt32 {
        guard end - offset >= 4, end <= bytes.count else { throw .truncated(offset: offset) }
        // Within the span by the line above; any bit pattern is an integer.
        let value = unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self)
        offset += 4
        return UInt32(littleEndian: value)
    }

    /// The place of a string, bytes or message, which is then behind the reader.
    @inlinable
    public mutating func range(_ bytes: Span<UInt8>) throws(WireError) -> Range<Int> {
        let begin = offset
        let length = try varint(bytes)
        guard length <= UInt64(end - offset) else { throw .truncated(offset: begin) }
        let range = offset..<offset + Int(length)
        offset = range.upperBound
        return range
    }

    /// A message within this one.
    @inlinable
    public mutating func message(_ bytes: Span<UInt8>) throws(WireError) -> WireReader { WireReader(try range(bytes)) }

    /// A string; bytes that are no UTF-8 become U+FFFD.
    public mutating func string(_ bytes: Span<UInt8>) throws(WireError) -> String { String(copying: bytes, try range(bytes)) }

    /// Goes behind a value that nobody wants.
    @inlinable
    public mutating func skip(_ bytes: Span<UInt8>) throws(WireError) {
        switch kind {
        case .varint: _ = try varint(bytes)
        case .fixed64: _ = try fixed64(bytes)
        case .bytes: _ = try range(bytes)
        case .fixed32: _ = try fixed32(bytes)
        }
    }

    /// Refuses a known field that came with another wire type.
    @inlinable
    public func expect(_ expected: Kind) throws(WireError) { if kind != expected { throw .wrongType(field: number, offset: start) } }

    /// The values of a repeated number field, which comes packed or one by one.
    @inlinable
    public mutating func repeated(
        _ bytes: Span<UInt8>, _ element: Kind, _ each: (inout WireReader, Span<UInt8>) throws(WireError) -> Void
    ) throws(WireError) {
        if kind == .bytes, element != .bytes {
            var packed = try message(bytes)
            while packed.offset < packed.end { try each(&packed, bytes) }
        } else {
            try expect(element)
            try each(&self, bytes)
        }
    }
}

extension String {
    /// The text in `range` of the bytes; what is no UTF-8 becomes U+FFFD.
    public init(copying bytes: Span<UInt8>, _ range: Range<Int>) {
        // The span's own bounds hold for the buffer, which does not outlive the closure.
        self = unsafe bytes.extracting(range).withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
