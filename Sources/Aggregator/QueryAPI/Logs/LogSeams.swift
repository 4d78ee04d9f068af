public import LogQL
public import LogStore
import Telemetry

/// New lines as they are stored: what live tails read, beside `LogSource`.
public protocol LogFeed: Sendable {
    /// First the stored lines of the selected streams from the range's beginning on, in order of time; then each new one once,
    /// in the order in which they are stored. Filters and severities of the selection may be left to the reader.
    func follow(_ selection: LogSelection) -> AsyncThrowingStream<LogFeedEvent, any Error>
}

public enum LogFeedEvent: Sendable {
    /// - isLive: a line that came after the tail had begun; before them come the stored ones.
    case line(LogLine, isLive: Bool)
    /// The reader was too slow: so many lines are missing here, of which it is not known whether they were wanted.
    case dropped(Int)
}

extension LogArchive: LogFeed {
    public func follow(_ selection: LogSelection) -> AsyncThrowingStream<LogFeedEvent, any Error> {
        let tail = tail(LogQuery(streams: selection.matchers, from: selection.range.lowerBound, minimumSeverity: selection.minimumSeverity))
        // One at a time, when it is asked for: a slow reader is the archive's to notice, which counts what it has to drop.
        let iterator = TailIterator(tail.makeAsyncIterator())
        return AsyncThrowingStream { try await iterator.next() }
    }
}

/// One reader at a time uses it, as `AsyncThrowingStream` promises.
private final class TailIterator: @unchecked Sendable {
    private var iterator: LogTailSequence.Iterator

    init(_ iterator: LogTailSequence.Iterator) { self.iterator = iterator }

    func next() async throws -> LogFeedEvent? {
        switch try await iterator.next() {
        case .line(let line)?: .line(line, isLive: iterator.isLive)
        case .dropped(let count)?: .dropped(count)
        case nil: nil
        }
    }
}
