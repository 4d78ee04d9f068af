import NIOCore
import NIOPosix
import NIOSSL
import Runtime
import Serving
import Synchronization
import TestKit
import Testing

/// A mail server of the test's own: it plays its part and keeps what was said to it.
@Suite struct SMTPClientTests {
    final class Server: Sendable {
        let port: Int
        let heard = Mutex<[String]>([])
        private let channel: NIOAsyncChannel<NIOAsyncChannel<ByteBuffer, ByteBuffer>, Never>

        /// `answers` by the first word of a command; nil closes the connection.
        /// With `identity` it goes over to TLS behind its answer to STARTTLS.
        init(identity: KeyPair? = nil, answers: @escaping @Sendable (String) -> String?) async throws {
            self.identity = identity
            channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0) { child in
                child.eventLoop.makeCompletedFuture { try NIOAsyncChannel(wrappingChannelSynchronously: child) }
            }
            port = channel.channel.localAddress?.port ?? 0
            self.answers = answers
        }
        private let answers: @Sendable (String) -> String?
        private let identity: KeyPair?

        func serveOne() async throws {
            try await channel.executeThenClose { clients in
                for try await client in clients {
                    try? await talk(client)
                    return
                }
            }
        }

        private func startTLS(_ channel: any Channel, _ identity: KeyPair) async throws {
            let configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(identity.certificate.utf8)).map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(identity.privateKey.utf8), format: .pem)))
            let context = try NIOSSLContext(configuration: configuration)
            try await channel.eventLoop.submit {
                try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context), position: .first)
            }.get()
        }

        private func talk(_ client: NIOAsyncChannel<ByteBuffer, ByteBuffer>) async throws {
            try await client.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(string: "220 test\r\n"))
                var pending = ""
                var isData = false
                for try await buffer in inbound {
                    pending += String(buffer: buffer)
                    while let end = pending.firstIndex(of: "\r\n") {
                        let line = String(pending[..<end])
                        pending = String(pending[pending.index(after: end)...])
                        heard.withLock { $0.append(line) }
                        if isData {
                            if line != "." { continue }
                            isData = false
                            try await outbound.write(ByteBuffer(string: "250 taken\r\n"))
                            continue
                        }
                        let word = line.split(separator: " ").first.map(String.init) ?? ""
                        guard let answer = answers(word) else { return }
                        isData = word == "DATA" && answer.hasPrefix("354")
                        try await outbound.write(ByteBuffer(string: answer + "\r\n"))
                        if word == "STARTTLS", let identity { try await startTLS(client.channel, identity) }
                    }
                }
            }
        }
    }

    @Test func `STARTTLS before the password, with a certificate that is checked`() async throws {
        let directory = TemporaryDirectory("smtp")
        let now = SystemClock().now
        let authority = try CertificateAuthority.open(directory: directory.path, fileSystem: HostFileSystem(), now: now)
        let identity = try authority.server(commonName: "mail", names: ["localhost"], addresses: ["127.0.0.1"], now: now)
        let offering: @Sendable (String) -> String? = {
            $0 == "EHLO" ? "250-test\r\n250-STARTTLS\r\n250 AUTH PLAIN" : $0 == "STARTTLS" ? "220 go on" : Self.usual($0)
        }
        let server = try await Server(identity: identity, answers: offering)
        async let served: Void = server.serveOne()
        var client = SMTPClient(host: "localhost", port: server.port)
        client.username = "me"
        client.password = "secret"
        client.authority = authority.certificatePEM
        try await client.send(from: "a@x", to: ["b@x"], message: Array("Subject: hi\n\nend".utf8))
        try await served
        #expect(
            server.heard.withLock { $0 }.prefix(5) == [
                "EHLO binnacle", "STARTTLS", "EHLO binnacle", "AUTH PLAIN AG1lAHNlY3JldA==", "MAIL FROM:<a@x>",
            ])
        // One whose certificate nobody vouches for does not hear the password.
        let stranger = try CertificateAuthority.open(directory: directory.file("other"), fileSystem: HostFileSystem(), now: now)
        let other = try await Server(
            identity: try stranger.server(commonName: "mail", names: ["localhost"], addresses: ["127.0.0.1"], now: now), answers: offering)
        async let refused: Void = other.serveOne()
        client.port = other.port
        #expect(await failure(of: client) != "sent")
        try await refused
        #expect(other.heard.withLock { $0 } == ["EHLO binnacle", "STARTTLS"])
    }

    /// What follows the answer to STARTTLS in the clear could be put there by anybody on the way.
    @Test func `refuses replies that were slipped in before TLS`() async throws {
        let server = try await Server { $0 == "EHLO" ? "250-test\r\n250 STARTTLS" : $0 == "STARTTLS" ? "220 go\r\n250 AUTH PLAIN" : Self.usual($0) }
        async let served: Void = server.serveOne()
        let client = SMTPClient(host: "127.0.0.1", port: server.port)
        #expect(await failure(of: client).contains("before TLS"))
        try await served
    }

    private static func usual(_ word: String) -> String? {
        switch word {
        case "EHLO": "250-test\r\n250-AUTH LOGIN PLAIN\r\n250 8BITMIME"
        case "AUTH": "235 welcome"
        case "DATA": "354 go on"
        case "QUIT": "221 bye"
        default: "250 ok"
        }
    }

    private func failure(of client: SMTPClient) async -> String {
        do {
            try await client.send(from: "a@x", to: ["b@x"], message: [])
            return "sent"
        } catch {
            return "\(error)"
        }
    }

    @Test func `hands a letter over, dots doubled`() async throws {
        let server = try await Server(answers: Self.usual)
        async let served: Void = server.serveOne()
        var client = SMTPClient(host: "127.0.0.1", port: server.port)
        client.requiresTLS = false
        client.username = "me"
        client.password = "secret"
        try await client.send(from: "a@x", to: ["b@x", "c@x"], message: Array("Subject: hi\n\n.dot\nend".utf8))
        try await served
        #expect(
            server.heard.withLock { $0 } == [
                "EHLO binnacle", "AUTH PLAIN AG1lAHNlY3JldA==", "MAIL FROM:<a@x>", "RCPT TO:<b@x>", "RCPT TO:<c@x>", "DATA", "Subject: hi", "",
                "..dot", "end", ".", "QUIT",
            ])
    }

    @Test(arguments: [
        ("RCPT", "550 no such user", "answered \"550 no such user\" to RCPT TO:<b@x>"), ("AUTH", "535 wrong", "answered \"535 wrong\" to AUTH PLAIN"),
        ("EHLO", "250 test", "offers no AUTH PLAIN"),
    ])
    func `says what the server said, without the password`(word: String, answer: String, part: String) async throws {
        let server = try await Server { $0 == word ? answer : Self.usual($0) }
        async let served: Void = server.serveOne()
        var client = SMTPClient(host: "127.0.0.1", port: server.port)
        client.requiresTLS = false
        client.username = "me"
        let failure = await failure(of: client)
        #expect(failure.contains(part) && !failure.contains("AG1l"), "\(failure)")
        try await served
    }

    @Test func `does not send in the clear unless told to, and gives a silent server up`() async throws {
        let server = try await Server(answers: Self.usual)
        async let served: Void = server.serveOne()
        let client = SMTPClient(host: "127.0.0.1", port: server.port)
        #expect(await failure(of: client).contains("offers no TLS"))
        try await served
        let mute = try await Server { _ in "250-and so on" }
        async let muted: Void = mute.serveOne()
        var patient = SMTPClient(host: "127.0.0.1", port: mute.port)
        patient.timeout = .milliseconds(300)
        #expect(await failure(of: patient).contains("did not answer in time"))
        try await muted
    }
}
