import Runtime
import Synchronization
import Telemetry

/// Takes syslog, as datagrams and as streams.
public final class SyslogServer: Sendable {
    private struct Waiting {
        var datagrams: [(bytes: [UInt8], peer: String)] = []
        var bytes = 0
    }

    let intake: LogIntake
    let metrics: LogIngestMetrics
    private let waiting = Mutex(Waiting())
    private let lost: Counter
    private let arrivals: AsyncStream<Void>
    private let arrived: AsyncStream<Void>.Continuation

    public init(_ intake: LogIntake) {
        self.intake = intake
        metrics = LogIngestMetrics(intake.registry, way: "syslog")
        lost = intake.registry.counter(
            "binnacle_log_ingest_lost_datagrams_total", "Datagrams that were dropped because too many waited to be stored.", ["protocol": "syslog"])
        (arrivals, arrived) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        let limit = intake.limits.waitingDatagramBytes
        intake.registry.gauge("binnacle_log_ingest_waiting_datagram_bytes", "Of datagrams that wait to be stored.") { [weak self] in
            Double(self?.waiting.withLock { $0.bytes } ?? 0)
        }
        intake.registry.gauge("binnacle_log_ingest_waiting_datagram_bytes_limit", "The bound of that.") { Double(limit) }
    }

    // MARK: Datagrams

    /// Takes one datagram, or drops it if too many wait.
    public func receive(_ datagram: [UInt8], from peer: String) {
        let isTaken = waiting.withLock { waiting in
            guard waiting.bytes + datagram.count + 64 <= intake.limits.waitingDatagramBytes else { return false }
            waiting.datagrams.append((datagram, peer))
            waiting.bytes += datagram.count + 64
            return true
        }
        if isTaken { arrived.yield() } else { lost.increment() }
    }

    /// Stores datagrams as they come, all that wait at once, until it is cancelled.
    public func run() async {
        for await _ in arrivals { await flush() }
        await flush()
    }

    /// Stores what waits.
    func flush() async {
        let taken = waiting.withLock { waiting in
            defer { waiting = Waiting() }
            return waiting.datagrams
        }
        guard !taken.isEmpty else { return }
        var records = SyslogRecords(limits: intake.limits, now: intake.clock.nanoseconds)
        for (bytes, peer) in taken { records.add(bytes, from: peer) }
        metrics.requests.increment(by: UInt64(taken.count))
        do {
            try await intake.persistently(records.gatherer.finished(), metrics)
        } catch {
            // Counted by the intake; there is nobody else to tell.
        }
    }

    // MARK: Streams

    public func session(peer: String) -> SyslogSession { SyslogSession(self, peer: peer) }
}

/// One connection of syslog.
public struct SyslogSession: Sendable {
    private let server: SyslogServer
    private let peer: String
    private var framer: SyslogFramer
    private let hold: LogIntake.Hold
    private var cut = 0

    init(_ server: SyslogServer, peer: String) {
        self.server = server
        self.peer = peer
        framer = SyslogFramer(limit: server.intake.limits.syslogMessageBytes)
        hold = server.intake.hold()
    }

    /// Takes what came; returns when it is durable, so that a store without room slows the sender. Throws what ends the connection.
    public mutating func receive(_ bytes: [UInt8]) async throws {
        let messages = try framer.add(bytes)
        try hold.set(framer.waiting)
        try await store(messages)
    }

    /// The sender has ended.
    public mutating func finish() async throws { try await store(framer.finish()) }

    private mutating func store(_ messages: [[UInt8]]) async throws {
        server.metrics.refuse("cut", records: framer.cut - cut)
        cut = framer.cut
        guard !messages.isEmpty else { return }
        server.metrics.requests.increment(by: UInt64(messages.count))
        var records = SyslogRecords(limits: server.intake.limits, now: server.intake.clock.nanoseconds)
        for message in messages { records.add(message, from: peer) }
        try await server.intake.persistently(records.gatherer.finished(), server.metrics)
    }
}
