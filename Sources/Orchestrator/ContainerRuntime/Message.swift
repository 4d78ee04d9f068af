/// A request, answer, event or record: `key=value` strings in order, each ended by a NUL. A key may occur often.
///
/// The C side is Sources/CShims/Shims/message.c.
struct Message: Hashable, Sendable {
    var fields: [(key: String, value: String)] = []

    init(_ fields: [(key: String, value: String)] = []) { self.fields = fields }

    /// Strings without `=` are left out.
    init(bytes: some Sequence<UInt8>) {
        for part in Array(bytes).split(separator: 0) {
            guard let equals = part.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let key = String(decoding: part[..<equals], as: UTF8.self)
            fields.append((key, String(decoding: part[(equals + 1)...], as: UTF8.self)))
        }
    }

    /// A value is cut at a NUL, which neither a path nor an argument can hold.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for (key, value) in fields {
            bytes.append(contentsOf: key.utf8)
            bytes.append(UInt8(ascii: "="))
            bytes.append(contentsOf: value.utf8.prefix { $0 != 0 })
            bytes.append(0)
        }
        return bytes
    }

    subscript(key: String) -> String? { fields.first { $0.key == key }?.value }
    func number(_ key: String) -> Int64? { self[key].flatMap { Int64($0) } }
    mutating func put(_ key: String, _ value: String) { fields.append((key, value)) }
    mutating func put(_ key: String, _ value: (some BinaryInteger)?) { if let value { fields.append((key, "\(value)")) } }

    static func == (left: Message, right: Message) -> Bool { left.bytes == right.bytes }
    func hash(into hasher: inout Hasher) { hasher.combine(bytes) }

    /// Takes the whole messages from the front of what was read: 32-bit little-endian count, then the bytes.
    /// Nil if a count is beyond the limit, which no supervisor sends.
    static func take(from buffer: inout [UInt8]) -> [Message]? {
        var messages: [Message] = []
        var offset = 0
        while buffer.count - offset >= 4 {
            let count = (0..<4).reduce(0) { $0 | Int(buffer[offset + $1]) << (8 * $1) }
            guard count <= 4 << 20 else { return nil }
            guard buffer.count - offset >= 4 + count else { break }
            messages.append(Message(bytes: buffer[(offset + 4)..<(offset + 4 + count)]))
            offset += 4 + count
        }
        buffer.removeFirst(offset)
        return messages
    }

    /// The message as it goes over the socket.
    var framed: [UInt8] {
        let body = bytes
        return (0..<4).map { UInt8(truncatingIfNeeded: body.count >> (8 * $0)) } + body
    }
}
