import Glibc
import HTTP
import Logging
import Runtime
import Serving
import TestKit
import Testing

/// Peers that do not do their part, by plain sockets.
@Suite(.timeLimit(.minutes(1))) struct SlowPeerTests {
    private let endless = HTTPClosureHandler { _ in
        HTTPResponse(fields: ["Content-Type": "text/plain"], body: .bytes([UInt8](repeating: 65, count: 16 << 20)))
    }

    private func stalled(_ metrics: MetricRegistry) -> UInt64 {
        metrics.counter("binnacle_http_connections_stalled_total", "", ["server": "test"]).value
    }

    @Test func `a reader that takes nothing is let go, and others are answered meanwhile`() async throws {
        let metrics = MetricRegistry()
        try await withTestServer(handler: endless, metrics: metrics) {
            $0.writeTimeout = .seconds(1)
        } _: { port in
            let dead = try RawSocket(port: port)
            try dead.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await eventually(within: 20) { stalled(metrics) == 1 })
            let live = try await HTTPClient().send("GET", HTTPAddress(host: "127.0.0.1", port: port, target: "/"))
            #expect(live.body.count == 16 << 20)
            #expect(stalled(metrics) == 1)
        }
    }

    @Test func `a head that drips in is cut off, a quiet connection is closed`() async throws {
        let metrics = MetricRegistry()
        try await withTestServer(handler: endless, metrics: metrics) {
            $0.headTimeout = .milliseconds(200)
            $0.idleTimeout = .seconds(2)
        } _: { port in
            let dripping = try RawSocket(port: port)
            try dripping.send("GET / HTTP/1.1\r\nHo")
            #expect(try await eventually(within: 10) { dripping.isClosedByPeer() })
            #expect(stalled(metrics) == 1)
            let quiet = try RawSocket(port: port)
            #expect(try await eventually(within: 10) { quiet.isClosedByPeer() })
            #expect(stalled(metrics) == 1)
        }
    }

    /// A server that is told to stop while clients still connect: each is answered or let go, and the process lives on.
    @Test func `clients that come while the server stops harm nobody`() async throws {
        for _ in 0..<20 {
            let server = try await HTTPServer.bind(
                .init(name: "test", host: "127.0.0.1", port: 0), handler: HTTPClosureHandler { _ in .text("ok") }, metrics: MetricRegistry(),
                logger: Logger(label: "test"))
            let port = server.port
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.run() }
                let answer = try await HTTPClient().send("GET", HTTPAddress(host: "127.0.0.1", port: port, target: "/"))
                #expect(answer.status == 200)
                group.addTask {
                    var sockets: [RawSocket] = []
                    for _ in 0..<50 {
                        guard let socket = try? RawSocket(port: port) else { break }
                        try? socket.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                        sockets.append(socket)
                        await Task.yield()
                    }
                }
                await Task.yield()
                group.cancelAll()
                try await group.waitForAll()
            }
        }
    }

    /// HTTP/1.0 knows no chunks, so the end of the connection is the answer's, whatever the client asked for.
    @Test(arguments: ["", "Connection: keep-alive\r\n"]) func `a stream to a client of HTTP 1.0 comes plain`(fields: String) async throws {
        let handler = HTTPClosureHandler { _ in
            HTTPResponse(
                body: .stream { writer in
                    for piece in ["one\n", "two\n"] { try await writer.write(Array(piece.utf8)) }
                })
        }
        try await withTestServer(handler: handler) { port in
            let client = try RawSocket(port: port)
            try client.send("GET / HTTP/1.0\r\n\(fields)\r\n")
            var answer: [UInt8] = []
            #expect(
                try await eventually(within: 10) {
                    answer += client.take()
                    return answer.suffix(8).elementsEqual("one\ntwo\n".utf8)
                }, "\(String(decoding: answer, as: UTF8.self))")
            let text = String(decoding: answer, as: UTF8.self).lowercased()
            #expect(text.hasPrefix("http/1.0 200") && !text.contains("chunked") && text.hasSuffix("\r\n\r\none\ntwo\n"), "\(text)")
            #expect(try await eventually(within: 10) { client.isClosedByPeer() })
        }
    }

    @Test func `a head over the limit is answered with 400`() async throws {
        try await withTestServer(handler: HTTPClosureHandler { _ in .text("ok") }) {
            $0.maximumHeaderBytes = 64 << 10
        } _: { port in
            var fields = HTTPFields()
            for number in 0..<100 { fields.add("X-Filler-\(number)", String(repeating: "x", count: 1000)) }
            let answer = try? await HTTPClient().send("GET", HTTPAddress(host: "127.0.0.1", port: port, target: "/"), fields: fields)
            #expect(answer == nil || answer?.status == 400)
            // The server goes on.
            let after = try await HTTPClient().send("GET", HTTPAddress(host: "127.0.0.1", port: port, target: "/"))
            #expect(after.status == 200)
        }
    }
}

/// A TCP connection to loopback that does nothing by itself.
final class RawSocket: Sendable {
    private let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        // A small window: what the server writes soon has nowhere to go.
        var size: Int32 = 4096
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard connected == 0 else { throw Program.Failure("connect: \(errnoText(errno))") }
    }

    deinit { close(descriptor) }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        guard unsafe Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Program.Failure("send: \(errnoText(errno))")
        }
    }

    /// What has come and was not taken yet.
    func take() -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        return Array(buffer.prefix(max(0, count)))
    }

    /// Whether the end of the stream or a reset has come; what was sent before is dropped.
    func isClosedByPeer() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        return count == 0 || (count < 0 && errno != EAGAIN)
    }
}
