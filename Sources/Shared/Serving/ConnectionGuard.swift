import NIOCore
import NIOHTTP1
import Runtime

/// Ends connections whose peer does not do its part: no request within the idle time, a head that drips in, an answer that
/// is not taken. Two handlers of one channel share it, one beside the socket and one beside the session; both run on the
/// channel's event loop.
final class ConnectionGuard {
    struct Limits: Sendable {
        /// Between requests, and between two pieces of a body.
        var idle: TimeAmount
        /// From a head's first byte to its last.
        var head: TimeAmount
        /// Without any of the bytes that wait being taken.
        var write: TimeAmount
    }

    let limits: Limits
    let stalled: Counter
    /// A request's head has begun and not ended.
    fileprivate var headDeadline: Scheduled<Void>?
    /// Between a request's end and its answer's end the client rightly says nothing, for hours with a watch.
    fileprivate var isAnswering = false
    fileprivate var isInsideRequest = false

    init(limits: Limits, stalled: Counter) {
        self.limits = limits
        self.stalled = stalled
    }

    fileprivate func close(_ context: ChannelHandlerContext) {
        stalled.increment()
        context.close(promise: nil)
    }

    /// Sent down the pipeline by who is about to close: its promise is kept when all that was written has been taken, since
    /// closing drops what has not.
    struct Drain: Sendable {}

    /// Beside the socket, where bytes come and go.
    final class Socket: ChannelDuplexHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let shared: ConnectionGuard
        private var waitingWrites = 0
        private var lastProgress = NIODeadline.now()
        private var check: Scheduled<Void>?
        private var drained: [EventLoopPromise<Void>] = []

        init(_ shared: ConnectionGuard) { self.shared = shared }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            if !shared.isInsideRequest, !shared.isAnswering, shared.headDeadline == nil {
                let context = NIOLoopBound(context, eventLoop: context.eventLoop)
                let shared = NIOLoopBound(shared, eventLoop: context.value.eventLoop)
                self.shared.headDeadline = context.value.eventLoop.scheduleTask(in: self.shared.limits.head) { shared.value.close(context.value) }
            }
            context.fireChannelRead(data)
        }

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            let promise = promise ?? context.eventLoop.makePromise()
            if waitingWrites == 0 { lastProgress = .now() }
            waitingWrites += 1
            let box = NIOLoopBound(self, eventLoop: context.eventLoop)
            promise.futureResult.whenComplete { _ in
                box.value.waitingWrites -= 1
                box.value.lastProgress = .now()
                if box.value.waitingWrites == 0 { box.value.tellDrained() }
            }
            context.write(data, promise: promise)
            if check == nil { schedule(context, after: shared.limits.write) }
        }

        func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
            guard event is Drain else { return context.triggerUserOutboundEvent(event, promise: promise) }
            if let promise { drained.append(promise) }
            if waitingWrites == 0 || !context.channel.isActive { tellDrained() }
        }

        private func tellDrained() {
            let told = drained
            drained = []
            for promise in told { promise.succeed() }
        }

        /// One task a stall time looks whether anything has moved, which costs nothing a write.
        private func schedule(_ context: ChannelHandlerContext, after delay: TimeAmount) {
            let box = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            check = context.eventLoop.scheduleTask(in: delay) {
                let (handler, context) = box.value
                handler.check = nil
                guard handler.waitingWrites > 0 else { return }
                let due = handler.lastProgress + handler.shared.limits.write
                if due <= .now() { handler.shared.close(context) } else { handler.schedule(context, after: due - .now()) }
            }
        }

        func handlerRemoved(context: ChannelHandlerContext) {
            tellDrained()
            check?.cancel()
            shared.headDeadline?.cancel()
        }

        func channelInactive(context: ChannelHandlerContext) {
            tellDrained()
            check?.cancel()
            shared.headDeadline?.cancel()
            context.fireChannelInactive()
        }
    }

    /// Beside the session, where requests and answers begin and end.
    final class Session: ChannelDuplexHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundIn = HTTPServerResponsePart
        typealias OutboundOut = HTTPServerResponsePart

        private let shared: ConnectionGuard

        init(_ shared: ConnectionGuard) { self.shared = shared }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head:
                shared.headDeadline?.cancel()
                shared.headDeadline = nil
                shared.isInsideRequest = true
            case .end:
                shared.isInsideRequest = false
                shared.isAnswering = true
            case .body: break
            }
            context.fireChannelRead(data)
        }

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            if case .end = unwrapOutboundIn(data) { shared.isAnswering = false }
            context.write(data, promise: promise)
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if event is IdleStateHandler.IdleStateEvent {
                // An idle connection between requests is nobody's fault and no stall.
                if !shared.isAnswering { context.close(promise: nil) }
            } else {
                context.fireUserInboundEventTriggered(event)
            }
        }
    }
}
