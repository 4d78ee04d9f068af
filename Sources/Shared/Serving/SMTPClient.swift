import JSON
import NIOCore
import NIOPosix
import NIOSSL
import Runtime

/// Hands one letter to a mail server (RFC 5321), with STARTTLS and AUTH PLAIN where they are offered or asked for.
public struct SMTPClient: Sendable {
    public var host: String
    public var port: Int
    public var username = ""
    public var password = ""
    /// Refuses to send where the server offers no TLS.
    public var requiresTLS = true
    /// PEM of the authorities that the server's certificate is checked against; nil is the system's.
    public var authority: String?
    public var timeout: Duration = .seconds(30)

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// `message` is the letter with its header, lines by LF or CRLF. Returns when the server has taken it for all of `to`.
    public func send(from: String, to: [String], message: [UInt8]) async throws {
        try await withDeadline(timeout, else: ServingError.timedOut("the mail server \(host):\(port) did not answer in time")) {
            let channel = try await connect()
            try await channel.executeThenClose { inbound, outbound in
                var dialogue = Dialogue(server: "\(host):\(port)", replies: inbound.makeAsyncIterator(), outbound: outbound)
                try await deliver(from, to, message, &dialogue, channel.channel)
            }
        }
    }

    private func deliver(
        _ from: String, _ to: [String], _ message: [UInt8], _ dialogue: inout Dialogue, _ channel: any Channel
    ) async throws {
        try await dialogue.expect(220)
        var offers = try await dialogue.command("EHLO binnacle", expecting: 250)
        if offers.contains("STARTTLS") {
            try await dialogue.command("STARTTLS", expecting: 220)
            // What came in the clear behind it would be taken for replies of the server that TLS vouches for.
            guard dialogue.pending.isEmpty else { throw ServingError.failed("the mail server \(host):\(port) said more before TLS began; nothing was sent") }
            try await startTLS(channel)
            offers = try await dialogue.command("EHLO binnacle", expecting: 250)
        } else if requiresTLS {
            throw ServingError.failed("the mail server \(host):\(port) offers no TLS; set require_tls: false to send in the clear")
        }
        if !username.isEmpty {
            guard offers.contains(where: { $0.hasPrefix("AUTH") && $0.contains("PLAIN") }) else {
                throw ServingError.failed("the mail server \(host):\(port) offers no AUTH PLAIN")
            }
            let secret = Base64.encode([0] + Array(username.utf8) + [0] + Array(password.utf8))
            try await dialogue.command("AUTH PLAIN \(secret)", expecting: 235, shown: "AUTH PLAIN")
        }
        try await dialogue.command("MAIL FROM:<\(from)>", expecting: 250)
        for address in to { try await dialogue.command("RCPT TO:<\(address)>", expecting: 250) }
        try await dialogue.command("DATA", expecting: 354)
        try await dialogue.write(Self.stuffed(message))
        try await dialogue.expect(250)
        _ = try? await dialogue.command("QUIT", expecting: 221)
    }

    /// Lines by CRLF, a dot at a line's start doubled, the end mark behind.
    static func stuffed(_ message: [UInt8]) -> [UInt8] {
        var wire: [UInt8] = []
        wire.reserveCapacity(message.count + message.count / 20 + 8)
        var isStart = true
        for byte in message where byte != 0x0D {
            if isStart, byte == UInt8(ascii: ".") { wire.append(byte) }
            if byte == 0x0A { wire.append(0x0D) }
            wire.append(byte)
            isStart = byte == 0x0A
        }
        if !isStart { wire += [0x0D, 0x0A] }
        return wire + [UInt8(ascii: "."), 0x0D, 0x0A]
    }

    private func connect() async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        do {
            return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(10))
                .connect(host: host, port: port) { channel in
                    channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel(wrappingChannelSynchronously: channel) }
                }
        } catch {
            throw ServingError.unreachable("cannot reach the mail server \(host):\(port): \(error)")
        }
    }

    private func startTLS(_ channel: any Channel) async throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let authority { configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(authority.utf8))) }
        let context = try NIOSSLContext(configuration: configuration)
        let isName = host.contains { $0.isLetter }
        let serverName = isName ? host : nil
        try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: context, serverHostname: serverName), position: .first)
        }.get()
    }

    /// Commands and replies, a line at a time.
    private struct Dialogue {
        /// A server that talks without end is left.
        static let maximumReply = 64 << 10

        let server: String
        var replies: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
        let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
        var pending: [UInt8] = []

        init(server: String, replies: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator, outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>) {
            self.server = server
            self.replies = replies
            self.outbound = outbound
        }

        func write(_ bytes: [UInt8]) async throws { try await outbound.write(ByteBuffer(bytes: bytes)) }

        /// The lines of the reply without their codes. `shown` stands for a command that holds a secret.
        @discardableResult
        mutating func command(_ text: String, expecting code: Int, shown: String? = nil) async throws -> [String] {
            try await write(Array("\(text)\r\n".utf8))
            return try await expect(code, after: shown ?? text)
        }

        @discardableResult
        mutating func expect(_ code: Int, after command: String = "") async throws -> [String] {
            var lines: [String] = []
            while true {
                let line = try await line()
                lines.append(String(line.dropFirst(4)).uppercased())
                // The last line has a space behind its code, those before a hyphen.
                if line.dropFirst(3).first == "-", lines.count < 100 { continue }
                guard line.prefix(3) == "\(code)" else {
                    throw ServingError.failed("the mail server \(server) answered \"\(line)\"" + (command.isEmpty ? "" : " to \(command)"))
                }
                return lines
            }
        }

        private mutating func line() async throws -> String {
            while true {
                if let end = pending.firstIndex(of: 0x0A) {
                    let line = pending[..<end].filter { $0 != 0x0D }
                    pending.removeFirst(end + 1)
                    return String(decoding: line, as: UTF8.self)
                }
                guard pending.count <= Self.maximumReply else { throw ServingError.failed("the mail server \(server) does not speak SMTP") }
                guard let buffer = try await replies.next() else {
                    throw ServingError.failed("the mail server \(server) closed the connection")
                }
                pending += Array(buffer.readableBytesView)
            }
        }
    }
}
