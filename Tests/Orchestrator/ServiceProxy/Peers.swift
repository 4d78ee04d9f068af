import NIOCore
import NIOPosix
import Synchronization

/// A server that answers the whole of a client's stream, once it has ended, with its own name and the stream's length;
/// or, as a `sink`, one that stops reading when told.
final class NamedServer: Sendable {
    let channel: any Channel
    let accepted = Atomic<Int>(0)
    var port: Int { channel.localAddress?.port ?? 0 }

    /// Takes a free port of `address`.
    static func start(_ name: String, on address: String, isReading: Bool = true) async throws -> NamedServer {
        let box = Mutex<NamedServer?>(nil)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .childChannelOption(ChannelOptions.autoRead, value: isReading)
            .childChannelInitializer { child in
                box.withLock { _ = $0?.accepted.add(1, ordering: .relaxed) }
                return child.eventLoop.makeCompletedFuture { try child.pipeline.syncOperations.addHandler(Answerer(name)) }
            }
            .bind(host: address, port: 0).get()
        let server = NamedServer(channel)
        box.withLock { $0 = server }
        return server
    }

    private init(_ channel: any Channel) { self.channel = channel }
    func stop() async throws { try await channel.close().get() }

    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let name: String
        private var length = 0
        init(_ name: String) { self.name = name }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) { length += unwrapInboundIn(data).readableBytes }
        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            guard case ChannelEvent.inputClosed? = event as? ChannelEvent else { return }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "\(name) \(length)")), promise: nil)
            context.close(promise: nil)
        }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}

/// What a client of a service sees.
enum Client {
    /// Sends `bytes`, ends its stream, and reads the answer to its end. Throws if the connection is refused or reset.
    static func exchange(_ address: String, _ port: Int, bytes: Int = 4) async throws -> String {
        let (answer, channel) = try await connect(address, port)
        // A reset may be met by any of the three.
        try await channel.writeAndFlush(ByteBuffer(repeating: 0x61, count: bytes)).get()
        try await channel.close(mode: .output).get()
        return try await answer.get()
    }

    static func connect(_ address: String, _ port: Int) async throws -> (answer: EventLoopFuture<String>, channel: any Channel) {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = loop.makePromise(of: String.self)
        do {
            let channel = try await ClientBootstrap(group: loop)
                .channelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Reader(promise)) }
                }
                .connect(host: address, port: port).get()
            return (promise.futureResult, channel)
        } catch {
            promise.fail(error)
            throw error
        }
    }

    private final class Reader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let promise: EventLoopPromise<String>
        private var text = ""
        private var failure: (any Error)?
        init(_ promise: EventLoopPromise<String>) { self.promise = promise }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) { text += String(buffer: unwrapInboundIn(data)) }
        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed? = event as? ChannelEvent { context.close(promise: nil) }
        }
        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            failure = error
            context.close(promise: nil)
        }
        func channelInactive(context: ChannelHandlerContext) {
            if let failure { promise.fail(failure) } else { promise.succeed(text) }
        }
    }
}
