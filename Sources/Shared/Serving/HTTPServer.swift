import HTTP
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Runtime
import ServiceLifecycle

/// Serves one handler on one address over HTTP/1.1, with or without TLS.
///
/// Its `run()` is its whole life: it answers until it is cancelled or told to shut down gracefully.
/// Bounds: connections (further ones are closed at once and counted), a request's head and body, the
/// time in which a head must arrive, and the time a connection may be idle between requests.
public final class HTTPServer: Service {
    public struct Configuration: Sendable {
        public var host: String
        /// 0 for any free port.
        public var port: Int
        public var tls: TLSIdentity?
        public var maximumConnections = 1024
        public var maximumBodyBytes = 3 << 20
        /// Between requests, and while a request arrives.
        public var idleTimeout: Duration = .seconds(90)
        /// The label `server` of this server's metrics.
        public var name: String

        public init(name: String, host: String, port: Int, tls: TLSIdentity? = nil) {
            self.name = name
            self.host = host
            self.port = port
            self.tls = tls
        }
    }

    typealias Connection = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>

    private let configuration: Configuration
    private let handler: any HTTPHandler
    private let listener: NIOAsyncChannel<any Channel, Never>
    private let logger: Logger
    private let metrics: ServerMetrics
    private let tlsContext: NIOSSLContext?

    /// The port that is bound, also when 0 was asked for.
    public let port: Int

    /// Binds the address. Throws `ServingError.portTaken` with the holder's name where it can be told.
    public static func bind(
        _ configuration: Configuration, handler: any HTTPHandler, metrics: MetricRegistry, logger: Logger
    ) async throws -> HTTPServer {
        let context = try configuration.tls?.serverContext()
        let serverMetrics = ServerMetrics(registry: metrics, server: configuration.name)
        let idleTimeout = TimeAmount.nanoseconds(configuration.idleTimeout.wholeNanoseconds)
        do {
            let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.backlog, value: 256)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                // Until `serve` takes the connection over nothing is read from it.
                .childChannelOption(.autoRead, value: false)
                .bind(host: configuration.host, port: configuration.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        if let context { try pipeline.addHandler(NIOSSLServerHandler(context: context)) }
                        try pipeline.addHandler(IdleStateHandler(readTimeout: idleTimeout))
                        try pipeline.configureHTTPServerPipeline(withErrorHandling: true)
                        try pipeline.addHandler(IdleCloser())
                        return channel
                    }
                }
            guard let port = listener.channel.localAddress?.port else { throw ServingError.failed("no local port") }
            return HTTPServer(
                configuration: configuration, handler: handler, listener: listener, port: port, logger: logger, metrics: serverMetrics,
                context: context)
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            let holder = SocketHolder.ofListeningPort(configuration.port)
            throw ServingError.portTaken(name: configuration.name, host: configuration.host, port: configuration.port, holder: holder)
        } catch let error as IOError {
            throw ServingError.failed("cannot listen on \(configuration.host):\(configuration.port): \(errnoText(error.errnoCode))")
        }
    }

    private init(
        configuration: Configuration, handler: any HTTPHandler, listener: NIOAsyncChannel<any Channel, Never>, port: Int,
        logger: Logger, metrics: ServerMetrics, context: NIOSSLContext?
    ) {
        self.configuration = configuration
        self.handler = handler
        self.listener = listener
        self.port = port
        self.logger = logger
        self.metrics = metrics
        tlsContext = context
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
            // Plain channels: one that comes while the server stops, when nobody takes it any more, may just be dropped.
            // A `NIOAsyncChannel` that nobody takes ends the process.
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

    /// One connection's life. A failure ends the connection, never the server.
    private func serve(_ channel: any Channel) async {
        metrics.connectionOpened()
        defer { metrics.connectionClosed() }
        do {
            let connection = try await channel.eventLoop.submit {
                let connection = try Connection(wrappingChannelSynchronously: channel)
                try channel.syncOptions?.setOption(.autoRead, value: true)
                return connection
            }.get()
            try await connection.executeThenClose { inbound, outbound in
                let session = HTTPSession(
                    channel: connection.channel, outbound: outbound, handler: handler, metrics: metrics,
                    maximumBodyBytes: configuration.maximumBodyBytes, isTLS: tlsContext != nil)
                // The client going away ends the answer that it waits for.
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        defer { connection.channel.close(promise: nil) }
                        try await session.run(inbound)
                    }
                    group.addTask { try await connection.channel.closeFuture.get() }
                    try await group.next()
                    group.cancelAll()
                }
            }
        } catch {
            // Resets, broken TLS, malformed requests: the peer's doing, worth a count and a debug line.
            metrics.failed.increment()
            logger.debug("connection ended", metadata: ["server": "\(configuration.name)", "error": "\(error)"])
        }
    }
}

/// Closes a connection on which no request arrives for the configured time while none is being answered.
private final class IdleCloser: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// Between a request's end and its answer's end the client rightly says nothing, for hours with a watch.
    private var isAnswering = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .end = unwrapInboundIn(data) { isAnswering = true }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { isAnswering = false }
        context.write(data, promise: promise)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent {
            if !isAnswering { context.close(promise: nil) }
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }
}

/// The metrics of one server.
struct ServerMetrics: Sendable {
    let registry: MetricRegistry
    let server: String
    let open: Gauge
    let refused: Counter
    let failed: Counter
    let duration: Histogram
    private let count: OpenCount

    init(registry: MetricRegistry, server: String) {
        self.registry = registry
        self.server = server
        open = registry.gauge("binnacle_http_connections", "Open connections.", ["server": server])
        refused = registry.counter("binnacle_http_connections_refused_total", "Connections closed at once, over the limit.", ["server": server])
        failed = registry.counter("binnacle_http_connections_failed_total", "Connections that ended by an error.", ["server": server])
        duration = registry.histogram("binnacle_http_request_duration_seconds", "Time until a handler had its answer.", ["server": server])
        count = OpenCount()
    }

    func connectionOpened() { open.value = Double(count.change(by: 1)) }
    func connectionClosed() { open.value = Double(count.change(by: -1)) }

    func request(status: Int, took: Duration) {
        registry.counter(
            "binnacle_http_requests_total", "Requests answered, by status class.", ["server": server, "code": "\(status / 100)xx"]
        ).increment()
        duration.observe(took)
    }
}
