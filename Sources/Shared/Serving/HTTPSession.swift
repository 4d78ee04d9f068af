import HTTP
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization
import X509

/// The requests of one connection, one after another.
struct HTTPSession {
    let channel: any Channel
    let outbound: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    let handler: any HTTPHandler
    let metrics: ServerMetrics
    let configuration: HTTPServer.Configuration
    let isTLS: Bool

    /// Answers go to the socket in pieces of this size, so that a reader that takes any of it is seen to live.
    static let pieceBytes = 128 << 10

    func run(_ inbound: NIOAsyncChannelInboundStream<HTTPServerRequestPart>) async throws {
        var iterator = inbound.makeAsyncIterator()
        var identity: HTTPRequest.ClientIdentity?
        var knowsIdentity = false
        while let part = try await iterator.next() {
            guard case .head(let head) = part else { continue }
            if isTLS, !knowsIdentity {
                identity = try await clientIdentity()
                knowsIdentity = true
            }
            var body: [UInt8] = []
            var isTooLarge = false
            receiving: while let part = try await iterator.next() {
                switch part {
                case .body(let buffer):
                    // The rest of a body that is too large is read and dropped, so that the client sees the answer.
                    if body.count + buffer.readableBytes > configuration.maximumBodyBytes {
                        isTooLarge = true
                    } else {
                        body.append(contentsOf: buffer.readableBytesView)
                    }
                case .end: break receiving
                case .head: throw ServingError.failed("a request's head inside a body")
                }
            }
            let start = ContinuousClock.now
            let response =
                if isTooLarge {
                    HTTPResponse.text("request body larger than \(configuration.maximumBodyBytes) bytes\n", status: 413)
                } else {
                    await respond(head, body, identity)
                }
            var answer = response
            if let body = response.webSocket, WebSocketHandshake.isAsked(method: head.method.rawValue, fields(of: head)) {
                switch WebSocketHandshake.answer(fields(of: head)) {
                case .accept(let fields):
                    metrics.request(status: 101, took: .now - start)
                    return try await speakWebSocket(fields, &iterator, body)
                case .refuse(let refusal): answer = refusal
                }
            }
            metrics.request(status: answer.status, took: .now - start)
            try await send(answer, to: head)
            if isLast(answer, to: head) { return }
        }
    }

    private func respond(_ head: HTTPRequestHead, _ body: [UInt8], _ identity: HTTPRequest.ClientIdentity?) async -> HTTPResponse {
        guard let target = RequestTarget(head.uri) else { return .text("malformed request target\n", status: 400) }
        let fields = fields(of: head)
        var request = HTTPRequest(method: head.method.rawValue, path: target.path, query: target.query, fields: fields, body: body, client: identity)
        if fields["Content-Type"]?.hasPrefix("application/x-www-form-urlencoded") == true {
            request.query += RequestTarget.parseQuery(String(decoding: body, as: UTF8.self))
        }
        return await handler.respond(to: request)
    }

    private func fields(of head: HTTPRequestHead) -> HTTPFields {
        var fields = HTTPFields()
        for (name, value) in head.headers { fields.add(name, value) }
        return fields
    }

    /// The rest of the connection's life.
    private func speakWebSocket(
        _ fields: HTTPFields, _ iterator: inout NIOAsyncChannelInboundStream<HTTPServerRequestPart>.AsyncIterator,
        _ body: @escaping @Sendable (any WebSocket) async throws -> Void
    ) async throws {
        metrics.webSocketOpened()
        defer { metrics.webSocketClosed() }
        var head = HTTPResponseHead(version: .http1_1, status: .switchingProtocols)
        for (name, value) in fields.list { head.headers.add(name: name, value: value) }
        try await outbound.write(.head(head))
        let writer = Writer(outbound: outbound, allocator: channel.allocator)
        let peer = WebSocketPeer(
            .init(isServer: true, maximumMessageBytes: configuration.maximumMessageBytes, pingInterval: configuration.webSocketPing),
            write: { try await writer.write($0) }, abort: { [channel] in channel.close(promise: nil) })
        try await peer.run {
            // `UpgradeHandler` gives the bytes as bodies.
            guard case .body(let buffer)? = try await iterator.next() else { return nil }
            return Array(buffer.readableBytesView)
        } _: {
            try await body($0)
        }
    }

    /// Whether the connection ends after the answer. HTTP/1.0 knows no chunks: there the end is what ends a streamed answer.
    private func isLast(_ response: HTTPResponse, to request: HTTPRequestHead) -> Bool {
        if !request.isKeepAlive { return true }
        guard case .stream = response.body else { return false }
        return request.version == .http1_0
    }

    private func send(_ response: HTTPResponse, to request: HTTPRequestHead) async throws {
        var head = HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: response.status))
        for (name, value) in response.fields.list { head.headers.add(name: name, value: value) }
        if isLast(response, to: request) { head.headers.replaceOrAdd(name: "Connection", value: "close") }
        let packs = packs(response, request)
        if ContentCoding.isCompressible(response.fields["Content-Type"]), configuration.compressionLevel > 0 {
            head.headers.add(name: "Vary", value: "Accept-Encoding")
        }
        if packs {
            head.headers.replaceOrAdd(name: "Content-Encoding", value: "gzip")
            // The bytes are others now: a validator of them may only be a weak one.
            if let tag = response.fields["ETag"], !tag.hasPrefix("W/") { head.headers.replaceOrAdd(name: "ETag", value: "W/" + tag) }
        }
        switch response.body {
        case .bytes(let plain):
            let bytes = packs ? CompressorBox(level: configuration.compressionLevel).compress(plain) : plain
            // 304 and HEAD announce a length and send none.
            head.headers.replaceOrAdd(name: "Content-Length", value: "\(bytes.count)")
            if request.method == .HEAD || bytes.isEmpty {
                try await outbound.write(contentsOf: [.head(head), .end(nil)])
            } else if bytes.count <= Self.pieceBytes {
                let buffer = channel.allocator.buffer(bytes: bytes)
                try await outbound.write(contentsOf: [.head(head), .body(.byteBuffer(buffer)), .end(nil)])
            } else {
                try await outbound.write(.head(head))
                try await Writer(outbound: outbound, allocator: channel.allocator).write(bytes)
                try await outbound.write(.end(nil))
            }
        case .stream(let produce):
            if request.version == .http1_0 {
                head.version = .http1_0
            } else {
                head.headers.replaceOrAdd(name: "Transfer-Encoding", value: "chunked")
            }
            try await outbound.write(.head(head))
            if request.method != .HEAD {
                let writer = Writer(outbound: outbound, allocator: channel.allocator)
                if packs {
                    let packing = GzipBodyWriter(writer, level: configuration.compressionLevel)
                    try await produce(packing)
                    try await packing.finish()
                } else {
                    try await produce(writer)
                }
            }
            try await outbound.write(.end(nil))
        }
    }

    private func packs(_ response: HTTPResponse, _ request: HTTPRequestHead) -> Bool {
        guard configuration.compressionLevel > 0, response.status != 204, response.status != 206, response.status != 304,
            response.fields["Content-Encoding"] == nil, ContentCoding.isCompressible(response.fields["Content-Type"])
        else { return false }
        switch response.body {
        case .bytes(let bytes): guard bytes.count >= configuration.compressionThreshold else { return false }
        case .stream: guard configuration.compressesStreams else { return false }
        }
        return ContentCoding.acceptsGzip(request.headers["accept-encoding"])
    }

    private struct Writer: HTTPBodyWriter {
        let outbound: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
        let allocator: ByteBufferAllocator
        func write(_ bytes: [UInt8]) async throws {
            // An empty chunk would end the body, so nothing is written of nothing.
            var rest = bytes[...]
            while !rest.isEmpty {
                try await outbound.write(.body(.byteBuffer(allocator.buffer(bytes: rest.prefix(HTTPSession.pieceBytes)))))
                rest = rest.dropFirst(HTTPSession.pieceBytes)
            }
        }
    }

    /// Who the verified client certificate names, or nil without one.
    private func clientIdentity() async throws -> HTTPRequest.ClientIdentity? {
        guard let certificate = try await channel.nioSSL_peerCertificate().get() else { return nil }
        return CertificateSubject.identity(of: try certificate.toDERBytes())
    }
}

/// A count that many connections change.
final class OpenCount: Sendable {
    private let value = Atomic<Int>(0)
    func change(by amount: Int) -> Int { value.wrappingAdd(amount, ordering: .relaxed).newValue }
}
