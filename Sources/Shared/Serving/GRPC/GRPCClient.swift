import HTTP
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import Runtime

/// Calls methods of a gRPC server that listens on a unix socket: one message out, one or many back, one connection a call.
///
/// That is all that container runtimes need of us. A connection to a socket of the same machine costs less than the care
/// for one that is kept: there is nothing to notice, to mend or to leak when a runtime restarts.
public struct GRPCClient: Sendable {
    private typealias Stream = NIOAsyncChannel<HTTP2Frame.FramePayload, HTTP2Frame.FramePayload>

    public var socket: String
    public var connectTimeout: Duration = .seconds(2)
    /// A longer message ends the call with `resourceExhausted`.
    public var maximumMessageBytes = 8 << 20

    public init(socket: String) { self.socket = socket }

    /// Calls a method that answers with one message.
    ///
    /// - Parameter method: `/runtime.v1.RuntimeService/Version`.
    /// - Throws: `GRPCStatus` for what the server or the protocol says, `ServingError` for the connection.
    public func call(_ method: String, _ message: [UInt8], fields: HTTPFields = [:], timeout: Duration) async throws -> [UInt8] {
        try await withDeadline(timeout, else: ServingError.timedOut("no answer from \(socket) within \(timeout)")) {
            var answer: [UInt8]?
            try await stream(method, message, fields: fields) {
                guard answer == nil else { throw GRPCStatus(.internalError, "more than one message came") }
                answer = $0
            }
            guard let answer else { throw GRPCStatus(.internalError, "no message came") }
            return answer
        }
    }

    /// Calls a method that answers with a stream of messages; returns when the server ends it.
    public func stream(
        _ method: String, _ message: [UInt8], fields: HTTPFields = [:], onMessage: ([UInt8]) async throws -> Void
    ) async throws {
        let (connection, multiplexer) = try await connect()
        do {
            let stream = try await multiplexer.openStream { channel in
                channel.eventLoop.makeCompletedFuture { try Stream(wrappingChannelSynchronously: channel) }
            }
            try await exchange(stream, method, message, fields, onMessage: onMessage)
        } catch let error as IOError {
            connection.close(promise: nil)
            throw ServingError.failed("the connection to \(socket) broke: \(errnoText(error.errnoCode))")
        } catch let error as any NIOHTTP2Error {
            connection.close(promise: nil)
            throw ServingError.failed("\(socket) does not speak HTTP/2 as it should: \(type(of: error))")
        } catch let error as ChannelError {
            connection.close(promise: nil)
            throw ServingError.failed("the connection to \(socket) broke: \(error)")
        } catch {
            connection.close(promise: nil)
            throw error
        }
        connection.close(promise: nil)
    }

    private func exchange(
        _ stream: Stream, _ method: String, _ message: [UInt8], _ fields: HTTPFields,
        onMessage: ([UInt8]) async throws -> Void
    ) async throws {
        try await stream.executeThenClose { inbound, outbound in
            var headers = HPACKHeaders([
                // A server of a unix socket has no name; `localhost` is what all of them take.
                (":method", "POST"), (":scheme", "http"), (":path", method), (":authority", "localhost"),
                ("content-type", "application/grpc"), ("te", "trailers"), ("user-agent", "binnacle"),
            ])
            for (name, value) in fields.list { headers.add(name: name, value: value) }
            try await outbound.write(.headers(.init(headers: headers)))
            let body = stream.channel.allocator.buffer(bytes: GRPCMessages.framed(message))
            try await outbound.write(.data(.init(data: .byteBuffer(body), endStream: true)))
            var messages = GRPCMessages(maximumBytes: maximumMessageBytes)
            var isOpen = false
            for try await payload in inbound {
                switch payload {
                case .headers(let part):
                    if !isOpen {
                        isOpen = true
                        guard part.headers.first(name: ":status") == "200" else {
                            let status = part.headers.first(name: ":status") ?? "none"
                            throw GRPCStatus(status == "404" ? .unimplemented : .unavailable, "the HTTP status is \(status.prefix(20))")
                        }
                    }
                    if let code = part.headers.first(name: "grpc-status") {
                        guard code == "0" else { throw GRPCStatus(code: code, message: part.headers.first(name: "grpc-message")) }
                        guard messages.isEmpty else { throw GRPCStatus(.internalError, "the answer ends within a message") }
                        return
                    }
                    if part.endStream { throw GRPCStatus(.internalError, "the answer ends without a status") }
                case .data(let part):
                    guard isOpen, case .byteBuffer(let buffer) = part.data else { throw GRPCStatus(.internalError, "data came before the header") }
                    for message in try messages.add(buffer.readableBytesView) { try await onMessage(message) }
                    if part.endStream { throw GRPCStatus(.internalError, "the answer ends without a status") }
                case .rstStream(let code): throw GRPCStatus(.unavailable, "the server reset the stream (\(code))")
                default: continue
                }
            }
            try Task.checkCancellation()
            throw ServingError.failed("\(socket) closed the connection before its answer ended")
        }
    }

    private func connect() async throws -> (any Channel, NIOHTTP2Handler.AsyncStreamMultiplexer<Void>) {
        var configuration = NIOHTTP2Handler.Configuration()
        // A window of a few hundred kB: an answer of many megabytes that nobody reads waits in the server, not here.
        configuration.stream.targetWindowSize = 256 << 10
        configuration.connection.targetWindowSize = 512 << 10
        do {
            return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.nanoseconds(connectTimeout.wholeNanoseconds))
                .connect(unixDomainSocketPath: socket) { [configuration] channel in
                    channel.configureAsyncHTTP2Pipeline(mode: .client, configuration: configuration) { stream in
                        // Servers open no streams towards us.
                        stream.close()
                    }.map { (channel, $0) }
                }
        } catch let error as ChannelError {
            if case .connectTimeout = error { throw ServingError.timedOut("no connection to \(socket) within \(connectTimeout)") }
            throw ServingError.unreachable("cannot connect to \(socket): \(error)")
        } catch let error as IOError {
            throw ServingError.unreachable("cannot connect to \(socket): \(errnoText(error.errnoCode))")
        }
    }
}
