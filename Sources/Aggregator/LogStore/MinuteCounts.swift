import Telemetry

/// Rows and text of a chunk by stream, minute and severity: what a histogram needs, without any text.
///
/// The rows whose time is exactly the minute's first nanosecond are counted apart as well, since a window of LogQL,
/// `(start, end]`, has them in the minute before. So windows of whole minutes are told exactly.
struct MinuteCounts: Hashable, Sendable {
    struct Key: Hashable, Sendable {
        var stream: Int
        /// Minutes since 1970, rounded down.
        var minute: Int64
        var severity: UInt8

        static func precedes(_ left: Key, _ right: Key) -> Bool {
            (left.stream, left.minute, left.severity) < (right.stream, right.minute, right.severity)
        }
    }
    struct Count: Hashable, Sendable {
        var lines: Int64 = 0
        /// Of text, without line feeds.
        var bytes: Int64 = 0
        /// What of these stands at the minute's first nanosecond.
        var linesAtStart: Int64 = 0
        var bytesAtStart: Int64 = 0

        static func += (left: inout Count, right: Count) {
            left.lines += right.lines
            left.bytes += right.bytes
            left.linesAtStart += right.linesAtStart
            left.bytesAtStart += right.bytesAtStart
        }

        /// Only what is not at the start, or only what is.
        var afterStart: Count { Count(lines: lines - linesAtStart, bytes: bytes - bytesAtStart) }
        var atStart: Count { Count(lines: linesAtStart, bytes: bytesAtStart, linesAtStart: linesAtStart, bytesAtStart: bytesAtStart) }
    }
    struct Entry: Hashable, Sendable {
        var key: Key
        var count: Count
    }

    /// In order of stream, minute and severity, each key once.
    private(set) var entries: [Entry] = []
    /// The names of all fields that a row has beside its text.
    private(set) var fieldNames: [String] = []

    static let nanoseconds: Int64 = 60_000_000_000
    private static let severityCount = 7

    /// - Parameter columns: with lengths.
    init(_ columns: LogColumns) {
        var row = 0
        for run in columns.runs {
            // Rows of a run mostly stand in order of time, so that a minute is met once.
            var minute = Int64.min
            var counts = [Count](repeating: Count(), count: Self.severityCount)
            func close() {
                for (severity, count) in counts.enumerated() where count.lines > 0 {
                    entries.append(Entry(key: Key(stream: run.stream, minute: minute, severity: UInt8(severity)), count: count))
                    counts[severity] = Count()
                }
            }
            for _ in 0..<run.count {
                let time = columns.times[row]
                let own = floorDivide(time, Self.nanoseconds)
                if own != minute {
                    close()
                    minute = own
                }
                let severity = Int(columns.severities[row])
                let length = Int64(columns.lengths[row])
                counts[severity].lines += 1
                counts[severity].bytes += length
                // The first minute that nanoseconds can tell begins before them.
                if time == own &* Self.nanoseconds {
                    counts[severity].linesAtStart += 1
                    counts[severity].bytesAtStart += length
                }
                row += 1
            }
            close()
        }
        entries.sort { Key.precedes($0.key, $1.key) }
        var merged: [Entry] = []
        merged.reserveCapacity(entries.count)
        for entry in entries {
            if merged.last?.key == entry.key { merged[merged.count - 1].count += entry.count } else { merged.append(entry) }
        }
        entries = merged
        fieldNames = Set(columns.fields.lazy.flatMap { $0.list.map(\.name) }).sorted()
    }

    /// The names; how many entries; columns of their streams, minutes, severities, lines and bytes; of those with rows at the minute's
    /// start the distance from the last such, lines and bytes.
    var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.count(fieldNames.count)
        for name in fieldNames {
            writer.count(name.utf8.count)
            writer.append(Array(name.utf8))
        }
        writer.count(entries.count)
        for column in [
            entries.map { Int64($0.key.stream) }, entries.map(\.key.minute), entries.map { Int64($0.key.severity) }, entries.map(\.count.lines),
            entries.map(\.count.bytes),
        ] {
            let encoded = NumberColumn.encode(column)
            writer.count(encoded.count)
            writer.append(encoded)
        }
        let starts = entries.indices.filter { entries[$0].count.linesAtStart > 0 }
        writer.count(starts.count)
        var last = 0
        for index in starts {
            writer.count(index - last)
            writer.signed(entries[index].count.linesAtStart)
            writer.signed(entries[index].count.bytesAtStart)
            last = index
        }
        return writer.bytes
    }

    init(bytes: [UInt8]) throws(CodingError) {
        var reader = ByteReader(bytes)
        for _ in 0..<(try reader.count(upTo: 1 << 20)) {
            fieldNames.append(String(decoding: try reader.take(try reader.count(upTo: 1 << 20)), as: UTF8.self))
        }
        let count = try reader.count(upTo: LogColumns.maximumRows)
        var columns: [[Int64]] = []
        for _ in 0..<5 {
            let column = try reader.take(try reader.count(upTo: bytes.count))
            columns.append(try NumberColumn.decode(column, count: count))
        }
        entries.reserveCapacity(count)
        for index in 0..<count {
            let (stream, severity) = (columns[0][index], columns[2][index])
            guard stream >= 0, stream <= Int64(Int32.max), severity >= 0, severity < Int64(Self.severityCount) else {
                throw CodingError("a count's key is out of range")
            }
            let lines = columns[3][index], size = columns[4][index]
            guard lines >= 0, lines <= Int64(LogColumns.maximumRows), size >= 0, size <= 1 << 40 else { throw CodingError("a count is out of range") }
            entries.append(
                Entry(
                    key: Key(stream: Int(stream), minute: columns[1][index], severity: UInt8(severity)), count: Count(lines: lines, bytes: size)))
        }
        var place = 0
        for _ in 0..<(try reader.count(upTo: count)) {
            place += try reader.count(upTo: count)
            let (lines, size) = (try reader.signed(), try reader.signed())
            guard place < count, lines >= 0, lines <= entries[place].count.lines, size >= 0, size <= entries[place].count.bytes else {
                throw CodingError("a count at a minute's start is out of range")
            }
            entries[place].count.linesAtStart = lines
            entries[place].count.bytesAtStart = size
        }
        guard reader.isAtEnd else { throw CodingError("the counts are followed by something") }
    }
}

/// The quotient rounded towards minus infinity.
func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    let quotient = value / divisor
    return value % divisor < 0 ? quotient - 1 : quotient
}
