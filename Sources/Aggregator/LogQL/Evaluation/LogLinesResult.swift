public import Telemetry

/// What is asked of a query for lines.
public struct LogLinesRequest: Sendable {
    /// Nanoseconds since 1970, half-open.
    public var range: Range<Int64>
    public var direction: LogDirection
    public var limit: Int
    /// Nanoseconds; after a line, those nearer than this to it are left out. 0: none.
    public var interval: Int64 = 0
    /// Go on behind this row of an answer before.
    public var cursor: LogCursor?

    public init(_ range: Range<Int64>, direction: LogDirection = .backward, limit: Int = 100) {
        self.range = range
        self.direction = direction
        self.limit = limit
    }
}

/// One line of an answer.
public struct LogEntry: Sendable {
    public var cursor: LogCursor
    public var line: [UInt8]
    /// All labels after the pipeline.
    public var labels: Labels
    /// The same by where they come from.
    public var categories: LogLabelCategories
    /// Not found itself, but near a line that was, by `context`.
    public var isContext = false

    public var time: Int64 { cursor.time }
}

public struct LogLinesResult: Sendable {
    /// In the order of the direction, unless the query sorts.
    public var entries: [LogEntry] = []
    /// For the next page; nil when there are no more lines.
    public var next: LogCursor?
    public var statistics = LogStatistics()

    /// The entries by their labels, each set once, in the order in which they first occur: Loki's form of an answer.
    ///
    /// - Parameter byStream: by the stream's own labels alone, as with `categorize-labels`.
    public func streams(byStream: Bool = false) -> [(labels: Labels, entries: [LogEntry])] {
        var index: [Labels: Int] = [:]
        var result: [(labels: Labels, entries: [LogEntry])] = []
        for entry in entries {
            let key = byStream ? entry.categories.stream : entry.labels
            if let place = index[key] {
                result[place].entries.append(entry)
            } else {
                index[key] = result.count
                result.append((key, [entry]))
            }
        }
        return result
    }
}
