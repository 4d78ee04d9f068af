/// Walks the fields of one protobuf message.
struct ProtobufReader {
    enum Value {
        case varint(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        case bytes(ArraySlice<UInt8>)
    }
    /// - Parameter offset: where in the body the text ends or goes wrong.
    struct Failure: Error { var offset: Int }

    private let bytes: ArraySlice<UInt8>
    private var offset: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        offset = bytes.startIndex
    }

    /// The next field's number and value; nil at the end.
    mutating func next() throws(Failure) -> (number: Int, value: Value)? {
        guard offset < bytes.endIndex else { return nil }
        let key = try varint()
        guard let number = Int(exactly: key >> 3), number > 0 else { throw Failure(offset: offset) }
        switch key & 7 {
        case 0: return (number, .varint(try varint()))
        case 1: return (number, .fixed64(UInt64(try fixed(8))))
        case 2:
            guard let length = Int(exactly: try varint()), length <= bytes.endIndex - offset else { throw Failure(offset: offset) }
            defer { offset += length }
            return (number, .bytes(bytes[offset..<offset + length]))
        case 5: return (number, .fixed32(UInt32(try fixed(4))))
        // Groups (3 and 4) are not used by Kubernetes.
        default: throw Failure(offset: offset)
        }
    }

    /// Base 128, low group first; at most ten bytes.
    mutating func varint() throws(Failure) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            guard offset < bytes.endIndex else { throw Failure(offset: offset) }
            let byte = bytes[offset]
            offset += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw Failure(offset: offset)
    }

    private mutating func fixed(_ count: Int) throws(Failure) -> UInt64 {
        guard bytes.endIndex - offset >= count else { throw Failure(offset: offset) }
        var value: UInt64 = 0
        for index in 0..<count { value |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
        offset += count
        return value
    }
}
