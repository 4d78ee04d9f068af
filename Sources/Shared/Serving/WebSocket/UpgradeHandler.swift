import NIOCore
import NIOHTTP1

/// Turns an HTTP connection into a plain channel of bytes once an answer of 101 has gone out. The session above it keeps its
/// parts: from then on the bodies of requests and answers are the bytes themselves.
///
/// Until then it only passes on. All on the channel's event loop.
final class UpgradeHandler: ChannelDuplexHandler {
    /// Of the time after the upgrade; before it, what comes is not looked at.
    typealias InboundIn = ByteBuffer
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = ByteBuffer

    private var isUpgraded = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard isUpgraded else { return context.fireChannelRead(data) }
        context.fireChannelRead(wrapInboundOut(.body(unwrapInboundIn(data))))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        if isUpgraded {
            switch part {
            case .body(.byteBuffer(let buffer)): context.write(wrapOutboundOut(buffer), promise: promise)
            case .body, .head, .end: promise?.succeed()
            }
            return
        }
        context.write(data, promise: promise)
        guard case .head(let head) = part, head.status == .switchingProtocols else { return }
        context.flush()
        isUpgraded = true
        removeHTTP(context)
    }

    /// In this same turn of the loop, so that no byte of the new protocol meets the old one's decoder. The decoder is the last:
    /// what it holds goes to those that are left.
    private func removeHTTP(_ context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        for context in [
            try? pipeline.context(handlerType: HTTPServerProtocolErrorHandler.self),
            try? pipeline.context(handlerType: NIOHTTPResponseHeadersValidator.self),
            try? pipeline.context(handlerType: HTTPServerPipelineHandler.self), try? pipeline.context(handlerType: HTTPResponseEncoder.self),
            try? pipeline.context(handlerType: ByteToMessageHandler<HTTPRequestDecoder>.self),
        ] {
            if let context { pipeline.removeHandler(context: context, promise: nil) }
        }
    }
}
