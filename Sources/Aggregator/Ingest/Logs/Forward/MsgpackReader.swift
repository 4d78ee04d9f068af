/// Reads values of msgpack that follow one another. Every length is checked against what is there before anything is made.
struct MsgpackReader {
    private(set) var offset: Int
    let end: Int
    private let depth: Int

    init(_ bytes: Span<UInt8>, depth: Int) { self.init(0..<bytes.count, depth: depth) }

    init(_ range: Range<Int>, depth: Int) {
        offset = range.lowerBound
        end = range.upperBound
        self.depth = depth
    }

    var isAtEnd: Bool { offset >= end }

    mutating func value(_ bytes: Span<UInt8>) throws(MsgpackError) -> Msgpack { try value(bytes, depth: depth) }

    private mutating func value(_ bytes: Span<UInt8>, depth: Int) throws(MsgpackError) -> Msgpack {
        let start = offset
        let head = UInt8(try number(bytes, 1))
        switch head {
        case 0x00...0x7F: return .integer(Int64(head))
        case 0x80...0x8F: return try map(bytes, Int(head & 15), depth)
        case 0x90...0x9F: return try array(bytes, Int(head & 15), depth)
        case 0xA0...0xBF: return .text(try content(bytes, Int(head & 31)))
        case 0xC0: return .null
        case 0xC2, 0xC3: return .boolean(head == 0xC3)
        case 0xC4, 0xC5, 0xC6: return .binary(try content(bytes, try length(bytes, 1 << Int(head - 0xC4))))
        case 0xC7, 0xC8, 0xC9:
            let count = try length(bytes, 1 << Int(head - 0xC7))
            return .extended(type: try type(bytes), try content(bytes, count))
        case 0xCA: return .number(Double(Float(bitPattern: UInt32(try number(bytes, 4)))))
        case 0xCB: return .number(Double(bitPattern: try number(bytes, 8)))
        case 0xCC...0xCF:
            let value = try number(bytes, 1 << Int(head - 0xCC))
            return Int64(exactly: value).map { .integer($0) } ?? .unsigned(value)
        case 0xD0: return .integer(Int64(Int8(truncatingIfNeeded: try number(bytes, 1))))
        case 0xD1: return .integer(Int64(Int16(truncatingIfNeeded: try number(bytes, 2))))
        case 0xD2: return .integer(Int64(Int32(truncatingIfNeeded: try number(bytes, 4))))
        case 0xD3: return .integer(Int64(bitPattern: try number(bytes, 8)))
        case 0xD4...0xD8: return .extended(type: try type(bytes), try content(bytes, 1 << Int(head - 0xD4)))
        case 0xD9, 0xDA, 0xDB: return .text(try content(bytes, try length(bytes, 1 << Int(head - 0xD9))))
        case 0xDC, 0xDD: return try array(bytes, try length(bytes, 2 << Int(head - 0xDC)), depth)
        case 0xDE, 0xDF: return try map(bytes, try length(bytes, 2 << Int(head - 0xDE)), depth)
        case 0xE0...0xFF: return .integer(Int64(Int8(bitPattern: head)))
        default: throw .unknown(byte: head, offset: start)
        }
    }

    /// A number of `count` bytes, high byte first.
    private mutating func number(_ bytes: Span<UInt8>, _ count: Int) throws(MsgpackError) -> UInt64 {
        guard end - offset >= count else { throw .truncated(offset: offset) }
        var value: UInt64 = 0
        for index in 0..<count { value = value << 8 | UInt64(bytes[offset + index]) }
        offset += count
        return value
    }

    private mutating func length(_ bytes: Span<UInt8>, _ count: Int) throws(MsgpackError) -> Int { Int(try number(bytes, count)) }

    private mutating func type(_ bytes: Span<UInt8>) throws(MsgpackError) -> Int8 { Int8(truncatingIfNeeded: try number(bytes, 1)) }

    private mutating func content(_ bytes: Span<UInt8>, _ count: Int) throws(MsgpackError) -> [UInt8] {
        guard end - offset >= count else { throw .truncated(offset: offset) }
        offset += count
        return [UInt8](copying: bytes, offset - count..<offset)
    }

    private mutating func array(_ bytes: Span<UInt8>, _ count: Int, _ depth: Int) throws(MsgpackError) -> Msgpack {
        guard depth > 0 else { throw .tooDeep(offset: offset) }
        // Every element takes a byte at least.
        guard end - offset >= count else { throw .truncated(offset: offset) }
        var elements: [Msgpack] = []
        elements.reserveCapacity(min(count, 4096))
        for _ in 0..<count { elements.append(try value(bytes, depth: depth - 1)) }
        return .array(elements)
    }

    private mutating func map(_ bytes: Span<UInt8>, _ count: Int, _ depth: Int) throws(MsgpackError) -> Msgpack {
        guard depth > 0 else { throw .tooDeep(offset: offset) }
        guard end - offset >= count * 2 else { throw .truncated(offset: offset) }
        var pairs: [Msgpack.Pair] = []
        pairs.reserveCapacity(min(count, 4096))
        for _ in 0..<count {
            let key = try value(bytes, depth: depth - 1)
            pairs.append(.init(key: key, value: try value(bytes, depth: depth - 1)))
        }
        return .map(pairs)
    }
}
