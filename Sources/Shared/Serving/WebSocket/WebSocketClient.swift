public import HTTP
import JSON
import NIOCore
import NIOPosix
import Runtime

/// Opens a WebSocket to a server, for as long as a closure runs.
public struct WebSocketClient: Sendable {
    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    public var connectTimeout: Duration = .seconds(5)
    public var maximumMessageBytes = 16 << 20
    public var pingInterval: Duration = .seconds(30)

    public init() {}

    /// Connects, runs `body`, and closes. Throws `ServingError` with the words of a server that does not want to.
    public func run(
        _ address: HTTPAddress, fields: HTTPFields = [:], _ body: @escaping @Sendable (any WebSocket) async throws -> Void
    ) async throws {
        let connection = try await connect(address)
        do {
            try await connection.executeThenClose { inbound, outbound in
                var iterator = inbound.makeAsyncIterator()
                var rest = try await open(address, fields, &iterator, outbound, connection.channel.allocator)
                let allocator = connection.channel.allocator
                let peer = WebSocketPeer(
                    .init(isServer: false, maximumMessageBytes: maximumMessageBytes, pingInterval: pingInterval),
                    write: { try await outbound.write(allocator.buffer(bytes: $0)) }, abort: { connection.channel.close(promise: nil) })
                try await peer.run {
                    if !rest.isEmpty {
                        defer { rest = [] }
                        return rest
                    }
                    return try await iterator.next().map { Array($0.readableBytesView) }
                } _: {
                    try await body($0)
                }
            }
        } catch let error as IOError {
            throw ServingError.failed("the connection to \(address.server) broke: \(errnoText(error.errnoCode))")
        }
    }

    /// The opening handshake. Returns what came after its head.
    private func open(
        _ address: HTTPAddress, _ fields: HTTPFields, _ iterator: inout NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator,
        _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>, _ allocator: ByteBufferAllocator
    ) async throws -> [UInt8] {
        let key = Base64.encode((0..<16).map { _ in UInt8.random(in: 0...255) })
        var head = "GET \(address.target) HTTP/1.1\r\nHost: \(address.server)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        head += "Sec-WebSocket-Key: \(key)\r\nSec-WebSocket-Version: 13\r\n"
        for (name, value) in fields.list { head += "\(name): \(value)\r\n" }
        try await outbound.write(allocator.buffer(string: head + "\r\n"))
        var bytes: [UInt8] = []
        var end: Range<Int>?
        while end == nil {
            guard bytes.count < 64 << 10, let more = try await iterator.next() else {
                throw ServingError.failed("\(address.server) does not speak HTTP")
            }
            bytes += more.readableBytesView
            end = bytes.firstRange(of: Array("\r\n\r\n".utf8))
        }
        guard let end else { return [] }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        let rest = Array(bytes[end.upperBound...])
        guard let status = lines.first?.split(separator: " ").dropFirst().first, status == "101" else {
            throw ServingError.failed("\(address.server) answered \(lines.first ?? "nothing"): \(String(decoding: rest, as: UTF8.self))")
        }
        let accepted = lines.dropFirst().contains { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return parts.count == 2 && String(parts[0]).equalsIgnoringCase("Sec-WebSocket-Accept")
                && parts[1].filter { $0 != " " } == WebSocketHandshake.accept(key)
        }
        guard accepted else { throw ServingError.failed("\(address.server) does not speak the WebSocket protocol") }
        return rest
    }

    private func connect(_ address: HTTPAddress) async throws -> Connection {
        guard !address.isTLS else { throw ServingError.failed("a WebSocket over TLS is not supported here") }
        do {
            return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.nanoseconds(connectTimeout.wholeNanoseconds))
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .connect(host: address.host, port: address.port) { channel in
                    channel.eventLoop.makeCompletedFuture { try Connection(wrappingChannelSynchronously: channel) }
                }
        } catch let error as ChannelError {
            if case .connectTimeout = error { throw ServingError.timedOut("no connection to \(address.server) within \(connectTimeout)") }
            throw error
        } catch is NIOConnectionError {
            throw ServingError.unreachable("nobody answers on \(address.server)")
        }
    }
}
