import HTTP
import Synchronization

/// One end of an open WebSocket over some transport of bytes: answers pings, joins fragments, keeps the connection alive and
/// ends it politely.
///
/// Bounds: a message's bytes, and the messages that wait to be received; more of them close the connection.
final class WebSocketPeer: WebSocket {
    struct Configuration: Sendable {
        var isServer: Bool
        var maximumMessageBytes = 1 << 20
        /// Messages that nobody has received yet.
        var maximumWaiting = 64
        /// Between two pings; a peer from which nothing came between two of them is taken for dead.
        var pingInterval: Duration = .seconds(30)
        /// For which a peer may take to answer a close.
        var closeTimeout: Duration = .seconds(5)
    }

    private struct State {
        var hasSentClose = false
        /// Whether anything came since the last ping.
        var isAlive = true
    }

    private let configuration: Configuration
    private let write: @Sendable ([UInt8]) async throws -> Void
    /// Breaks the transport off, which ends its reading.
    private let abort: @Sendable () -> Void
    private let state = Mutex(State())
    private let messages: AsyncStream<WebSocketMessage>
    private let waiting: AsyncStream<WebSocketMessage>.Continuation

    init(_ configuration: Configuration, write: @escaping @Sendable ([UInt8]) async throws -> Void, abort: @escaping @Sendable () -> Void) {
        self.configuration = configuration
        self.write = write
        self.abort = abort
        (messages, waiting) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(configuration.maximumWaiting))
    }

    // MARK: WebSocket

    func send(_ text: [UInt8]) async throws {
        guard !state.withLock({ $0.hasSentClose }) else { throw ServingError.failed("the WebSocket is closed") }
        try await send(WebSocketFrame(opcode: .text, payload: text))
    }

    func receive() async throws -> WebSocketMessage? {
        for await message in messages { return message }
        try Task.checkCancellation()
        return nil
    }

    private func send(_ frame: WebSocketFrame) async throws {
        try await write(frame.bytes(mask: configuration.isServer ? nil : .random(in: 0...UInt32.max)))
    }

    // MARK: Life

    /// Runs `body` on the open connection until it returns, the peer closes, or either breaks the protocol.
    /// - Parameter read: the next bytes of the transport; nil at its end.
    func run(reading read: () async throws -> [UInt8]?, _ body: @escaping @Sendable (any WebSocket) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.work(body) }
            group.addTask { await self.keepAlive() }
            defer {
                group.cancelAll()
                waiting.finish()
            }
            try await withTaskCancellationHandler {
                try await receiveFrames(read)
            } onCancel: {
                waiting.finish()
            }
        }
    }

    /// Sends the close, unless one has been sent.
    private func close(_ frame: WebSocketFrame) async {
        guard
            state.withLock({ state in
                defer { state.hasSentClose = true }
                return !state.hasSentClose
            })
        else { return }
        // The peer may have gone already, which is what is wanted.
        try? await send(frame)
    }

    /// The owner's part, from its beginning to the close that follows it.
    private func work(_ body: @Sendable (any WebSocket) async throws -> Void) async {
        do {
            try await body(self)
            await close(.close(1000))
        } catch is CancellationError {
            await close(.close(1001))
        } catch {
            await close(.close(1011, "\(error)"))
        }
        // Who does not answer the close is left; if the answer comes first, this is cancelled.
        guard (try? await Task.sleep(for: configuration.closeTimeout)) != nil else { return }
        abort()
    }

    private func keepAlive() async {
        while (try? await Task.sleep(for: configuration.pingInterval)) != nil {
            let isAlive = state.withLock { state in
                defer { state.isAlive = false }
                return state.isAlive
            }
            guard isAlive, (try? await send(WebSocketFrame(opcode: .ping, payload: []))) != nil else { return abort() }
        }
    }

    private func receiveFrames(_ read: () async throws -> [UInt8]?) async throws {
        var frames = WebSocketFrameReader(expectsMask: configuration.isServer, maximumBytes: configuration.maximumMessageBytes)
        var assembler = WebSocketAssembler(maximumBytes: configuration.maximumMessageBytes)
        do {
            while let bytes = try await read() {
                state.withLock { $0.isAlive = true }
                frames.append(bytes)
                while let frame = try frames.next() {
                    guard let event = try assembler.accept(frame) else { continue }
                    switch event {
                    case .message(let message):
                        if case .dropped = waiting.yield(message) {
                            throw WebSocketError(code: 1008, reason: "more than \(configuration.maximumWaiting) messages wait to be read")
                        }
                    case .ping(let payload): try await send(WebSocketFrame(opcode: .pong, payload: payload))
                    case .pong: break
                    case .close(let code):
                        await close(code.map { .close($0) } ?? WebSocketFrame(opcode: .close, payload: []))
                        return
                    }
                }
            }
        } catch let error as WebSocketError {
            await close(.close(error.code, error.reason))
            throw error
        }
    }
}
