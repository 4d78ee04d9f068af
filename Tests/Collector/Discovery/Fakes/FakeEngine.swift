import NIOCore
import NIOPosix
import Synchronization

/// A server on a unix socket that speaks as much HTTP as a container engine must, and lies when a test wants it to.
final class FakeEngine: Sendable {
    enum Reply: Sendable {
        case json(String, fields: String = "")
        case status(Int, String = "{}")
        /// These bytes and then the end of the connection.
        case raw(String)
        /// The connection is taken and nothing said.
        case silence
        /// A body without end.
        case endless(String)
        /// A stream that stays open and sends what `push` is given.
        case stream
    }

    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let replies = Mutex<[String: Reply]>([:])
    private let streams = Mutex<[any Channel]>([])
    private let counts = Mutex<[String: Int]>([:])
    private let accepted = Mutex<[any Channel]>([])
    let path: String

    init(path: String) { self.path = path }

    /// `path` is without its query. Anything else is 404.
    func set(_ path: String, _ reply: Reply) { replies.withLock { $0[path] = reply } }
    func requests(_ path: String) -> Int { counts.withLock { $0[path] ?? 0 } }
    var openStreams: Int { streams.withLock { $0.count { $0.isActive } } }
    func push(_ text: String) {
        for channel in streams.withLock({ $0 }) where channel.isActive { channel.writeAndFlush(Self.chunk(text), promise: nil) }
    }

    private static func chunk(_ text: String) -> ByteBuffer { ByteBuffer(string: String(text.utf8.count, radix: 16) + "\r\n" + text + "\r\n") }

    func start() async throws -> any Channel {
        try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                self.accepted.withLock { $0.append(channel) }
                return channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Handler(engine: self)) }
            }
            .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
    }

    /// Closes everything, as a daemon that is killed does.
    func stop(_ server: any Channel) async {
        try? await server.close()
        for channel in accepted.withLock({ $0 }) { try? await channel.close() }
    }

    deinit { group.shutdownGracefully { _ in } }

    private func answer(_ target: String, _ channel: any Channel) {
        let path = String(target.prefix { $0 != "?" })
        counts.withLock { $0[path, default: 0] += 1 }
        let plain = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        switch replies.withLock({ $0[path] }) ?? .status(404, #"{"message":"no such thing"}"#) {
        case .json(let body, let fields): close(channel, plain + fields + "Content-Length: \(body.utf8.count)\r\n\r\n" + body)
        case .status(let status, let body): close(channel, "HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body)
        case .raw(let text): close(channel, text)
        case .silence: return
        case .endless(let piece):
            channel.writeAndFlush(ByteBuffer(string: plain + "Transfer-Encoding: chunked\r\n\r\n"), promise: nil)
            flood(channel, piece)
        case .stream:
            channel.writeAndFlush(ByteBuffer(string: plain + "Transfer-Encoding: chunked\r\n\r\n"), promise: nil)
            streams.withLock { $0.append(channel) }
        }
    }

    private func close(_ channel: any Channel, _ text: String) {
        channel.writeAndFlush(ByteBuffer(string: text)).whenComplete { _ in channel.close(promise: nil) }
    }

    private func flood(_ channel: any Channel, _ piece: String) {
        channel.writeAndFlush(Self.chunk(piece)).whenSuccess { self.flood(channel, piece) }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let engine: FakeEngine
        private var head = ""
        init(engine: FakeEngine) { self.engine = engine }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            head += String(buffer: unwrapInboundIn(data))
            guard head.contains("\r\n\r\n"), let line = head.split(separator: "\r\n").first else { return }
            let words = line.split(separator: " ")
            head = ""
            if words.count >= 2 { engine.answer(String(words[1]), context.channel) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
