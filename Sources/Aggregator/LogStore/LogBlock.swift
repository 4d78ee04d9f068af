import LogQL
import Telemetry

/// Records of one stream and one day that were committed together, as the head keeps them until they are flushed.
final class LogBlock: Sendable {
    let stream: Int
    /// When they were committed, in nanoseconds since 1970; the head's age counts from here.
    let committed: Int64
    /// One run.
    let columns: LogColumns
    /// The lines, each followed by a line feed.
    let text: LogText
    let minimumTime: Int64
    let maximumTime: Int64
    let severityMask: UInt8

    init(columns: LogColumns, text: [UInt8], committed: Int64) {
        stream = columns.runs.first?.stream ?? 0
        self.committed = committed
        self.columns = columns
        let starts = columns.starts
        self.text = LogText(bytes: text, starts: starts, ends: starts.indices.map { starts[$0] + columns.lengths[$0] })
        minimumTime = columns.times.min() ?? 0
        maximumTime = columns.times.max() ?? 0
        severityMask = columns.severityMask
        fieldBytes = columns.fields.reduce(0) { $0 + $1.list.reduce(32) { $0 + 40 + $1.name.utf8.count + $1.value.utf8.count } }
    }

    var count: Int { columns.count }
    /// Just after the last record's sequence number.
    var endSequence: Int64 { (columns.sequences.last ?? -1) + 1 }
    /// What the block costs in memory: text, 5 * 8 + 1 bytes a row, and the object.
    var memoryBytes: Int { text.bytes.count + count * 41 + 300 + fieldBytes }
    private let fieldBytes: Int
}

extension LogColumns {
    /// Where each record's text begins when each is followed by one line feed.
    var starts: [Int] {
        var starts: [Int] = []
        starts.reserveCapacity(count)
        var offset = 0
        for length in lengths {
            starts.append(offset)
            offset += length + 1
        }
        return starts
    }

    var textBytes: Int { lengths.reduce(lengths.count, +) }

    /// Bit n is set if a record has severity n.
    var severityMask: UInt8 { severities.reduce(0) { $0 | 1 << $1 } }
}
