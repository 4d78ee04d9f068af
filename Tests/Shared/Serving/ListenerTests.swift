import Glibc
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Runtime
import Serving
import Synchronization
import Telemetry
import TestKit
import Testing

/// Answers every piece with itself, until it is told to end.
private struct Echo: StreamHandler {
    func serve(_ connection: inout StreamConnection) async throws {
        while let bytes = try await connection.read() {
            if bytes == Array("end".utf8) { return }
            try await connection.write(bytes)
        }
    }
}

private final class Kept: DatagramHandler {
    let datagrams = Mutex<[[UInt8]]>([])
    func receive(_ datagram: [UInt8], from peer: String) { datagrams.withLock { $0.append(datagram) } }
    var count: Int { datagrams.withLock { $0.count } }
}

@Suite(.timeLimit(.minutes(1))) struct ListenerTests {
    private static let logger = Logger(label: "test")

    private func eventually(_ condition: () -> Bool) async throws -> Bool {
        for _ in 0..<500 {
            if condition() { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    /// Sends text, ends its side if asked, and returns what came until the connection closed or `count` bytes are there.
    private func talk(_ port: Int, _ texts: [String], count: Int) throws -> String {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var timeout = timeval(tv_sec: 5, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        try connect(descriptor, port)
        for text in texts { _ = unsafe send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL)) }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1024)
        while answer.count < count {
            let got = unsafe recv(descriptor, &buffer, 1024, 0)
            guard got > 0 else { break }
            answer += buffer[..<got]
        }
        return String(decoding: answer, as: UTF8.self)
    }

    private func connect(_ descriptor: Int32, _ port: Int) throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = unsafe withUnsafePointer(to: address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        try #require(result == 0)
    }

    @Test func `connections are served, bounded, counted and closed`() async throws {
        let registry = MetricRegistry()
        var configuration = StreamListener.Configuration(name: "echo", host: "127.0.0.1", port: 0)
        configuration.maximumConnections = 1
        let listener = try await StreamListener.bind(configuration, handler: Echo(), metrics: registry, logger: Self.logger)
        let running = Task { try await listener.run() }
        let port = listener.port
        #expect(try await Task.detached { try self.talk(port, ["hello"], count: 5) }.value == "hello")
        let open = registry.gauge("binnacle_listener_connections", "", ["listener": "echo"])
        #expect(try await eventually { open.value == 0 })
        // One is held open; the second is closed at once.
        let held = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try connect(held, port)
        #expect(try await eventually { open.value == 1 })
        #expect(try await Task.detached { try self.talk(port, [], count: 1) }.value == "")
        close(held)
        #expect(try await eventually { open.value == 0 })
        #expect(registry.counter("binnacle_listener_connections_refused_total", "", ["listener": "echo"]).value == 1)
        #expect(registry.counter("binnacle_listener_received_bytes_total", "", ["listener": "echo"]).value == 5)
        running.cancel()
        try await running.value
    }

    @Test func `what a sender sent who ended at once is read, and may be answered`() async throws {
        let registry = MetricRegistry()
        let listener = try await StreamListener.bind(
            .init(name: "short", host: "127.0.0.1", port: 0), handler: Echo(), metrics: registry, logger: Self.logger)
        let running = Task { try await listener.run() }
        let received = registry.counter("binnacle_listener_received_bytes_total", "", ["listener": "short"])
        for _ in 0..<100 {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            try connect(descriptor, listener.port)
            _ = unsafe send(descriptor, "a line", 6, Int32(MSG_NOSIGNAL))
            close(descriptor)
        }
        #expect(try await eventually { received.value == 600 }, "\(received.value)")
        let half = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(half) }
        try connect(half, listener.port)
        _ = unsafe send(half, "question", 8, Int32(MSG_NOSIGNAL))
        shutdown(half, Int32(SHUT_WR))
        var buffer = [UInt8](repeating: 0, count: 100)
        var timeout = timeval(tv_sec: 5, tv_usec: 0)
        unsafe setsockopt(half, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        let got = unsafe recv(half, &buffer, 100, 0)
        #expect(got == 8)
        running.cancel()
        try await running.value
    }

    @Test func `a connection on which nothing comes is closed`() async throws {
        let registry = MetricRegistry()
        var configuration = StreamListener.Configuration(name: "idle", host: "127.0.0.1", port: 0)
        configuration.idleTimeout = .milliseconds(50)
        let listener = try await StreamListener.bind(configuration, handler: Echo(), metrics: registry, logger: Self.logger)
        let running = Task { try await listener.run() }
        let port = listener.port
        #expect(try await Task.detached { try self.talk(port, [], count: 1) }.value == "")
        #expect(registry.counter("binnacle_listener_connections_idle_total", "", ["listener": "idle"]).value == 1)
        running.cancel()
        try await running.value
    }

    @Test func `TLS without client certificates is spoken, and a taken port names its holder`() async throws {
        let directory = TemporaryDirectory("listener")
        let authority = try CertificateAuthority.open(directory: directory.file("ca"), fileSystem: HostFileSystem(), now: SystemClock().now)
        let pair = try authority.server(commonName: "localhost", names: ["localhost"], addresses: ["127.0.0.1"], now: SystemClock().now)
        let identity = TLSIdentity(certificate: pair.certificate, privateKey: pair.privateKey, clientAuthority: "")
        let listener = try await StreamListener.bind(
            .init(name: "tls", host: "127.0.0.1", port: 0, tls: identity), handler: Echo(), metrics: MetricRegistry(), logger: Self.logger)
        let running = Task { try await listener.run() }
        var client = TLSConfiguration.makeClientConfiguration()
        client.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(authority.certificatePEM.utf8)))
        let context = try NIOSSLContext(configuration: client)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(host: "127.0.0.1", port: listener.port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(try NIOSSLClientHandler(context: context, serverHostname: "localhost"))
                return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
        try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: "secret"))
            var iterator = inbound.makeAsyncIterator()
            #expect(try await iterator.next().map { String(buffer: $0) } == "secret")
        }
        let port = listener.port
        await #expect(throws: ServingError.self) {
            _ = try await StreamListener.bind(
                .init(name: "second", host: "127.0.0.1", port: port), handler: Echo(), metrics: MetricRegistry(), logger: Self.logger)
        }
        running.cancel()
        try await running.value
    }

    @Test func `datagrams over UDP come whole, up to 64 KiB`() async throws {
        let kept = Kept()
        let listener = try await DatagramListener.bind(name: "udp", host: "127.0.0.1", port: 0, handler: kept, metrics: MetricRegistry())
        let running = Task { try await listener.run() }
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        try connect(descriptor, listener.port)
        for size in [1, 0, 1000, 60_000] {
            let datagram = [UInt8](repeating: UInt8(size & 255), count: size)
            _ = unsafe send(descriptor, datagram, size, 0)
        }
        #expect(try await eventually { kept.count >= 4 })
        #expect(kept.datagrams.withLock { $0.map(\.count) } == [1, 0, 1000, 60_000])
        running.cancel()
        try await running.value
    }

    @Test func `a listener that never runs keeps what comes, and gives its port back without harm`() async throws {
        let kept = Kept()
        let port = try await DatagramListener.bind(name: "udp", host: "127.0.0.1", port: 0, handler: kept, metrics: MetricRegistry()).port
        for _ in 0..<500 {
            let next = try? await DatagramListener.bind(name: "udp", host: "127.0.0.1", port: port, handler: kept, metrics: MetricRegistry())
            guard let next else {
                // The first one's socket is closed on another thread.
                try await Task.sleep(for: .milliseconds(10))
                continue
            }
            let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
            defer { close(descriptor) }
            try connect(descriptor, next.port)
            _ = unsafe send(descriptor, [UInt8](repeating: 7, count: 3), 3, 0)
            let running = Task { try await next.run() }
            #expect(try await eventually { kept.count == 1 })
            running.cancel()
            return try await running.value
        }
        Issue.record("the port stayed taken")
    }

    @Test func `a datagram socket in the file system takes senders without a name, and replaces a dead one`() async throws {
        let directory = TemporaryDirectory("local")
        let path = directory.file("log")
        for _ in 0..<2 {
            let kept = Kept()
            let listener = try LocalDatagramListener.bind(name: "local", path: path, handler: kept, metrics: MetricRegistry())
            #expect(throws: ServingError.self) { _ = try LocalDatagramListener.bind(name: "local", path: path, handler: kept, metrics: MetricRegistry()) }
            let running = Task { try await listener.run() }
            let outcome = try await Program.run(["logger", "-u", path, "-t", "tag", "over a socket"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(try await eventually { kept.count == 1 })
            #expect(String(decoding: kept.datagrams.withLock { $0[0] }, as: UTF8.self).hasSuffix("tag: over a socket"))
            running.cancel()
            try await running.value
            #expect(!HostFileSystem().exists(path))
            // As a process that was killed leaves it.
            let dead = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: Array(path.utf8)) }
            _ = unsafe withUnsafePointer(to: address) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe Glibc.bind(dead, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
            }
            close(dead)
        }
    }
}
