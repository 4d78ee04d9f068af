import LogQL
import LogStore
import Telemetry

/// Runs a search page by page and gives out each line, with the lines around it if they are asked for.
///
/// Hits come in the query's direction. With context each hit becomes a group in the order in which the container wrote
/// it; a line is given out once, and `nil` marks a gap between two groups.
struct LogsAnswer: Sendable {
    let store: LogArchive
    let query: LogQuery
    let limit: Int
    let before: Int
    let after: Int

    struct End {
        var statistics: LogStatistics
        var matched: Int
        var seconds: Double
        var cursor: LogCursor?
    }

    /// - Parameters:
    ///   - encode: the bytes of a line, or of a gap.
    ///   - write: takes some lines at a time; it waits while the client is slow.
    func run(
        encode: @Sendable (LogLine?, _ isMatch: Bool) -> [UInt8], write: @Sendable ([UInt8]) async throws -> Void
    ) async throws -> End {
        let start = ContinuousClock.now
        var query = query
        var statistics = LogStatistics()
        var left = limit
        let isMatch = query.lineTest()
        var given: Set<LogCursor> = []
        while left > 0 {
            query.limit = min(left, LogsAPI.pageLines)
            let page = try await store.read(query)
            statistics.add(page.statistics)
            left -= page.lines.count
            var bytes: [UInt8] = []
            for line in page.lines {
                guard before > 0 || after > 0 else {
                    bytes += encode(line, true)
                    continue
                }
                let group = try await store.context(of: line.position, before: before, after: after).filter { !given.contains($0.position) }
                guard !group.isEmpty else { continue }
                if !given.isEmpty { bytes += encode(nil, false) }
                for neighbour in group { bytes += encode(neighbour, neighbour.position == line.position || isMatch(neighbour)) }
                // Groups overlap only with their neighbours; what is further away need not be remembered.
                if given.count > 100_000 { given = [] }
                given.formUnion(group.map(\.position))
            }
            if !bytes.isEmpty { try await write(bytes) }
            query.cursor = page.next
            guard page.next != nil else { break }
        }
        return End(statistics: statistics, matched: limit - left, seconds: (ContinuousClock.now - start).inSeconds, cursor: query.cursor)
    }
}
