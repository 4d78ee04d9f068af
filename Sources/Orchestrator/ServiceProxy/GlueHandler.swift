import Glibc
import NIOCore
import NIOPosix

/// One side of a proxied connection: what is read here is written there.
///
/// Back-pressure: this side reads only while the other can be written to. Half-close: when the peer
/// here ends its stream, the other side's output ends after what is still to be written. Both sides
/// live on one event loop.
final class GlueHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var partner: GlueHandler?
    private var context: ChannelHandlerContext?
    private var isReadPending = false
    private var isOutputClosed = false
    private let count: @Sendable (Int) -> Void

    /// What came before there was a partner: NIO hands over a stream that has ended already without being asked to read.
    private var early: [ByteBuffer] = []
    private var hasEnded = false

    private var onActive: (() -> Void)?

    /// `count` is told the bytes that are read on this side.
    init(_ count: @escaping @Sendable (Int) -> Void) { self.count = count }

    /// Calls `action` once the channel can be used. Set before the handler is added.
    func whenActive(_ action: @escaping () -> Void) { onActive = action }

    /// Makes two sides feed each other. Both are in their pipelines.
    static func join(_ left: GlueHandler, _ right: GlueHandler) {
        left.partner = right
        right.partner = left
        left.deliverEarly()
        right.deliverEarly()
    }

    private func deliverEarly() {
        for bytes in early { partner?.write(bytes) }
        early = []
        partner?.context?.flush()
        if hasEnded { partner?.closeOutput() }
        resumeReading()
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        onActive = nil
        self.context = nil
        partner = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        let action = onActive
        onActive = nil
        action?()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        count(bytes.readableBytes)
        if let partner { partner.write(bytes) } else { early.append(bytes) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        partner?.context?.flush()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { partner?.resumeReading() }
        context.fireChannelWritabilityChanged()
    }

    func read(context: ChannelHandlerContext) {
        if partner?.canBeWritten ?? false { context.read() } else { isReadPending = true }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent {
            hasEnded = true
            partner?.closeOutput()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        partner?.partnerEnded()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A reset here must not look like a clean end there.
        partner?.abort()
        context.close(promise: nil)
    }

    private var canBeWritten: Bool { context?.channel.isWritable ?? false }

    private func write(_ bytes: ByteBuffer) { context?.write(wrapOutboundOut(bytes), promise: nil) }

    private func resumeReading() {
        guard isReadPending else { return }
        isReadPending = false
        context?.read()
    }

    private func closeOutput() {
        isOutputClosed = true
        context?.flush()
        context?.close(mode: .output, promise: nil)
    }

    private func partnerEnded() {
        // With the output ended already the rest drains by itself, and closing now would cut it off.
        guard !isOutputClosed else { return }
        context?.close(promise: nil)
    }

    private func abort() {
        guard let context else { return }
        context.channel.reset()
    }
}

extension Channel {
    /// Ends the connection so that the peer sees a reset and not an orderly end.
    func reset() {
        // On its event loop the option is set before this returns, so the close that follows sees it.
        (self as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in self.close(promise: nil) }
    }
}
