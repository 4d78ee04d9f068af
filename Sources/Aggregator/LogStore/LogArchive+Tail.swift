import LogQL
import Runtime
import Synchronization
import Telemetry

/// What a live tail brings.
public enum LogTailEvent: Sendable, Hashable {
    case line(LogLine)
    /// The reader was too slow: this many records, matching or not, are missing here. A query finds them.
    case dropped(Int)
}

/// Blocks that a live tail has still to read. Bounded: what does not fit is counted.
final class TailBuffer: Sendable {
    static let maximumBlocks = 512

    let blocks: AsyncStream<LogBlock>
    private let continuation: AsyncStream<LogBlock>.Continuation
    private let dropped = Mutex(0)
    private let metric: Counter

    init(maximumBlocks: Int, metric: Counter) {
        (blocks, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(maximumBlocks))
        self.metric = metric
    }

    func offer(_ block: LogBlock) {
        guard case .dropped = continuation.yield(block) else { return }
        dropped.withLock { $0 += block.count }
        metric.increment(by: UInt64(block.count))
    }

    /// The records dropped since the last call.
    func takeDropped() -> Int {
        dropped.withLock { count in
            defer { count = 0 }
            return count
        }
    }

    func finish() { continuation.finish() }
}

/// First the stored lines from a moment on, then each new line as it is acknowledged, without gap or repeat.
/// Lines of one commit come in order of time; commits come as they happen.
public struct LogTailSequence: AsyncSequence, Sendable {
    public typealias Element = LogTailEvent
    public typealias Failure = any Error

    let archive: LogArchive
    let query: LogQuery
    let maximumBlocks: Int

    public func makeAsyncIterator() -> Iterator { Iterator(archive: archive, query: query, maximumBlocks: maximumBlocks) }

    public final class Iterator: AsyncIteratorProtocol {
        private let archive: LogArchive
        private var query: LogQuery
        private let matcher: LineMatcher
        private let buffer: TailBuffer
        private var live: AsyncStream<LogBlock>.Iterator
        private let subscription: Int
        private let snapshot: [Int: LogView.Day]
        private var hasBacklog = true
        /// Whether what was last given out came after the subscription, and not from what was stored then.
        public private(set) var isLive = false
        private var ready: [LogTailEvent] = []
        private var position = 0

        init(archive: LogArchive, query: LogQuery, maximumBlocks: Int) {
            self.archive = archive
            self.query = query
            self.query.direction = .oldest
            matcher = LineMatcher(query.lines)
            buffer = TailBuffer(maximumBlocks: maximumBlocks, metric: archive.metrics.tailDropped)
            live = buffer.blocks.makeAsyncIterator()
            (subscription, snapshot) = archive.view.subscribe(buffer)
        }

        deinit { archive.view.unsubscribe(subscription) }

        public func next() async throws -> LogTailEvent? { try await next(isolation: nil) }

        public func next(isolation: isolated (any Actor)?) async throws -> LogTailEvent? {
            while position >= ready.count {
                ready.removeAll(keepingCapacity: true)
                position = 0
                if hasBacklog {
                    try readBacklog()
                    continue
                }
                let missed = buffer.takeDropped()
                if missed > 0 {
                    ready.append(.dropped(missed))
                    continue
                }
                guard let block = await live.next(isolation: isolation) else {
                    try Task.checkCancellation()
                    return nil
                }
                accept(block)
            }
            position += 1
            return ready[position - 1]
        }

        /// A page of the stored lines at the moment of subscription; what came later is in the buffer.
        private func readBacklog() throws {
            let streams = archive.catalogue.matching(query.streams)
            let page = try archive.page(query, archive.plan(query, streams: streams), snapshot)
            ready += page.lines.map { .line($0) }
            query.cursor = page.next
            hasBacklog = page.next != nil
        }

        private func accept(_ block: LogBlock) {
            isLive = true
            guard let labels = archive.catalogue.labels(of: block.stream), query.streams.allSatisfy({ $0.accepts(labels) }) else { return }
            let columns = block.columns
            let candidates = columns.times.indices.filter { columns.severities[$0] >= query.minimumSeverity.rawValue }
            for row in matcher.rows(of: block.text, starts: block.starts, lengths: columns.lengths, candidates: candidates) {
                let start = block.starts[row]
                ready.append(
                    .line(
                        LogLine(
                            position: LogCursor(time: columns.times[row], sequence: columns.sequences[row]), stream: labels,
                            severity: LogRecord.Severity(rawValue: columns.severities[row]) ?? .unknown,
                            body: Array(block.text[start..<start + columns.lengths[row]]))))
            }
        }
    }
}

extension LogArchive {
    /// Live tails that are being read.
    public var tailCount: Int { view.subscriberCount }

    /// Follows what is written. The backlog begins at `query.from`; limit is the size of its pages, direction and cursor do not matter.
    public func tail(_ query: LogQuery) -> LogTailSequence {
        var query = query
        query.cursor = nil
        return LogTailSequence(archive: self, query: query, maximumBlocks: TailBuffer.maximumBlocks)
    }
}
