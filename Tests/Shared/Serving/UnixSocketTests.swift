import Glibc
import HTTP
import NIOCore
import NIOPosix
import Runtime
import Serving
import TestKit
import Testing

/// The clients on unix sockets. The owners' tests (`Tests/Collector/Discovery`) drive them against whole servers.
@Suite(.timeLimit(.minutes(1))) struct UnixSocketTests {
    /// Answers every connection with the same bytes once something has come.
    private final class Reply: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let text: String
        init(_ text: String) { self.text = text }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let channel = context.channel
            channel.writeAndFlush(ByteBuffer(string: text)).whenComplete { _ in channel.close(promise: nil) }
        }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    private func withServer(_ text: String, _ body: (String) async throws -> Void) async throws {
        let place = TemporaryDirectory("unix")
        let path = place.file("s.sock")
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Reply(text)) } }
            .bind(unixDomainSocketPath: path).get()
        try await body(path)
        try await server.close()
    }

    @Test func `a request over a unix socket gets its answer`() async throws {
        try await withServer("HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 2\r\n\r\nhi") { path in
            let answer = try await HTTPClient().send("GET", HTTPAddress(unixSocket: path, target: "/x"), timeout: .seconds(10))
            #expect(answer.status == 200)
            #expect(answer.fields["x-a"] == "b")
            #expect(answer.body == Array("hi".utf8))
        }
    }

    @Test func `a body beyond the bound is cut, or refused where that is asked for`() async throws {
        try await withServer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello") { path in
            var client = HTTPClient()
            client.maximumBodyBytes = 4
            let address = HTTPAddress(unixSocket: path, target: "/")
            let cut = try await client.send("GET", address, timeout: .seconds(10))
            #expect(cut.body == Array("hell".utf8))
            client.refusesLongBodies = true
            await #expect(throws: ServingError.tooLong("the answer of \(path) is longer than 4 bytes")) {
                _ = try await client.send("GET", address, timeout: .seconds(10))
            }
        }
    }

    @Test func `a socket that is not there is told by its path and why`() async {
        let path = "/nonexistent/x.sock"
        let expected = ServingError.unreachable("cannot connect to \(path): No such file or directory")
        await #expect(throws: expected) { _ = try await HTTPClient().send("GET", HTTPAddress(unixSocket: path, target: "/"), timeout: .seconds(5)) }
        await #expect(throws: expected) { _ = try await GRPCClient(socket: path).call("/a/b", [], timeout: .seconds(5)) }
    }

    @Test func `a path too long for a socket is an error, not the end`() async {
        let path = "/" + String(repeating: "x", count: 300)
        await #expect(throws: (any Error).self) { _ = try await HTTPClient().send("GET", HTTPAddress(unixSocket: path, target: "/"), timeout: .seconds(5)) }
        await #expect(throws: (any Error).self) { _ = try await GRPCClient(socket: path).call("/a/b", [], timeout: .seconds(5)) }
    }

    @Test func `a call of gRPC to what speaks another protocol fails`() async throws {
        try await withServer("HTTP/1.1 400 Bad Request\r\n\r\n") { path in
            await #expect(throws: (any Error).self) { _ = try await GRPCClient(socket: path).call("/a/b", [], timeout: .seconds(5)) }
        }
    }
}
