import HTTP
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Runtime

/// An `http://` or `https://` address taken apart.
public struct HTTPAddress: Sendable, Hashable {
    public var isTLS: Bool
    public var host: String
    public var port: Int
    /// Path and query, starting with `/`.
    public var target: String
    /// The file of a unix socket to connect to instead of host and port.
    public var unixSocket: String?

    /// Nil if the text is no such address.
    public init?(_ text: String) {
        let rest: Substring
        if text.hasPrefix("http://") {
            isTLS = false
            rest = text.dropFirst(7)
        } else if text.hasPrefix("https://") {
            isTLS = true
            rest = text.dropFirst(8)
        } else {
            return nil
        }
        let slash = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let authority = rest[..<slash].split(separator: ":", maxSplits: 1)
        guard let host = authority.first, !host.isEmpty else { return nil }
        self.host = String(host)
        if authority.count > 1 {
            guard let port = Int(authority[1]), (1...65_535).contains(port) else { return nil }
            self.port = port
        } else {
            port = isTLS ? 443 : 80
        }
        target = slash == rest.endIndex ? "/" : rest[slash] == "/" ? String(rest[slash...]) : "/" + rest[slash...]
    }

    public init(isTLS: Bool = false, host: String, port: Int, target: String) {
        self.isTLS = isTLS
        self.host = host
        self.port = port
        self.target = target
    }

    /// A server that listens on a unix socket, such as a container engine. The host is what it reads in `Host`.
    public init(unixSocket: String, target: String, host: String = "localhost") {
        self.init(host: host, port: 80, target: target)
        self.unixSocket = unixSocket
    }

    /// The server as a person reads it in a message.
    var server: String { unixSocket ?? "\(host):\(port)" }
}

/// Sends one request a connection over HTTP/1.1.
public struct HTTPClient: Sendable {
    public struct Answer: Sendable {
        public var status: Int
        public var fields: HTTPFields
        public var body: [UInt8]
    }

    /// How a TLS server is checked.
    public enum Trust: Sendable {
        /// Any certificate: probes, as the kubelet does.
        case anyone
        /// PEM.
        case authority(String)
        /// PEM of authorities; the certificate must also be for the host that is asked.
        case hosts(String)
    }

    private typealias Connection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    public var connectTimeout: Duration = .seconds(5)
    /// Bodies of `send` beyond this are cut there, or refused.
    public var maximumBodyBytes = 256 << 20
    /// A longer body ends `send` with `ServingError.tooLong` and the connection with it, however much would still come.
    public var refusesLongBodies = false
    public var trust: Trust = .anyone
    /// Presented to a TLS server that asks.
    public var identity: KeyPair?
    /// The host's name in TLS, where the address has another.
    public var serverName: String?

    public init() {}

    /// Sends and waits for the whole answer.
    public func send(
        _ method: String = "GET", _ address: HTTPAddress, fields: HTTPFields = [:], body: [UInt8] = [], timeout: Duration? = nil
    ) async throws -> Answer {
        var client = self
        if let timeout { client.connectTimeout = min(connectTimeout, timeout) }
        return try await withDeadline(timeout, else: ServingError.timedOut("no answer from \(address.server) in time")) {
            [client] in
            var answer = Answer(status: 0, fields: [:], body: [])
            try await client.stream(method, address, fields: fields, body: body) {
                answer = $0
            } onBody: { bytes in
                if client.refusesLongBodies, bytes.count > client.maximumBodyBytes - answer.body.count {
                    throw ServingError.tooLong("the answer of \(address.server) is longer than \(client.maximumBodyBytes) bytes")
                }
                answer.body.append(contentsOf: bytes.prefix(client.maximumBodyBytes - answer.body.count))
            }
            return answer
        }
    }

    /// Sends, and hands the answer over as it comes.
    public func stream(
        _ method: String = "GET", _ address: HTTPAddress, fields: HTTPFields = [:], body: [UInt8] = [],
        onHead: (Answer) async throws -> Void, onBody: ([UInt8]) async throws -> Void
    ) async throws {
        let connection = try await connect(address)
        do {
            try await exchange(method, address, fields, body, connection, onHead: onHead, onBody: onBody)
        } catch let error as IOError {
            throw ServingError.failed("the connection to \(address.server) broke: \(errnoText(error.errnoCode))")
        } catch let error as ChannelError {
            throw ServingError.failed("the connection to \(address.server) broke: \(error)")
        } catch let error as NIOSSLError {
            throw ServingError.failed("TLS with \(address.server) failed: \(error)")
        } catch let error as BoringSSLError {
            // Such as an alert after the handshake: the server wants a certificate that it does not get.
            throw ServingError.failed("TLS with \(address.server) failed: \(error)")
        } catch let error as HTTPParserError {
            throw ServingError.failed("\(address.server) does not speak HTTP: \(error)")
        }
    }

    private func exchange(
        _ method: String, _ address: HTTPAddress, _ fields: HTTPFields, _ body: [UInt8], _ connection: Connection,
        onHead: (Answer) async throws -> Void, onBody: ([UInt8]) async throws -> Void
    ) async throws {
        try await connection.executeThenClose { inbound, outbound in
            var head = HTTPRequestHead(version: .http1_1, method: HTTPMethod(rawValue: method), uri: address.target)
            for (name, value) in fields.list { head.headers.add(name: name, value: value) }
            if head.headers["host"].isEmpty { head.headers.add(name: "Host", value: address.unixSocket == nil ? address.server : address.host) }
            head.headers.replaceOrAdd(name: "Connection", value: "close")
            if !body.isEmpty || method == "POST" || method == "PUT" || method == "PATCH" {
                head.headers.replaceOrAdd(name: "Content-Length", value: "\(body.count)")
            }
            // In one go: a request without a body is whole with its head, and a quick server may have answered and closed
            // before the end is written.
            var parts = [HTTPClientRequestPart.head(head)]
            if !body.isEmpty { parts.append(.body(.byteBuffer(connection.channel.allocator.buffer(bytes: body)))) }
            try await outbound.write(contentsOf: parts + [.end(nil)])
            var isWhole = false
            for try await part in inbound {
                switch part {
                case .head(let head):
                    var fields = HTTPFields()
                    for (name, value) in head.headers { fields.add(name, value) }
                    try await onHead(Answer(status: Int(head.status.code), fields: fields, body: []))
                case .body(let buffer): try await onBody(Array(buffer.readableBytesView))
                case .end:
                    isWhole = true
                    return
                }
            }
            try Task.checkCancellation()
            if !isWhole { throw ServingError.failed("\(address.server) closed the connection before its answer ended") }
        }
    }

    private func connect(_ address: HTTPAddress) async throws -> Connection {
        let context = address.isTLS ? try clientContext() : nil
        // An IP address must not be sent as server name.
        let isName = address.host.contains { $0.isLetter }
        do {
            let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.nanoseconds(connectTimeout.wholeNanoseconds))
            let prepare: @Sendable (any Channel) -> EventLoopFuture<Connection> = { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let context {
                        try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: serverName ?? (isName ? address.host : nil)))
                    }
                    try pipeline.addHTTPClientHandlers()
                    return try Connection(wrappingChannelSynchronously: channel)
                }
            }
            if let socket = address.unixSocket {
                return try await bootstrap.connect(unixDomainSocketPath: socket, channelInitializer: prepare)
            }
            return try await bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .connect(host: address.host, port: address.port, channelInitializer: prepare)
        } catch let error as ChannelError {
            if case .connectTimeout = error { throw ServingError.timedOut("no connection to \(address.server) within \(connectTimeout)") }
            throw error
        } catch is NIOConnectionError {
            throw ServingError.unreachable("nobody answers on \(address.server)")
        } catch let error as IOError {
            throw ServingError.unreachable("cannot connect to \(address.server): \(errnoText(error.errnoCode))")
        }
    }

    private func clientContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        switch trust {
        case .anyone: configuration.certificateVerification = .none
        case .authority(let pem):
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)))
            // Our own authority signs for addresses; host names of a cluster are not DNS names here.
            configuration.certificateVerification = .noHostnameVerification
        case .hosts(let pem):
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)))
            configuration.certificateVerification = .fullVerification
        }
        if let identity {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(identity.certificate.utf8)).map { .certificate($0) }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(identity.privateKey.utf8), format: .pem))
        }
        return try NIOSSLContext(configuration: configuration)
    }
}
