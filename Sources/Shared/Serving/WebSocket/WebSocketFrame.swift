/// One frame of RFC 6455, section 5.2.
struct WebSocketFrame: Sendable, Hashable {
    enum Opcode: UInt8, Sendable {
        case continuation = 0
        case text = 1
        case binary = 2
        case close = 8
        case ping = 9
        case pong = 10

        /// Control frames are short, whole, and may stand between the fragments of a message.
        var isControl: Bool { rawValue & 8 != 0 }
    }

    /// The last, or only, frame of its message.
    var isFinal = true
    var opcode: Opcode
    var payload: [UInt8]

    /// The frame's bytes. What a client sends is masked with four bytes that nobody can foresee; a server sends plainly.
    func bytes(mask: UInt32?) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(payload.count + 14)
        bytes.append((isFinal ? 0x80 : 0) | opcode.rawValue)
        let masked: UInt8 = mask == nil ? 0 : 0x80
        switch payload.count {
        case ..<126: bytes.append(masked | UInt8(payload.count))
        case ...0xFFFF: bytes += [masked | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default:
            bytes.append(masked | 127)
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: payload.count >> shift)) }
        }
        guard let mask else { return bytes + payload }
        let key = Self.key(mask)
        bytes += key
        for (position, byte) in payload.enumerated() { bytes.append(byte ^ key[position & 3]) }
        return bytes
    }

    private static func key(_ mask: UInt32) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: mask >> $0) } }

    /// A close frame with a code of section 7.4 and a reason, cut to what a control frame holds.
    static func close(_ code: UInt16, _ reason: String = "") -> WebSocketFrame {
        WebSocketFrame(opcode: .close, payload: [UInt8(code >> 8), UInt8(code & 0xFF)] + reason.utf8.prefix(123))
    }
}

/// What the other end did against the protocol, with the code to close with (section 7.4.1).
struct WebSocketError: Error, Hashable, CustomStringConvertible {
    var code: UInt16
    var reason: String
    var description: String { "WebSocket: \(reason)" }

    static func protocolError(_ reason: String) -> WebSocketError { WebSocketError(code: 1002, reason: reason) }
}

/// Bytes as they come in, frames out.
struct WebSocketFrameReader {
    /// What a server reads is masked, what a client reads is not; the opposite is an error.
    let expectsMask: Bool
    /// The longest payload of one frame.
    let maximumBytes: Int
    private var bytes: [UInt8] = []
    /// Where the bytes that are not read yet begin.
    private var start = 0

    init(expectsMask: Bool, maximumBytes: Int) {
        self.expectsMask = expectsMask
        self.maximumBytes = maximumBytes
    }

    mutating func append(_ more: [UInt8]) {
        if start > 0 {
            bytes.removeFirst(start)
            start = 0
        }
        bytes += more
    }

    /// The next whole frame; nil until more bytes come. After an error nothing more can be read.
    mutating func next() throws(WebSocketError) -> WebSocketFrame? {
        let available = bytes.count - start
        guard available >= 2 else { return nil }
        let (first, second) = (bytes[start], bytes[start + 1])
        guard first & 0x70 == 0 else { throw .protocolError("reserved bits are set, but no extension was agreed on") }
        guard let opcode = WebSocketFrame.Opcode(rawValue: first & 0x0F) else { throw .protocolError("opcode \(first & 0x0F) is not known") }
        let isFinal = first & 0x80 != 0
        guard (second & 0x80 != 0) == expectsMask else { throw .protocolError(expectsMask ? "a frame is not masked" : "a frame is masked") }
        if opcode.isControl, !isFinal || second & 0x7F > 125 { throw .protocolError("a control frame is fragmented or longer than 125 bytes") }

        let lengthBytes = second & 0x7F == 126 ? 2 : second & 0x7F == 127 ? 8 : 0
        guard available >= 2 + lengthBytes else { return nil }
        var length = UInt64(second & 0x7F)
        if lengthBytes > 0 {
            length = bytes[start + 2..<start + 2 + lengthBytes].reduce(0) { $0 << 8 | UInt64($1) }
            guard length > (lengthBytes == 2 ? 125 : 0xFFFF), length <= UInt64(Int64.max) else { throw .protocolError("a length is not in its shortest form") }
        }
        guard length <= UInt64(maximumBytes) else { throw WebSocketError(code: 1009, reason: "a frame of \(length) bytes is longer than \(maximumBytes)") }

        let head = 2 + lengthBytes + (expectsMask ? 4 : 0)
        guard available >= head + Int(length) else { return nil }
        var payload = Array(bytes[start + head..<start + head + Int(length)])
        if expectsMask {
            let key = Array(bytes[start + head - 4..<start + head])
            for position in payload.indices { payload[position] ^= key[position & 3] }
        }
        start += head + Int(length)
        return WebSocketFrame(isFinal: isFinal, opcode: opcode, payload: payload)
    }
}
