import Gzip
import HTTP
import Logging
import Runtime
import TestKit
import Testing

@testable import Serving

@Suite(.timeLimit(.minutes(1))) struct ContentCodingTests {
    @Test(arguments: [
        (["gzip"], true), (["GZIP, deflate"], true), (["x-gzip"], true), (["*"], true), (["deflate", "gzip;q=0.5"], true), (["gzip;q=0"], false),
        (["gzip; q=0.0, *"], false), ([], false), (["identity"], false), (["br"], false), (["gzip;q=0.2, identity;q=0.5"], false),
        (["*;q=0"], false), (["gzip;q=nonsense"], false), (["gzip ; q=1"], true),
    ])
    func `gzip is taken where the client takes it`(fields: [String], expected: Bool) {
        #expect(ContentCoding.acceptsGzip(fields) == expected)
    }

    @Test(arguments: [
        ("text/plain; charset=utf-8", true), ("application/json", true), ("application/openmetrics-text; version=1.0.0", true), ("image/png", false),
        ("application/octet-stream", false), ("image/svg+xml", true), ("Text/HTML", true),
    ])
    func `text is packed, pictures are not`(type: String, expected: Bool) {
        #expect(ContentCoding.isCompressible(type) == expected)
        #expect(!ContentCoding.isCompressible(nil))
    }

    private func ask(_ handler: any HTTPHandler, _ fields: HTTPFields, method: String = "GET") async throws -> HTTPClient.Answer {
        try await withTestServer(handler: handler) { port in
            try await HTTPClient().send(method, HTTPAddress(host: "127.0.0.1", port: port, target: "/"), fields: fields)
        }
    }

    @Test func `a long answer is packed for who asks, and says that it varies`() async throws {
        let text = String(repeating: "container_cpu_usage_seconds_total 1\n", count: 10_000)
        let handler = HTTPClosureHandler { _ in .text(text) }
        let packed = try await ask(handler, ["Accept-Encoding": "gzip"])
        #expect(packed.fields["Content-Encoding"] == "gzip" && packed.fields["Vary"] == "Accept-Encoding")
        #expect(packed.body.count < text.utf8.count / 20 && packed.fields["Content-Length"] == "\(packed.body.count)")
        #expect(try Gzip.decompress(packed.body) == Array(text.utf8))
        let plain = try await ask(handler, [:])
        #expect(plain.fields["Content-Encoding"] == nil && plain.fields["Vary"] == "Accept-Encoding" && plain.body == Array(text.utf8))
        let head = try await ask(handler, ["Accept-Encoding": "gzip"], method: "HEAD")
        #expect(head.body.isEmpty && head.fields["Content-Length"] == "\(packed.body.count)")
    }

    @Test func `a short answer, a packed one and a picture stay as they are`() async throws {
        #expect(try await ask(HTTPClosureHandler { _ in .text("ok") }, ["Accept-Encoding": "gzip"]).fields["Content-Encoding"] == nil)
        let long = [UInt8](repeating: 65, count: 5000)
        let picture = HTTPClosureHandler { _ in HTTPResponse(fields: ["Content-Type": "image/png"], body: .bytes(long)) }
        #expect(try await ask(picture, ["Accept-Encoding": "gzip"]).body == long)
        let packed = HTTPClosureHandler { _ in HTTPResponse(fields: ["Content-Type": "text/css", "Content-Encoding": "br"], body: .bytes(long)) }
        let answer = try await ask(packed, ["Accept-Encoding": "gzip"])
        #expect(answer.fields["Content-Encoding"] == "br" && answer.body == long)
    }

    @Test func `each piece of a stream can be read when it was written`() async throws {
        let (turns, turn) = AsyncStream.makeStream(of: Void.self)
        let handler = HTTPClosureHandler { _ in
            HTTPResponse(
                fields: ["Content-Type": "application/json"],
                body: .stream { writer in
                    try await writer.write(Array("{\"n\":1}\n".utf8))
                    // The second comes only after the reader has seen the first.
                    for await _ in turns { break }
                    try await writer.write(Array("{\"n\":2}\n".utf8))
                })
        }
        try await withTestServer(handler: handler) { port in
            let decompressor = GzipDecompressor()
            var lines: [String] = []
            try await HTTPClient().stream(
                "GET", HTTPAddress(host: "127.0.0.1", port: port, target: "/"), fields: ["Accept-Encoding": "gzip"]
            ) { head in
                #expect(head.fields["Content-Encoding"] == "gzip")
            } onBody: { bytes in
                let text = try decompressor.write(bytes, limit: 1000)
                if !text.isEmpty { lines.append(String(decoding: text, as: UTF8.self)) }
                if lines.count == 1 { turn.yield() }
            }
            #expect(lines == ["{\"n\":1}\n", "{\"n\":2}\n"] && decompressor.isAtEnd)
        }
    }

    @Test func `a token opens, a wrong one does not`() async {
        let gate = BearerGate(token: "secret", HTTPClosureHandler { _ in .text("in") })
        for (field, status) in [
            ("Bearer secret", 200), ("bearer  secret", 200), ("Bearer secre", 401), ("Bearer secret1", 401), ("Basic secret", 401), ("", 401),
        ] {
            let response = await gate.respond(to: HTTPRequest(path: "/metrics", fields: ["Authorization": field]))
            #expect(response.status == status, "\(field)")
        }
        let refused = await gate.respond(to: HTTPRequest(path: "/metrics"))
        #expect(refused.fields["WWW-Authenticate"] == "Bearer realm=\"binnacle\"")
        #expect(await gate.respond(to: HTTPRequest(path: "/healthz")).status == 200)
    }
}
