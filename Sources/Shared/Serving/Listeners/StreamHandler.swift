import NIOCore
import Runtime

/// Speaks a protocol over connections that somebody opened.
public protocol StreamHandler: Sendable {
    /// One connection's life: it is closed when this returns or throws. Cancelled when the listener stops.
    func serve(_ connection: inout StreamConnection) async throws
}

/// One connection as its handler sees it.
public struct StreamConnection {
    /// The other side's address, without its port.
    public let peer: String
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private let metrics: ListenerMetrics

    init(
        peer: String, inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator, outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>,
        metrics: ListenerMetrics
    ) {
        self.peer = peer
        self.inbound = inbound
        self.outbound = outbound
        self.metrics = metrics
    }

    /// The next bytes, as many as have come; nil when the other side has ended. What is not asked for is not read from the
    /// network, beyond a small buffer.
    public mutating func read() async throws -> [UInt8]? {
        guard let buffer = try await inbound.next() else { return nil }
        metrics.bytes.increment(by: UInt64(buffer.readableBytes))
        return Array(buffer.readableBytesView)
    }

    /// Returns when the transport can take more.
    public func write(_ bytes: [UInt8]) async throws { try await outbound.write(ByteBuffer(bytes: bytes)) }
}
