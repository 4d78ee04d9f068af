/// Takes a gRPC body apart: each message has a flag (1 is compressed) and its length in four bytes, high byte first.
/// (grpc/grpc, doc/PROTOCOL-HTTP2.md, Length-Prefixed-Message.)
struct GRPCMessages {
    /// Longer messages are refused before a byte of them is kept.
    let maximumBytes: Int
    private var pending: [UInt8] = []

    init(maximumBytes: Int) { self.maximumBytes = maximumBytes }

    /// True between two messages.
    var isEmpty: Bool { pending.isEmpty }

    /// The messages that are whole now that these bytes have come.
    mutating func add(_ bytes: some Sequence<UInt8>) throws(GRPCStatus) -> [[UInt8]] {
        pending.append(contentsOf: bytes)
        var messages: [[UInt8]] = []
        var start = 0
        while pending.count - start >= 5 {
            guard pending[start] == 0 else { throw GRPCStatus(.internalError, "the message is compressed, which was not asked for") }
            let length = pending[start + 1..<start + 5].reduce(0) { $0 << 8 | Int($1) }
            guard length <= maximumBytes else {
                throw GRPCStatus(.resourceExhausted, "a message of \(length) bytes is longer than the limit of \(maximumBytes)")
            }
            guard pending.count - start - 5 >= length else { break }
            messages.append(Array(pending[start + 5..<start + 5 + length]))
            start += 5 + length
        }
        pending.removeFirst(start)
        return messages
    }

    static func framed(_ message: [UInt8]) -> [UInt8] {
        let length = UInt32(message.count)
        return [0, UInt8(length >> 24), UInt8(length >> 16 & 0xFF), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF)] + message
    }
}
