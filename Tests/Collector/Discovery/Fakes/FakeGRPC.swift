import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import Synchronization

/// A gRPC server on a unix socket: what it answers is told by method and namespace.
final class FakeGRPC: Sendable {
    enum Reply: Sendable {
        case message([UInt8])
        case status(Int, String)
        /// Bytes as they are, without gRPC's frame, and a good end.
        case raw([UInt8])
        /// The stream ends without a status.
        case noStatus
        case silence
        case httpStatus(Int)
        /// Messages of this size without end.
        case endless(Int)
        /// A stream that stays open and sends what `push` is given.
        case stream
    }

    struct Call: Hashable, Sendable {
        var method: String
        var namespace: String
        var message: [UInt8]
    }

    private typealias Frame = HTTP2Frame.FramePayload
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let answer = Mutex<@Sendable (Call) -> Reply>({ _ in .status(12, "unknown method") })
    private let streams = Mutex<[any Channel]>([])
    private let calls = Mutex<[Call]>([])
    private let accepted = Mutex<[any Channel]>([])
    let path: String

    init(path: String) { self.path = path }
    deinit { group.shutdownGracefully { _ in } }

    func set(_ reply: @escaping @Sendable (Call) -> Reply) { answer.withLock { $0 = reply } }
    var seen: [Call] { calls.withLock { $0 } }
    var openStreams: Int { streams.withLock { $0.count { $0.isActive } } }
    func push(_ message: [UInt8]) {
        for channel in streams.withLock({ $0 }) where channel.isActive { Self.write(channel, Self.framed(message)) }
    }

    func start() async throws -> any Channel {
        try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                self.accepted.withLock { $0.append(channel) }
                return channel.configureHTTP2Pipeline(mode: .server) { stream in
                    stream.eventLoop.makeCompletedFuture { try stream.pipeline.syncOperations.addHandler(Handler(server: self)) }
                }.map { _ in }
            }
            .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
    }

    func stop(_ server: any Channel) async {
        try? await server.close()
        for channel in accepted.withLock({ $0 }) { try? await channel.close() }
    }

    static func framed(_ message: [UInt8]) -> [UInt8] {
        let count = message.count
        return [0, UInt8(count >> 24), UInt8(count >> 16 & 0xFF), UInt8(count >> 8 & 0xFF), UInt8(count & 0xFF)] + message
    }

    private static func write(_ channel: any Channel, _ bytes: [UInt8]) {
        channel.writeAndFlush(Frame.data(.init(data: .byteBuffer(ByteBuffer(bytes: bytes)))), promise: nil)
    }

    private static func head(_ channel: any Channel, _ status: Int = 200, end: Bool = false) {
        channel.writeAndFlush(
            Frame.headers(.init(headers: [":status": "\(status)", "content-type": "application/grpc"], endStream: end)), promise: nil)
    }

    private static func end(_ channel: any Channel, _ code: Int, _ message: String = "") {
        channel.writeAndFlush(Frame.headers(.init(headers: ["grpc-status": "\(code)", "grpc-message": message], endStream: true)), promise: nil)
    }

    private func take(_ call: Call, _ channel: any Channel) {
        calls.withLock { $0.append(call) }
        switch answer.withLock({ $0 })(call) {
        case .message(let message):
            Self.head(channel)
            Self.write(channel, Self.framed(message))
            Self.end(channel, 0)
        case .status(let code, let message):
            // With nothing to say, a server sends header and trailer in one.
            channel.writeAndFlush(
                Frame.headers(
                    .init(headers: [":status": "200", "content-type": "application/grpc", "grpc-status": "\(code)", "grpc-message": message], endStream: true)),
                promise: nil)
        case .raw(let bytes):
            Self.head(channel)
            Self.write(channel, bytes)
            Self.end(channel, 0)
        case .noStatus:
            Self.head(channel)
            channel.writeAndFlush(Frame.data(.init(data: .byteBuffer(ByteBuffer(bytes: Self.framed([]))), endStream: true)), promise: nil)
        case .silence: return
        case .httpStatus(let status): Self.head(channel, status, end: true)
        case .endless(let size):
            Self.head(channel)
            flood(channel, Self.framed([UInt8](repeating: 0, count: size)))
        case .stream:
            streams.withLock { $0.append(channel) }
            Self.head(channel)
        }
    }

    private func flood(_ channel: any Channel, _ bytes: [UInt8]) {
        channel.writeAndFlush(Frame.data(.init(data: .byteBuffer(ByteBuffer(bytes: bytes))))).whenSuccess { self.flood(channel, bytes) }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTP2Frame.FramePayload
        private let server: FakeGRPC
        private var call = Call(method: "", namespace: "", message: [])
        init(server: FakeGRPC) { self.server = server }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .headers(let part):
                call.method = part.headers.first(name: ":path") ?? ""
                call.namespace = part.headers.first(name: "containerd-namespace") ?? ""
            case .data(let part):
                if case .byteBuffer(let buffer) = part.data { call.message += buffer.readableBytesView }
                if part.endStream {
                    call.message = Array(call.message.dropFirst(5))
                    server.take(call, context.channel)
                }
            default: return
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
