public import Logging
import NIOCore
import NIOPosix
import NIOSSL
public import Runtime
public import ServiceLifecycle

/// Listens on one TCP address and hands every connection to a handler, with or without TLS.
///
/// Bounds: connections (further ones are closed at once and counted), and the time for which nothing may come. What a
/// connection may hold in memory is the handler's to bound: it reads only what it asks for.
public final class StreamListener: Service {
    public struct Configuration: Sendable {
        /// In metrics and messages.
        public var name: String
        public var host: String
        /// 0 for any free port.
        public var port: Int
        public var tls: TLSIdentity?
        public var maximumConnections = 1024
        /// For which nothing may come before the connection is closed.
        public var idleTimeout: Duration = .seconds(600)

        public init(name: String, host: String, port: Int, tls: TLSIdentity? = nil) {
            self.name = name
            self.host = host
            self.port = port
            self.tls = tls
        }
    }

    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private let configuration: Configuration
    private let handler: any StreamHandler
    private let listener: NIOAsyncChannel<any Channel, Never>
    private let metrics: ListenerMetrics
    private let logger: Logger
    /// The port that is bound, also when 0 was asked for.
    public let port: Int

    /// Binds the address. Throws `ServingError.portTaken` with the holder's name where it can be told.
    public static func bind(
        _ configuration: Configuration, handler: any StreamHandler, metrics registry: MetricRegistry, logger: Logger
    ) async throws -> StreamListener {
        let context = try configuration.tls?.serverContext()
        let metrics = ListenerMetrics(registry, name: configuration.name, maximumConnections: configuration.maximumConnections)
        let idle = TimeAmount.nanoseconds(configuration.idleTimeout.wholeNanoseconds)
        do {
            let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.backlog, value: 256)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                // Until `serve` takes the connection over nothing is read from it but, when its sender has ended, all at once.
                .childChannelOption(.autoRead, value: false)
                // A sender that ends has not taken back what it sent, and may wait for an answer to it.
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .bind(host: configuration.host, port: configuration.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        if let context { try pipeline.addHandler(NIOSSLServerHandler(context: context)) }
                        try pipeline.addHandler(IdleStateHandler(readTimeout: idle))
                        try pipeline.addHandler(IdleCloser(metrics.idle))
                        try pipeline.addHandler(Early())
                        return channel
                    }
                }
            guard let port = listener.channel.localAddress?.port else { throw ServingError.failed("no local port") }
            return StreamListener(configuration, handler, listener, port, metrics, logger)
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            let holder = SocketHolder.ofListeningPort(configuration.port)
            throw ServingError.portTaken(name: configuration.name, host: configuration.host, port: configuration.port, holder: holder)
        } catch let error as IOError {
            throw ServingError.failed("cannot listen on \(configuration.host):\(configuration.port): \(errnoText(error.errnoCode))")
        }
    }

    private init(
        _ configuration: Configuration, _ handler: any StreamHandler, _ listener: NIOAsyncChannel<any Channel, Never>, _ port: Int,
        _ metrics: ListenerMetrics, _ logger: Logger
    ) {
        self.configuration = configuration
        self.handler = handler
        self.listener = listener
        self.port = port
        self.metrics = metrics
        self.logger = logger
    }

    public func run() async throws {
        do {
            try await cancelWhenGracefulShutdown {
                try await self.accept()
            }
        } catch is CancellationError {
            // How shutdown arrives: a normal end.
        }
    }

    private func accept() async throws {
        try await listener.executeThenClose { connections in
            try await withThrowingDiscardingTaskGroup { group in
                for try await connection in connections {
                    guard metrics.open.value < Double(configuration.maximumConnections) else {
                        metrics.refused.increment()
                        connection.close(promise: nil)
                        continue
                    }
                    group.addTask { await self.serve(connection) }
                }
            }
        }
    }

    /// One connection's life. A failure ends the connection, never the listener.
    private func serve(_ channel: any Channel) async {
        metrics.opened()
        defer { metrics.closed() }
        do {
            let connection = try await channel.eventLoop.submit {
                let connection = try Connection(wrappingChannelSynchronously: channel)
                try channel.pipeline.syncOperations.handler(type: Early.self).passOn()
                try channel.syncOptions?.setOption(.autoRead, value: true)
                return connection
            }.get()
            try await connection.executeThenClose { inbound, outbound in
                var stream = StreamConnection(
                    peer: channel.remoteAddress?.ipAddress ?? "", inbound: inbound.makeAsyncIterator(), outbound: outbound, metrics: metrics)
                try await handler.serve(&stream)
            }
        } catch {
            // Resets, broken TLS, malformed messages: the peer's doing, worth a count and a debug line.
            metrics.failed.increment()
            logger.debug("connection ended", metadata: ["listener": "\(configuration.name)", "error": "\(error)"])
        }
    }

    /// Keeps what comes before the connection is taken over: all that a sender sent who has ended by then.
    private final class Early: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias InboundOut = ByteBuffer

        private var isWaiting = true
        private var kept: [ByteBuffer] = []
        private var hasEnded = false
        private var context: ChannelHandlerContext?

        func handlerAdded(context: ChannelHandlerContext) { self.context = context }
        func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            if isWaiting { kept.append(unwrapInboundIn(data)) } else { context.fireChannelRead(data) }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if isWaiting, case .inputClosed? = event as? ChannelEvent { hasEnded = true } else { context.fireUserInboundEventTriggered(event) }
        }

        /// Hands on what was kept, and from here on everything at once.
        func passOn() {
            isWaiting = false
            guard let context else { return }
            for buffer in kept { context.fireChannelRead(wrapInboundOut(buffer)) }
            if !kept.isEmpty { context.fireChannelReadComplete() }
            if hasEnded { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
            kept = []
        }
    }

    /// Closes a connection on which nothing came.
    private final class IdleCloser: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let closed: Counter

        init(_ closed: Counter) { self.closed = closed }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            guard event is IdleStateHandler.IdleStateEvent else { return context.fireUserInboundEventTriggered(event) }
            closed.increment()
            context.close(promise: nil)
        }
    }
}
