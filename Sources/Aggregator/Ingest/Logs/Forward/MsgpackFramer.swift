/// Finds where values of msgpack end in a stream that comes in pieces, looking at each byte's place once: a value of many
/// pieces costs no more than one that comes at once.
struct MsgpackFramer {
    private var buffer: [UInt8] = []
    /// How far the value at the buffer's beginning has been looked at.
    private var offset = 0
    /// Values that are still to come before it is whole.
    private var missing = 1
    /// Content bytes that are still to come.
    private var skip = 0
    private let limit: Int

    /// - Parameter limit: of one value's bytes.
    init(limit: Int) { self.limit = limit }

    /// Bytes that wait for the rest of their value.
    var waiting: Int { buffer.count }

    /// The values that are whole with these bytes, one after another.
    mutating func add(_ bytes: [UInt8]) throws(MsgpackError) -> [[UInt8]] {
        buffer += bytes
        var whole: [[UInt8]] = []
        var start = 0
        while try advance() {
            whole.append(Array(buffer[start..<offset]))
            start = offset
            missing = 1
        }
        if start > 0 {
            buffer.removeFirst(start)
            offset -= start
        }
        guard buffer.count <= limit, offset <= limit, skip <= limit else { throw .tooLong(offset: offset) }
        return whole
    }

    /// Whether the value at hand is whole.
    private mutating func advance() throws(MsgpackError) -> Bool {
        while true {
            let step = min(skip, buffer.count - offset)
            offset += step
            skip -= step
            guard skip == 0 else { return false }
            if missing == 0 { return true }
            guard offset < buffer.count, let head = try head() else { return false }
            offset += head.size
            skip = head.content
            // Counts of 32 bits, of which each adds two at most: far from an overflow, and bounded by what comes in.
            missing += head.values - 1
        }
    }

    /// Of the value at `offset`: the bytes of its head, of its content, and the values within it; nil if the head is not whole.
    private func head() throws(MsgpackError) -> (size: Int, content: Int, values: Int)? {
        func length(_ count: Int) -> Int? {
            guard buffer.count - offset > count else { return nil }
            return buffer[offset + 1...offset + count].reduce(0) { $0 << 8 | Int($1) }
        }
        let byte = buffer[offset]
        switch byte {
        case 0x00...0x7F, 0xE0...0xFF, 0xC0, 0xC2, 0xC3: return (1, 0, 0)
        case 0x80...0x8F: return (1, 0, Int(byte & 15) * 2)
        case 0x90...0x9F: return (1, 0, Int(byte & 15))
        case 0xA0...0xBF: return (1, Int(byte & 31), 0)
        case 0xC4...0xC6: return length(1 << Int(byte - 0xC4)).map { (1 + (1 << Int(byte - 0xC4)), $0, 0) }
        case 0xC7...0xC9: return length(1 << Int(byte - 0xC7)).map { (1 + (1 << Int(byte - 0xC7)), $0 + 1, 0) }
        case 0xCA, 0xCE, 0xD2: return (1, 4, 0)
        case 0xCB, 0xCF, 0xD3: return (1, 8, 0)
        case 0xCC, 0xD0: return (1, 1, 0)
        case 0xCD, 0xD1: return (1, 2, 0)
        case 0xD4...0xD8: return (1, 1 + (1 << Int(byte - 0xD4)), 0)
        case 0xD9...0xDB: return length(1 << Int(byte - 0xD9)).map { (1 + (1 << Int(byte - 0xD9)), $0, 0) }
        case 0xDC, 0xDD: return length(2 << Int(byte - 0xDC)).map { (1 + (2 << Int(byte - 0xDC)), 0, $0) }
        case 0xDE, 0xDF: return length(2 << Int(byte - 0xDE)).map { (1 + (2 << Int(byte - 0xDE)), 0, $0 * 2) }
        default: throw .unknown(byte: byte, offset: offset)
        }
    }
}
