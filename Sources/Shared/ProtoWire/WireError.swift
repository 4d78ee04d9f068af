/// Why bytes are no protobuf message.
public enum WireError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A number, length or value runs past the end of the message at this offset.
    case truncated(offset: Int)
    /// A number of more than ten bytes or 64 bits.
    case overlong(offset: Int)
    /// A field's number is 0 or its wire type is none of 0, 1, 2, 5.
    case malformedTag(offset: Int)
    /// A known field came with another wire type than the message defines.
    case wrongType(field: Int, offset: Int)

    public var description: String {
        switch self {
        case .truncated(let offset): "the message ends within a value that starts at byte \(offset)"
        case .overlong(let offset): "the number at byte \(offset) has more than 64 bits"
        case .malformedTag(let offset): "byte \(offset) begins no field"
        case .wrongType(let field, let offset): "field \(field) at byte \(offset) has an unexpected wire type"
        }
    }
}
