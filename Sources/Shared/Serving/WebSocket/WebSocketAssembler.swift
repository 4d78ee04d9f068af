import HTTP

/// Frames in, whole messages and what to do about control frames out. No I/O.
struct WebSocketAssembler {
    enum Event: Sendable, Hashable {
        case message(WebSocketMessage)
        /// To be answered with a pong that carries the same.
        case ping([UInt8])
        case pong
        /// The other end closes; nil without a code.
        case close(UInt16?)
    }

    /// The longest message, all its fragments together.
    let maximumBytes: Int
    /// The message whose fragments are coming in.
    private var unfinished: (opcode: WebSocketFrame.Opcode, payload: [UInt8])?

    init(maximumBytes: Int) { self.maximumBytes = maximumBytes }

    /// What the frame completes; nil in the midst of a message.
    mutating func accept(_ frame: WebSocketFrame) throws(WebSocketError) -> Event? {
        switch frame.opcode {
        case .ping: return .ping(frame.payload)
        case .pong: return .pong
        case .close:
            guard frame.payload.count != 1 else { throw .protocolError("a close frame holds half a code") }
            guard frame.payload.count >= 2 else { return .close(nil) }
            return .close(UInt16(frame.payload[0]) << 8 | UInt16(frame.payload[1]))
        case .text, .binary:
            guard unfinished == nil else { throw .protocolError("a message begins inside another") }
            unfinished = (frame.opcode, frame.payload)
        case .continuation:
            guard var message = unfinished else { throw .protocolError("a continuation without a beginning") }
            unfinished = nil
            guard message.payload.count + frame.payload.count <= maximumBytes else {
                throw WebSocketError(code: 1009, reason: "a message is longer than \(maximumBytes) bytes")
            }
            message.payload += frame.payload
            unfinished = message
        }
        guard frame.isFinal, let message = unfinished else { return nil }
        unfinished = nil
        guard message.opcode == .text else { return .message(.binary(message.payload)) }
        guard String(validating: message.payload, as: UTF8.self) != nil else { throw WebSocketError(code: 1007, reason: "a text message is not UTF-8") }
        return .message(.text(message.payload))
    }
}
