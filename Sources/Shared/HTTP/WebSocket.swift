/// A message of a WebSocket connection (RFC 6455), whole however many frames carried it.
public enum WebSocketMessage: Sendable, Hashable {
    /// UTF-8, checked.
    case text([UInt8])
    case binary([UInt8])
}

/// An open WebSocket as the code on either end sees it. Pings are answered and fragments joined below it.
public protocol WebSocket: Sendable {
    /// Sends one text message, which must be UTF-8. Returns when the transport can take more, so a slow reader slows its
    /// writer; throws when the other end has gone.
    func send(_ text: [UInt8]) async throws
    /// The next message; nil when the other end has closed. One task at a time may wait.
    func receive() async throws -> WebSocketMessage?
}
