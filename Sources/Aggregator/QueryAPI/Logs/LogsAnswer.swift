import LogQL
import LogStore
import Telemetry

/// Runs a search page by page and gives out each line, with the lines around it if they are asked for.
///
/// Hits come in the query's direction. With context each hit becomes a group in the order in which the container wrote
/// it; a line is given out once, and `nil` marks a gap between two groups.
struct LogsAnswer: Sendable {
    let source: any LogSource
    let query: LogsQuery
    let direction: LogDirection
    let cursor: LogCursor?
    let limit: Int
    let before: Int
    let after: Int

    struct End {
        var statistics = LogStatistics()
        var matched = 0
        var seconds = 0.0
        /// Behind which row the next page begins; nil if there are no more.
        var cursor: LogCursor?
    }

    /// - Parameters:
    ///   - encode: the bytes of a line, or of a gap.
    ///   - write: takes some lines at a time; it waits while the client is slow.
    func run(
        encode: @Sendable (LogLine?, _ isMatch: Bool) -> [UInt8], write: @Sendable ([UInt8]) async throws -> Void
    ) async throws -> End {
        let start = ContinuousClock.now
        var end = End(cursor: cursor)
        var groups = LogGroups(around: LogNeighbourhood(source: source), before: before, after: after)
        searching: while end.matched < limit {
            try Task.checkCancellation()
            let wanted = limit - end.matched
            // Behind a pipeline that lets little through, small pages would be many.
            let size = query.runner == nil ? min(wanted, LogsAPI.pageLines) : LogsAPI.pageLines
            let page = try await source.page(query.selection, direction: direction, after: end.cursor, limit: size)
            end.statistics.add(page.statistics)
            var bytes: [UInt8] = []
            for line in try query.lines(page.rows) {
                end.matched += 1
                if before == 0, after == 0 {
                    bytes += encode(line, true)
                } else {
                    bytes += try await groups.group(of: line, query, encode)
                }
                // In the midst of a page: the next one goes on behind this line.
                if end.matched == limit, line.position != page.rows.lastCursor {
                    if !bytes.isEmpty { try await write(bytes) }
                    end.cursor = line.position
                    break searching
                }
            }
            if !bytes.isEmpty { try await write(bytes) }
            end.cursor = page.next
            guard page.next != nil else { break }
        }
        end.seconds = (ContinuousClock.now - start).inSeconds
        return end
    }
}

extension LogRows {
    fileprivate var lastCursor: LogCursor? {
        guard let time = times.last, let sequence = sequences.last else { return nil }
        return LogCursor(time: time, sequence: sequence)
    }
}

/// Matches with the lines around them, each line once.
private struct LogGroups {
    let neighbourhood: LogNeighbourhood
    let before: Int
    let after: Int
    private var given: Set<LogCursor> = []

    init(around neighbourhood: LogNeighbourhood, before: Int, after: Int) {
        self.neighbourhood = neighbourhood
        self.before = before
        self.after = after
    }

    mutating func group(
        of line: LogLine, _ query: LogsQuery, _ encode: (LogLine?, Bool) -> [UInt8]
    ) async throws -> [UInt8] {
        let group = try await neighbourhood.around(line, before: before, after: after).filter { !given.contains($0.position) }
        guard !group.isEmpty else { return [] }
        var bytes = given.isEmpty ? [] : encode(nil, false)
        for neighbour in group {
            let isHit = neighbour.position == line.position
            bytes += encode(isHit ? line : neighbour, try isHit || query.accepts(neighbour))
        }
        // Groups overlap only with their neighbours; what is further away need not be remembered.
        if given.count > 100_000 { given = [] }
        given.formUnion(group.map(\.position))
        return bytes
    }
}
