import Gzip
import Runtime
import Telemetry
import TestKit
import Testing
import Zstd

@testable import Ingest

/// Writes msgpack as senders do.
enum Packed {
    static func text(_ text: String) -> [UInt8] { MsgpackWriter.text(text) }
    static func map(_ pairs: [(String, [UInt8])]) -> [UInt8] { [0x80 | UInt8(pairs.count)] + pairs.flatMap { text($0.0) + $0.1 } }
    static func array(_ elements: [[UInt8]]) -> [UInt8] {
        [0xDC, UInt8(elements.count >> 8), UInt8(elements.count & 255)] + elements.flatMap { $0 }
    }
    static func binary(_ bytes: [UInt8]) -> [UInt8] { [0xC6] + big(UInt32(bytes.count)) + bytes }
    static func big(_ number: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) } }
    static func eventTime(_ seconds: UInt32, _ nanoseconds: UInt32) -> [UInt8] { [0xD7, 0x00] + big(seconds) + big(nanoseconds) }
    static func seconds(_ seconds: UInt32) -> [UInt8] { [0xCE] + big(seconds) }
}

@Suite struct ForwardTests {
    private static let record = Packed.map([("log", Packed.text("hello\n")), ("stream", Packed.text("stderr")), ("n", [0x05])])
    private static let line = #"{stream="stderr", tag="kube.web"} 1699999999000000007 unknown hello {n="5"}"#

    private func server(_ fixture: LogFixture, key: String? = nil, users: [String: String] = [:]) -> ForwardServer {
        var configuration = ForwardServer.Configuration()
        configuration.sharedKey = key
        configuration.users = users
        return ForwardServer(fixture.intake, configuration: configuration)
    }

    static let messages: [(String, [UInt8])] = {
        let time = Packed.eventTime(1_699_999_999, 7)
        let event = Packed.array([time, record])
        let tag = Packed.text("kube.web")
        return [
            ("message", Packed.array([tag, time, record])),
            ("message with option", Packed.array([tag, [0xC7, 0x08, 0x00] + time.dropFirst(2), record, Packed.map([])])),
            ("forward", Packed.array([tag, Packed.array([event])])),
            ("forward with metadata", Packed.array([tag, Packed.array([Packed.array([Packed.array([time, Packed.map([])]), record])]), Packed.map([])])),
            ("packed", Packed.array([tag, Packed.binary(event), Packed.map([("size", [1])])])),
            ("packed as text", Packed.array([tag, [0xDA, 0, UInt8(event.count)] + event])),
            ("gzip", Packed.array([tag, Packed.binary(GzipCompressor().compress(event)), Packed.map([("compressed", Packed.text("gzip"))])])),
            ("zstd", Packed.array([tag, Packed.binary(ZstdCompressor(level: 1).compress(event)), Packed.map([("compressed", Packed.text("zstd"))])])),
        ]
    }()

    @Test(arguments: messages)
    func `each form of a message is the same record`(name: String, message: [UInt8]) async throws {
        let fixture = LogFixture()
        var session = server(fixture).session()
        #expect(session.greeting.isEmpty)
        // Byte by byte, with a sign of life before it.
        for byte in [0xC0] + message { #expect(try await session.receive([byte]).isEmpty) }
        #expect(fixture.recorder.lines == [Self.line])
    }

    @Test func `a record without a text is kept as JSON, nested fields get dotted names`() async throws {
        let fixture = LogFixture()
        var session = server(fixture).session()
        let first = Packed.map([("a", Packed.map([("b", [0xC3])])), ("c", Packed.array([[0xCB, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0], [0xC0]]))])
        let second = Packed.map([
            ("message", Packed.text("x")), ("level", Packed.text("ERROR")), ("kubernetes", Packed.map([("pod_name", Packed.text("p")), ("x", [0xFF])])),
        ])
        _ = try await session.receive(
            Packed.array([Packed.text("t"), Packed.seconds(1), first]) + Packed.array([Packed.text("t"), Packed.seconds(2), second]))
        #expect(
            fixture.recorder.lines == [
                #"{pod="p", tag="t"} 2000000000 error x {kubernetes.x="-1", level="ERROR"}"#,
                #"{tag="t"} 1000000000 unknown {"a":{"b":true},"c":[1.5,null]} {}"#,
            ])
    }

    @Test func `a chunk is acknowledged when it is stored, and known when it comes again`() async throws {
        let fixture = LogFixture()
        let shared = server(fixture)
        var session = shared.session()
        let message = Packed.array([
            Packed.text("t"), Packed.array([Packed.array([Packed.seconds(1), Self.record])]), Packed.map([("chunk", Packed.text("id=="))]),
        ])
        let ack = [0x81] + Packed.text("ack") + Packed.text("id==")
        #expect(try await session.receive(message) == ack)
        #expect(try await session.receive(message + message) == ack + ack)
        // Another process knows it by what the store knows.
        var other = server(LogFixture(recorder: fixture.recorder)).session()
        #expect(try await other.receive(message) == ack)
        #expect(fixture.recorder.records.count == 1)
    }

    @Test func `a store without room is waited for, and what it never takes is not acknowledged`() async throws {
        var limits = LogIngestLimits()
        limits.patience = .zero
        limits.persistence = .seconds(2)
        let fixture = LogFixture(limits: limits)
        fixture.recorder.refuse(.overloaded("full"), .unavailable("disk"))
        let shared = server(fixture)
        var session = shared.session()
        let message = Packed.array([
            Packed.text("t"), Packed.array([Packed.array([Packed.seconds(1), Self.record])]), Packed.map([("chunk", Packed.text("a"))]),
        ])
        #expect(try await session.receive(message).count > 3)
        fixture.recorder.refuse(.overloaded("1"), .overloaded("2"), .overloaded("3"))
        let second = Packed.array([
            Packed.text("t"), Packed.array([Packed.array([Packed.seconds(1), Self.record])]), Packed.map([("chunk", Packed.text("b"))]),
        ])
        await #expect(throws: IngestError.self) { try await session.receive(second) }
        var again = shared.session()
        #expect(try await again.receive(second).count > 3)
        #expect(fixture.recorder.records.count == 2)
    }

    /// `["HELO", {"nonce": …, "auth": …, "keepalive": true}]` taken apart.
    private func hello(_ greeting: [UInt8]) throws -> (nonce: [UInt8], auth: [UInt8]) {
        var reader = MsgpackReader(greeting.span, depth: 5)
        let value = try reader.value(greeting.span)
        #expect(value.elements?[0].string == "HELO")
        let options = value.elements?[1]
        #expect(options?["keepalive"] == .boolean(true))
        return (options?["nonce"]?.bytes ?? [], options?["auth"]?.bytes ?? [])
    }

    @Test(arguments: [("key", "pw", true), ("wrong", "pw", false), ("key", "wrong", false)])
    func `the handshake lets in who knows the key and the password`(key: String, password: String, isWelcome: Bool) async throws {
        let fixture = LogFixture()
        var session = server(fixture, key: "key", users: ["me": "pw"]).session()
        let (nonce, auth) = try hello(session.greeting)
        #expect(nonce.count == 16 && auth.count == 16)
        func digest(_ parts: [UInt8]...) -> [UInt8] { Packed.text(SHA512.hexadecimal(parts.flatMap { $0 })) }
        let (host, salt) = (Array("client".utf8), Array("salt".utf8))
        let ping =
            [0x96] + Packed.text("PING") + Packed.text("client") + Packed.text("salt") + digest(salt, host, nonce, Array(key.utf8)) + Packed.text("me")
            + digest(auth, Array("me".utf8), Array(password.utf8))
        let answer = try await session.receive(ping + Packed.array([Packed.text("kube.web"), Packed.eventTime(1_699_999_999, 7), Self.record]))
        var reader = MsgpackReader(answer.span, depth: 5)
        let pong = try reader.value(answer.span).elements ?? []
        #expect(pong[0].string == "PONG")
        #expect(pong[1] == .boolean(isWelcome))
        #expect(session.isOver == !isWelcome)
        #expect(fixture.recorder.lines == (isWelcome ? [Self.line] : []))
        if isWelcome { #expect(pong[4].bytes == Array(SHA512.hexadecimal(salt + Array("binnacle".utf8) + nonce + Array("key".utf8)).utf8)) }
    }

    @Test(arguments: [
        ("", "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"),
        ("abc", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"),
        (
            "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909"
        ),
    ])
    func `SHA-512 gives the digests of FIPS 180`(text: String, digest: String) { #expect(SHA512.hexadecimal(Array(text.utf8)) == digest) }

    @Test func `bombs, lies and depth end a message or the connection, never the process`() async throws {
        var limits = LogIngestLimits()
        limits.unpackedBytes = 1 << 20
        limits.bodyBytes = 1 << 16
        let fixture = LogFixture(limits: limits)
        let shared = server(fixture)
        let bomb = Packed.binary(GzipCompressor().compress([UInt8](repeating: 0xC0, count: 8 << 20)))
        var session = shared.session()
        _ = try await session.receive(Packed.array([Packed.text("t"), bomb, Packed.map([("compressed", Packed.text("gzip"))])]))
        // A list of 4 billion, a text of 4 GiB, a list within a list 100,000 times.
        await #expect(throws: MsgpackError.self) {
            var session = shared.session()
            _ = try await session.receive([0x93, 0xDB, 0xFF, 0xFF, 0xFF, 0xFF])
        }
        await #expect(throws: MsgpackError.self) {
            var session = shared.session()
            for _ in 0..<100 { _ = try await session.receive([0xDD, 0xFF, 0xFF, 0xFF, 0xFF] + [UInt8](repeating: 0xC0, count: 1024)) }
        }
        var deep = shared.session()
        _ = try await deep.receive([UInt8](repeating: 0x91, count: 50_000) + [0xC0])
        _ = try await deep.receive(Packed.array([Packed.text("kube.web"), Packed.eventTime(1_699_999_999, 7), Self.record]))
        #expect(fixture.recorder.lines == [Self.line])
        var generator = SeededGenerator(seed: 5)
        for round in 0..<6000 {
            var bytes = Self.messages[round % Self.messages.count].1
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            var session = shared.session()
            _ = try? await session.receive(bytes)
        }
    }

    @Test func `the framer finds the same values however the stream is cut`() throws {
        var generator = SeededGenerator(seed: 17)
        let values: [[UInt8]] =
            Self.messages.map(\.1) + [
                [0xC0], [0xD1, 1, 2], [0xCB, 1, 2, 3, 4, 5, 6, 7, 8], [0xC7, 3, 9, 1, 2, 3], [0xD8] + [UInt8](repeating: 1, count: 17), [0x90], [0x80], [0xA0],
                [0xDE, 0, 1, 0xA1, 0x61, 0xC4, 2, 0, 0], [0xC8, 0, 1, 5, 6], [0xE0],
            ]
        for _ in 0..<300 {
            let chosen = (0..<10).map { _ in values[Int.random(in: 0..<values.count, using: &generator)] }
            var stream = chosen.flatMap { $0 }[...]
            var framer = MsgpackFramer(limit: 1 << 20)
            var found: [[UInt8]] = []
            while !stream.isEmpty {
                let size = Int.random(in: 1...40, using: &generator)
                found += try framer.add(Array(stream.prefix(size)))
                stream = stream.dropFirst(size)
            }
            try #require(found == chosen)
            #expect(framer.waiting == 0)
            for value in found {
                var reader = MsgpackReader(value.span, depth: 20)
                _ = try reader.value(value.span)
                #expect(reader.isAtEnd)
            }
        }
    }
}
