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
/// time in which a head must arrive, the time for which an answer may wait for its reader, and the time
/// a connection may be idle between requests.
public final class HTTPServer: Service {
    public struct Configuration: Sendable {
        public var host: String
        /// 0 for any free port.
        public var port: Int
        public var tls: TLSIdentity?
        public var maximumConnections = 1024
        public var maximumBodyBytes = 3 << 20
        /// All fields of a head together; a longer one is answered with 400.
        public var maximumHeaderBytes = 1 << 20
        /// Between requests, and between two pieces of a request's body.
        public var idleTimeout: Duration = .seconds(90)
        /// From a head's first byte to its last.
        public var headTimeout: Duration = .seconds(30)
        /// For which no byte of an answer may be taken before its reader counts as dead.
        public var writeTimeout: Duration = .seconds(60)
        /// zlib's, for answers to clients that accept gzip; 0 packs nothing.
        public var compressionLevel = 1
        /// Shorter bodies are sent as they are.
        public var compressionThreshold = 1024
        /// Whether answers that are written piece by piece are packed too, which costs 268 kB for each while it lasts.
        public var compressesStreams = true
        /// The longest message that a WebSocket takes in.
        public var maximumMessageBytes = 1 << 20
        /// Between two pings on a WebSocket; one that says nothing between two of them is closed.
        public var webSocketPing: Duration = .seconds(30)
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
        let limits = ConnectionGuard.Limits(
            idle: .nanoseconds(configuration.idleTimeout.wholeNanoseconds), head: .nanoseconds(configuration.headTimeout.wholeNanoseconds),
            write: .nanoseconds(configuration.writeTimeout.wholeNanoseconds))
        let decoding = Self.decoding(configuration)
        do {
            let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.backlog, value: 256)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                // The kernel takes more only when less than a piece is unsent (TCP_NOTSENT_LOWAT, 25), so that its own buffers
                // of megabytes do not make a slow reader look like a dead one.
                .childChannelOption(.tcpOption(.init(rawValue: 25)), value: .init(HTTPSession.pieceBytes))
                // What waits in memory for a slow reader: two pieces of an answer.
                .childChannelOption(.writeBufferWaterMark, value: .init(low: HTTPSession.pieceBytes, high: 2 * HTTPSession.pieceBytes))
                // Until `serve` takes the connection over nothing is read from it.
                .childChannelOption(.autoRead, value: false)
                .bind(host: configuration.host, port: configuration.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        if let context { try pipeline.addHandler(NIOSSLServerHandler(context: context)) }
                        let keeper = ConnectionGuard(limits: limits, stalled: serverMetrics.stalled)
                        try pipeline.addHandler(ConnectionGuard.Socket(keeper))
                        try pipeline.addHandler(IdleStateHandler(readTimeout: limits.idle))
                        try pipeline.configureHTTPServerPipeline(
                            withErrorHandling: true, withEncoderConfiguration: .init(), withDecoderLimitConfiguration: decoding)
                        try pipeline.addHandler(UpgradeHandler())
                        try pipeline.addHandler(ConnectionGuard.Session(keeper))
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

    private static func decoding(_ configuration: Configuration) -> NIOHTTPDecoderLimitConfiguration {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderListSize = configuration.maximumHeaderBytes
        return limits
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
                    channel: connection.channel, outbound: outbound, handler: handler, metrics: metrics, configuration: configuration,
                    isTLS: tlsContext != nil)
                // The client going away ends the answer that it waits for.
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        defer { connection.channel.close(promise: nil) }
                        try await session.run(inbound)
                        // A stop of the server does not wait for readers.
                        try await withTaskCancellationHandler {
                            try await connection.channel.triggerUserOutboundEvent(ConnectionGuard.Drain()).get()
                        } onCancel: {
                            connection.channel.close(promise: nil)
                        }
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

/// The metrics of one server.
struct ServerMetrics: Sendable {
    let registry: MetricRegistry
    let server: String
    let open: Gauge
    let refused: Counter
    let failed: Counter
    let stalled: Counter
    let webSockets: Gauge
    let duration: Histogram
    private let count: OpenCount
    private let webSocketCount: OpenCount

    init(registry: MetricRegistry, server: String) {
        self.registry = registry
        self.server = server
        open = registry.gauge("binnacle_http_connections", "Open connections.", ["server": server])
        refused = registry.counter("binnacle_http_connections_refused_total", "Connections closed at once, over the limit.", ["server": server])
        failed = registry.counter("binnacle_http_connections_failed_total", "Connections that ended by an error.", ["server": server])
        stalled = registry.counter(
            "binnacle_http_connections_stalled_total", "Connections closed because the peer did not send a whole head or take its answer in time.",
            ["server": server])
        webSockets = registry.gauge("binnacle_http_websockets", "Open WebSockets.", ["server": server])
        duration = registry.histogram("binnacle_http_request_duration_seconds", "Time until a handler had its answer.", ["server": server])
        count = OpenCount()
        webSocketCount = OpenCount()
    }

    func webSocketOpened() { webSockets.value = Double(webSocketCount.change(by: 1)) }
    func webSocketClosed() { webSockets.value = Double(webSocketCount.change(by: -1)) }
    func connectionOpened() { open.value = Double(count.change(by: 1)) }
    func connectionClosed() { open.value = Double(count.change(by: -1)) }

    func request(status: Int, took: Duration) {
        registry.counter(
            "binnacle_http_requests_total", "Requests answered, by status class.", ["server": server, "code": "\(status / 100)xx"]
        ).increment()
        duration.observe(took)
    }
}
