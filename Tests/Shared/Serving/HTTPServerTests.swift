import HTTP
import Logging
import Runtime
import Serving
import Synchronization
import Telemetry
import TestKit
import Testing

@Suite(.timeLimit(.minutes(1))) struct HTTPServerTests {
    /// Starts a server for `body` and stops it afterwards.
    private func withServer(
        tls: TLSIdentity? = nil, maximumBodyBytes: Int = 1000, handler: any HTTPHandler, _ body: (Int) async throws -> Void
    ) async throws {
        var configuration = HTTPServer.Configuration(name: "test", host: "127.0.0.1", port: 0, tls: tls)
        configuration.maximumBodyBytes = maximumBodyBytes
        let server = try await HTTPServer.bind(configuration, handler: handler, metrics: MetricRegistry(), logger: Logger(label: "test"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            try await body(server.port)
            group.cancelAll()
        }
    }

    private let echo = HTTPClosureHandler { request in
        .text("\(request.method) \(request.path) \(request.query.map { "\($0.name)=\($0.value)" }) \(String(decoding: request.body, as: UTF8.self))")
    }

    @Test func `answers with what was asked, decoded`() async throws {
        try await withServer(handler: echo) { port in
            let address = HTTPAddress(host: "127.0.0.1", port: port, target: "/a%20b?x=1%2B1&y=a+b")
            let answer = try await HTTPClient().send("POST", address, body: Array("hello".utf8))
            #expect(answer.status == 200)
            #expect(String(decoding: answer.body, as: UTF8.self) == #"POST /a b ["x=1+1", "y=a b"] hello"#)
        }
    }

    @Test func `adds a form's pairs to the query`() async throws {
        try await withServer(handler: echo) { port in
            let address = HTTPAddress(host: "127.0.0.1", port: port, target: "/q?a=1")
            let answer = try await HTTPClient().send(
                "POST", address, fields: ["Content-Type": "application/x-www-form-urlencoded"], body: Array("query=up%7B%7D".utf8))
            #expect(String(decoding: answer.body, as: UTF8.self).contains(#"["a=1", "query=up{}"]"#))
        }
    }

    @Test func `refuses a body over the limit and goes on`() async throws {
        try await withServer(handler: echo) { port in
            let address = HTTPAddress(host: "127.0.0.1", port: port, target: "/")
            let refused = try await HTTPClient().send("POST", address, body: Array(repeating: 65, count: 5000))
            #expect(refused.status == 413)
            let accepted = try await HTTPClient().send("POST", address, body: [65])
            #expect(accepted.status == 200)
        }
    }

    @Test func `streams, and cancels the producer when the client goes`() async throws {
        let (ended, end) = AsyncStream.makeStream(of: Bool.self)
        let handler = HTTPClosureHandler { _ in
            HTTPResponse(
                body: .stream { writer in
                    defer { end.yield(Task.isCancelled) }
                    try await writer.write(Array("one\n".utf8))
                    try await Task.sleep(for: .seconds(60))
                })
        }
        struct Enough: Error {}
        try await withServer(handler: handler) { port in
            let address = HTTPAddress(host: "127.0.0.1", port: port, target: "/")
            await #expect(throws: Enough.self) {
                try await HTTPClient().stream("GET", address) { _ in
                } onBody: { bytes in
                    #expect(bytes == Array("one\n".utf8))
                    throw Enough()
                }
            }
            for await wasCancelled in ended {
                #expect(wasCancelled)
                break
            }
        }
    }

    @Test func `names the holder of a taken port`() async throws {
        try await withServer(handler: echo) { port in
            let error = await #expect(throws: ServingError.self) {
                _ = try await HTTPServer.bind(
                    .init(name: "API server", host: "127.0.0.1", port: port), handler: echo, metrics: MetricRegistry(), logger: Logger(label: "t"))
            }
            guard case .portTaken("API server", "127.0.0.1", port, let holder) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(holder?.contains("(pid ") == true)
            #expect(error?.description.contains("--port-offset") == true)
        }
    }

    @Test func `speaks TLS and knows the client by its certificate`() async throws {
        let directory = TemporaryDirectory("tls")
        let now = SystemClock().now
        let authority = try CertificateAuthority.open(directory: directory.path, fileSystem: HostFileSystem(), now: now)
        // Opened again it is the same.
        let again = try CertificateAuthority.open(directory: directory.path, fileSystem: HostFileSystem(), now: now)
        #expect(again.certificatePEM == authority.certificatePEM)
        let pair = try authority.server(commonName: "api", names: ["localhost"], addresses: ["127.0.0.1"], now: now)
        let tls = TLSIdentity(certificate: pair.certificate, privateKey: pair.privateKey, clientAuthority: authority.certificatePEM)
        let handler = HTTPClosureHandler { request in .text("\(request.client?.commonName ?? "nobody") \(request.client?.organizations ?? [])") }
        try await withServer(tls: tls, handler: handler) { port in
            let address = HTTPAddress(isTLS: true, host: "127.0.0.1", port: port, target: "/")
            var client = HTTPClient()
            client.trust = .authority(authority.certificatePEM)
            let anonymous = try await client.send("GET", address)
            #expect(String(decoding: anonymous.body, as: UTF8.self) == "nobody []")
            client.identity = try authority.client(commonName: "admin", organizations: ["system:masters"], now: now)
            let known = try await client.send("GET", address)
            #expect(String(decoding: known.body, as: UTF8.self) == #"admin ["system:masters"]"#)
            // A certificate of another authority is refused in the handshake.
            let other = try CertificateAuthority.open(directory: directory.file("other"), fileSystem: HostFileSystem(), now: now)
            client.identity = try other.client(commonName: "admin", organizations: ["system:masters"], now: now)
            await #expect(throws: (any Error).self) { try await client.send("GET", address) }
        }
    }
}
