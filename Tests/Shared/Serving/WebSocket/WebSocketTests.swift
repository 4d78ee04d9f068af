import Glibc
import HTTP
import Runtime
import Synchronization
import TestKit
import Testing

@testable import Serving

/// The server's and the client's end together, and plain sockets where an end misbehaves.
@Suite(.timeLimit(.minutes(1))) struct WebSocketTests {
    /// Says back what it hears, until it hears "bye".
    private let echo = HTTPClosureHandler { request in
        guard request.path == "/echo" else { return .text("plain") }
        return .webSocket { socket in
            while let message = try await socket.receive() {
                guard case .text(let text) = message else { continue }
                if text == Array("bye".utf8) { return }
                try await socket.send(text)
            }
        }
    }

    private func address(_ port: Int, _ path: String = "/echo") -> HTTPAddress { HTTPAddress(host: "127.0.0.1", port: port, target: path) }

    @Test func `messages of all lengths go both ways and either end may close`() async throws {
        let metrics = MetricRegistry()
        try await withTestServer(handler: echo, metrics: metrics) { port in
            let heard = Mutex<[[UInt8]]>([])
            let texts = [0, 1, 125, 126, 65_535, 65_536, 500_000].map { [UInt8](repeating: UInt8(ascii: "x"), count: $0) }
            try await WebSocketClient().run(address(port)) { socket in
                for text in texts {
                    try await socket.send(text)
                    if case .text(let answer)? = try await socket.receive() { heard.withLock { $0.append(answer) } }
                }
                #expect(metrics.gauge("binnacle_http_websockets", "", ["server": "test"]).value == 1)
                try await socket.send(Array("bye".utf8))
                // The server closes.
                #expect(try await socket.receive() == nil)
            }
            #expect(heard.withLock { $0 } == texts)
            #expect(try await eventually(within: 10) { metrics.gauge("binnacle_http_websockets", "", ["server": "test"]).value == 0 })
            // This time the client does.
            try await WebSocketClient().run(address(port)) { try await $0.send([65]) }
        }
    }

    @Test func `a request that is no handshake is answered in words`() async throws {
        try await withTestServer(handler: echo) { port in
            let plain = try await HTTPClient().send("GET", address(port))
            #expect(plain.status == 426)
            #expect(String(decoding: plain.body, as: UTF8.self).contains("this is a WebSocket"))
            let old = try RawSocket(port: port)
            try old.send(Self.handshake.replacing("Version: 13", with: "Version: 8"))
            let refusal = String(decoding: try await old.received(atLeast: 60), as: UTF8.self)
            #expect(refusal.hasPrefix("HTTP/1.1 426 ") && refusal.contains("Sec-WebSocket-Version: 13"), "\(refusal)")
            await #expect(throws: ServingError.self) { try await WebSocketClient().run(address(port, "/plain")) { _ in } }
            // A page elsewhere may not read through a browser what it may not read by itself.
            await #expect(throws: ServingError.self) {
                try await WebSocketClient().run(address(port), fields: ["Origin": "http://evil.example"]) { _ in }
            }
            try await WebSocketClient().run(address(port), fields: ["Origin": "http://127.0.0.1:\(port)"]) { _ in }
        }
    }

    private static let handshake =
        "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

    @Test func `a client that breaks the protocol is told so and let go`() async throws {
        try await withTestServer(handler: echo) { port in
            let socket = try RawSocket(port: port)
            try socket.send(Self.handshake)
            let head = try await socket.received(atLeast: 100)
            #expect(head.starts(with: Array("HTTP/1.1 101 Switching Protocols\r\n".utf8)))
            #expect(String(decoding: head, as: UTF8.self).contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
            // A ping by the book, then a frame without a mask.
            try socket.send(WebSocketFrame(opcode: .ping, payload: [7]).bytes(mask: 0x0102_0304))
            #expect(try await socket.received(atLeast: 3) == [0x8A, 1, 7])
            try socket.send([0x81, 0x01, 0x41])
            let close = try await socket.received(atLeast: 4)
            #expect(close[0] == 0x88 && close[2...3] == [0x03, 0xEA])
            #expect(try await eventually(within: 10) { socket.isClosedByPeer() })
        }
    }

    @Test func `a client that goes silent is left after two pings, and one that never reads is cut off`() async throws {
        let flood = HTTPClosureHandler { request in
            .webSocket { socket in
                let line = [UInt8](repeating: 65, count: 60_000)
                while request.path == "/flood" { try await socket.send(line) }
                _ = try await socket.receive()
            }
        }
        let metrics = MetricRegistry()
        try await withTestServer(handler: flood, metrics: metrics) {
            $0.webSocketPing = .milliseconds(100)
            $0.writeTimeout = .seconds(1)
        } _: { port in
            let silent = try RawSocket(port: port)
            try silent.send(Self.handshake)
            let greedy = try RawSocket(port: port)
            try greedy.send(Self.handshake.replacing("/echo", with: "/flood"))
            #expect(try await eventually(within: 20) { metrics.gauge("binnacle_http_websockets", "", ["server": "test"]).value == 0 })
            #expect(try await eventually(within: 10) { silent.isClosedByPeer() })
            _ = greedy
        }
    }
}

extension RawSocket {
    /// Waits until so many bytes are there, and takes all that are.
    func received(atLeast count: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        _ = try await eventually(within: 10) {
            bytes += self.take()
            return bytes.count >= count
        }
        return bytes
    }
}
