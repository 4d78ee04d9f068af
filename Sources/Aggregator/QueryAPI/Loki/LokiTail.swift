import HTTP
import JSON
import LogQL
import LogStore
import Runtime
import Synchronization
import Telemetry

/// Live lines over a WebSocket.
extension LokiAPI {
    func tail(_ parameters: LokiParameters) async throws -> HTTPResponse {
        guard let feed else { throw LokiError(501, "what is searched here does not grow, so there is nothing to follow") }
        guard case .lines(let pipeline) = try Self.parse(try parameters.query()) else {
            throw LokiError(400, "only log queries can be followed; this one is a metric query")
        }
        let runner = try LogPipelineRunner(pipeline, now: parameters.now)
        if let stage = runner.leftOut.first { throw LokiError(400, "the stage \(stage) looks at an answer as a whole, and a tail has no end") }
        let start = try parameters.time("start") ?? parameters.now - 3_600_000_000_000
        let limit = try parameters.limit(options.defaultLines, maximum: options.maximumLines)
        let delay = try parameters.duration("delay_for") ?? 0
        guard delay <= 5_000_000_000 else { throw LokiError(400, "delay_for can't be greater than 5") }
        let isCategorized = parameters.request.fields["X-Loki-Response-Encoding-Flags"]?.contains("categorize-labels") == true
        let (source, options, metrics, tails) = (source, options, metrics, tails)
        return .webSocket { socket in
            guard tails.enter(options.maximumTails) else {
                try await socket.send(Array("{\"error\":\"max concurrent tail requests limit exceeded, count > limit (\(options.maximumTails))\"}".utf8))
                return
            }
            defer { tails.leave() }
            metrics.tails.value = Double(tails.count)
            defer { metrics.tails.value = Double(tails.count) }
            // The newest of the stored lines, as many as are asked for; from there on the feed, without a gap.
            let end = LogSelection([], in: start..<Int64.max).range
            let newest = try await LogEngine(source, options: LogEngine.Options()).lines(pipeline, LogLinesRequest(end, limit: limit))
            let isCut = newest.entries.count == limit
            let selection = runner.selection(isCut ? (newest.entries.last?.time ?? start)..<Int64.max : end)
            let writer = TailFrames(socket: socket, isCategorized: isCategorized, metrics: metrics)
            try await writer.run(feed.follow(selection), delay: .nanoseconds(delay)) { line in
                guard selection.filters.allSatisfy({ $0.accepts(line.body.span) }), line.severity >= selection.minimumSeverity else { return nil }
                return try runner.entries(LogRows(line)).first
            }
        }
    }
}

/// Tails that are open, within a bound.
final class TailCount: Sendable {
    private let value = Mutex(0)

    var count: Int { value.withLock { $0 } }

    func enter(_ maximum: Int) -> Bool {
        value.withLock { count in
            guard count < maximum else { return false }
            count += 1
            return true
        }
    }

    func leave() { value.withLock { $0 -= 1 } }
}

/// Gathers lines into frames: what comes while a frame is on its way goes with the next.
private actor TailFrames {
    private let socket: any WebSocket
    private let isCategorized: Bool
    private let metrics: LokiMetrics
    private var entries: [LogEntry] = []
    private var dropped = 0
    private var hasEnded = false

    init(socket: any WebSocket, isCategorized: Bool, metrics: LokiMetrics) {
        self.socket = socket
        self.isCategorized = isCategorized
        self.metrics = metrics
    }

    /// Lines of one frame, and the time between two frames.
    private static let frameLines = 500
    private static let frameInterval: Duration = .milliseconds(200)
    /// Lines that wait for a frame; above it the reading waits, and then the feed counts what it drops.
    private static let maximumWaiting = 2000

    func run(
        _ events: AsyncThrowingStream<LogFeedEvent, any Error>, delay: Duration, _ accept: @escaping @Sendable (LogLine) throws -> LogEntry?
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for try await event in events {
                    switch event {
                    case .line(let line, _): if let entry = try accept(line) { await self.add(entry) }
                    case .dropped(let count): await self.drop(count)
                    }
                    while await self.isFull { try await Task.sleep(for: .milliseconds(20)) }
                }
                await self.end()
            }
            group.addTask {
                while try await self.sendFrame() { try await Task.sleep(for: max(delay, Self.frameInterval)) }
            }
            defer { group.cancelAll() }
            // The feed's end still lets the last frame go; an error ends all.
            try await group.next()
            try await group.next()
        }
    }

    private var isFull: Bool { entries.count >= Self.maximumWaiting }
    private func add(_ entry: LogEntry) { entries.append(entry) }
    private func end() { hasEnded = true }
    private func drop(_ count: Int) {
        dropped += count
        metrics.tailDropped.increment(by: UInt64(count))
    }

    /// False when the feed has ended and all is sent.
    private func sendFrame() async throws -> Bool {
        let ends = hasEnded
        while !entries.isEmpty || dropped > 0 {
            let batch = Array(entries.prefix(Self.frameLines))
            entries.removeFirst(batch.count)
            let lost = dropped
            dropped = 0
            try await socket.send(frame(batch, lost: lost))
        }
        return !ends
    }

    private func frame(_ batch: [LogEntry], lost: Int) -> [UInt8] {
        var writer = AnswerWriter()
        writer.put("{\"streams\":")
        writer.list(LokiAnswer.streams(batch, byStream: isCategorized)) { writer, stream in
            writer.put("{\"stream\":")
            writer.labels(stream.labels)
            writer.put(",\"values\":")
            writer.list(stream.entries) { LokiAnswer.put($1, isCategorized: isCategorized, to: &$0) }
            writer.put("}" as Unicode.Scalar)
        }
        // Which lines they were is not known any more; how many is said in the one label that there is.
        if lost > 0 {
            let time = batch.last?.time ?? 0
            writer.put(",\"dropped_entries\":[{\"labels\":{\"dropped\":\"\(lost)\"},\"timestamp\":\"\(time)\"}]")
        }
        writer.put("}" as Unicode.Scalar)
        return writer.text
    }
}
