import Runtime
import Telemetry

/// Takes the forward protocol, version 1, of Fluentd and Fluent Bit: what all its connections share.
/// (github.com/fluent/fluentd, wiki, "Forward Protocol Specification v1".)
public final class ForwardServer: Sendable {
    public struct Configuration: Sendable {
        /// Asked of every client; nil takes anybody.
        public var sharedKey: String?
        /// Passwords by user; empty asks for none. Needs a shared key.
        public var users: [String: String] = [:]
        public var hostName = "binnacle"
        public init() {}
    }

    let configuration: Configuration
    let intake: LogIntake
    let chunks: RecentKeys
    let metrics: LogIngestMetrics

    public init(_ intake: LogIntake, configuration: Configuration = .init()) {
        self.configuration = configuration
        self.intake = intake
        chunks = RecentKeys(capacity: intake.limits.rememberedChunks, window: intake.limits.chunkMemory, what: "forward chunk", metrics: intake.registry)
        metrics = LogIngestMetrics(intake.registry, way: "forward")
    }

    /// The state of one connection.
    public func session() -> ForwardSession {
        var generator = SystemRandomNumberGenerator()
        return ForwardSession(self, random: (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }
}

/// One connection of the forward protocol: bytes in, bytes out.
public struct ForwardSession: Sendable {
    private enum Stage { case handshake, data, over }

    private let server: ForwardServer
    private var framer: MsgpackFramer
    private var stage: Stage
    private let nonce: [UInt8]
    private let salt: [UInt8]
    private let hold: LogIntake.Hold

    /// - Parameter random: 32 bytes.
    init(_ server: ForwardServer, random: [UInt8]) {
        self.server = server
        framer = MsgpackFramer(limit: server.intake.limits.bodyBytes)
        stage = server.configuration.sharedKey == nil ? .data : .handshake
        nonce = Array(random.prefix(16))
        salt = Array(random.suffix(16))
        hold = server.intake.hold()
    }

    /// Whether the connection is to be closed.
    public var isOver: Bool { stage == .over }

    /// What the server says first.
    public var greeting: [UInt8] {
        guard stage == .handshake else { return [] }
        let writer = MsgpackWriter.self
        let options: [UInt8] =
            writer.map(3) + writer.text("nonce") + writer.binary(nonce) + writer.text("auth")
            + writer.binary(server.configuration.users.isEmpty ? [] : salt) + writer.text("keepalive") + [0xC3]
        return writer.array(2) + writer.text("HELO") + options
    }

    /// Takes what came; returns what to answer, when all that it acknowledges is durable. Throws what ends the connection.
    public mutating func receive(_ bytes: [UInt8]) async throws -> [UInt8] {
        let messages = try framer.add(bytes)
        try hold.set(framer.waiting)
        var answer: [UInt8] = []
        var batches: [LogBatch] = []
        var keys: [BodyHash] = []
        var isStored = false
        defer { for key in keys { server.chunks.finish(key, isStored: isStored) } }
        for message in messages {
            var reader = MsgpackReader(message.span, depth: server.intake.limits.depth)
            guard let value = try? reader.value(message.span) else {
                // What nests too deeply: the stream itself is whole, so that the connection may go on.
                server.metrics.refuse("malformed", records: 1)
                continue
            }
            switch stage {
            case .handshake: answer += try handshake(value)
            case .data: answer += try take(value, &batches, &keys)
            case .over: break
            }
        }
        try await store(batches)
        isStored = true
        return answer
    }

    // MARK: Messages

    /// Reads one message; returns the acknowledgement that is due when it is stored.
    private func take(_ value: Msgpack, _ batches: inout [LogBatch], _ keys: inout [BodyHash]) throws -> [UInt8] {
        let metrics = server.metrics
        // Nothing is a sign of life.
        guard let message = value.elements else { return [] }
        metrics.requests.increment()
        var options: Msgpack?
        if case .map = message.last { options = message.count > (isSingle(message) ? 3 : 2) ? message.last : nil }
        let chunk = options?["chunk"]?.string
        let acknowledgement = chunk.map { MsgpackWriter.map(1) + MsgpackWriter.text("ack") + MsgpackWriter.text($0) } ?? []
        let key = chunk.map { BodyHash($0) }
        if let key {
            switch server.chunks.begin(key, now: server.intake.clock.nanoseconds) {
            case .new: break
            case .underway where keys.contains(key): return acknowledgement
            case .underway: throw IngestError(429, "the same chunk is being stored at this moment")
            case .stored:
                metrics.repeated.increment()
                return acknowledgement
            }
            keys.append(key)
        }
        var records = ForwardRecords(limits: server.intake.limits, now: server.intake.clock.nanoseconds)
        do throws(IngestError) {
            guard try records.read(message, options: options) else {
                metrics.refuse("malformed", records: 1)
                return []
            }
        } catch {
            // What cannot be read would come again for ever if it were not acknowledged; it is counted.
            metrics.refuse("malformed", records: 1)
            return acknowledgement
        }
        metrics.refuse("malformed", records: records.refused)
        metrics.unreadTimes.increment(by: UInt64(records.unreadTimes))
        batches += records.gatherer.finished(node: key == nil ? nil : "forward", request: key?.text ?? "")
        return acknowledgement
    }

    /// Whether it is `[tag, time, record]`.
    private func isSingle(_ message: [Msgpack]) -> Bool {
        guard message.count > 1 else { return false }
        switch message[1] {
        case .array, .text, .binary: return false
        default: return true
        }
    }

    /// The protocol has no way to say "later", so that a store without room slows the sender by not reading on.
    private func store(_ batches: [LogBatch]) async throws {
        guard !batches.isEmpty else { return }
        try await server.intake.persistently(batches, server.metrics)
    }

    // MARK: Handshake

    /// `["PING", hostname, salt, digest, user, password digest]` → `["PONG", ok, reason, hostname, digest]`.
    private mutating func handshake(_ value: Msgpack) throws -> [UInt8] {
        let configuration = server.configuration
        guard let parts = value.elements, parts.count >= 6, parts[0].string == "PING", let host = parts[1].bytes, let clientSalt = parts[2].bytes,
            let digest = parts[3].bytes, let user = parts[4].bytes, let password = parts[5].bytes
        else {
            stage = .over
            return pong(false, "expected PING", digest: "")
        }
        let key = Array((configuration.sharedKey ?? "").utf8)
        guard Self.isSame(digest, Array(SHA512.hexadecimal(clientSalt + host + nonce + key).utf8)) else {
            stage = .over
            server.metrics.refuse(status: 401)
            return pong(false, "shared key mismatch", digest: "")
        }
        if !configuration.users.isEmpty {
            let known = configuration.users[String(decoding: user, as: UTF8.self)]
            // An unknown user costs as much time as a known one.
            let expected = Array(SHA512.hexadecimal(salt + user + Array((known ?? "").utf8)).utf8)
            guard Self.isSame(password, expected), known != nil else {
                stage = .over
                server.metrics.refuse(status: 401)
                return pong(false, "username/password mismatch", digest: "")
            }
        }
        stage = .data
        return pong(true, "", digest: SHA512.hexadecimal(clientSalt + Array(configuration.hostName.utf8) + nonce + key))
    }

    private func pong(_ isWelcome: Bool, _ reason: String, digest: String) -> [UInt8] {
        let writer = MsgpackWriter.self
        return writer.array(5) + writer.text("PONG") + [isWelcome ? 0xC3 : 0xC2] + writer.text(reason) + writer.text(server.configuration.hostName)
            + writer.text(digest)
    }

    /// Every byte is looked at, so that the time tells nothing of how many were right.
    private static func isSame(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        var difference = UInt8(left.count == right.count ? 0 : 1)
        for (index, byte) in right.enumerated() { difference |= byte ^ (index < left.count ? left[index] : 0) }
        return difference == 0
    }
}

/// The few values that a server writes.
enum MsgpackWriter {
    static func array(_ count: UInt8) -> [UInt8] { [0x90 | count] }
    static func map(_ count: UInt8) -> [UInt8] { [0x80 | count] }

    static func text(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        if bytes.count < 32 { return [0xA0 | UInt8(bytes.count)] + bytes }
        if bytes.count < 256 { return [0xD9, UInt8(bytes.count)] + bytes }
        let count = min(bytes.count, 65_535)
        return [0xDA, UInt8(count >> 8), UInt8(count & 255)] + bytes.prefix(count)
    }

    /// At most 255 bytes.
    static func binary(_ bytes: [UInt8]) -> [UInt8] { [0xC4, UInt8(bytes.count)] + bytes }
}
