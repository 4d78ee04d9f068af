import Telemetry

/// Series of a query that have the same time stamps, as those of one scrape do.
public struct SeriesBlock: Sendable {
    /// Milliseconds since 1970, ascending.
    public var timestamps: [Int64]
    public var labels: [Labels]
    /// One a series, a value a time stamp; may hold `Double.stale`, never `Double.absent`.
    public var columns: [[Double]]
}

extension SeriesStore {
    /// As `forEachSeries`, gathered into blocks; each series is in one block only.
    public func blocks(_ matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> (blocks: [SeriesBlock], summary: ReadSummary) {
        try await reader.blocks(matchers, from: from.milliseconds, through: through.milliseconds)
    }
}

extension Reader {
    func blocks(_ matchers: [Matcher], from: Int64, through: Int64) throws -> (blocks: [SeriesBlock], summary: ReadSummary) {
        var blocks: [SeriesBlock] = []
        var numbers: [Int: Int] = [:]
        let summary = try forEachSeries(matchers, from: from, through: through) { series in
            let number = numbers[series.timesGroup] ?? blocks.count
            if number == blocks.count {
                numbers[series.timesGroup] = number
                blocks.append(SeriesBlock(timestamps: Array(series.timestamps), labels: [], columns: []))
            }
            blocks[number].labels.append(series.labels)
            blocks[number].columns.append(Array(series.values))
        }
        return (blocks, summary)
    }
}
