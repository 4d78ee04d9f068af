/// How many records of a stream and severity fall in each minute, and how much text: what a histogram needs, without any text.
struct MinuteCounts: Hashable, Sendable {
    struct Key: Hashable, Sendable {
        var stream: Int
        /// Minutes since 1970, rounded down.
        var minute: Int64
        var severity: UInt8
    }
    struct Count: Hashable, Sendable {
        var lines = 0
        /// Of text, without line feeds.
        var bytes = 0
    }
    struct Entry: Hashable, Sendable {
        var key: Key
        var count: Count
    }

    /// In order of stream, minute and severity, each key once.
    private(set) var entries: [Entry] = []

    static let nanoseconds: Int64 = 60_000_000_000

    /// - Parameter columns: with lengths.
    init(_ columns: LogColumns) {
        var counts: [Key: Count] = [:]
        var row = 0
        for run in columns.runs {
            for _ in 0..<run.count {
                let key = Key(stream: run.stream, minute: floorDivide(columns.times[row], Self.nanoseconds), severity: columns.severities[row])
                counts[key, default: Count()].lines += 1
                counts[key, default: Count()].bytes += columns.lengths[row]
                row += 1
            }
        }
        entries = counts.map { Entry(key: $0.key, count: $0.value) }.sorted {
            ($0.key.stream, $0.key.minute, $0.key.severity) < ($1.key.stream, $1.key.minute, $1.key.severity)
        }
    }

    /// For each entry: the changes of stream and minute, the severity, lines, bytes.
    var bytes: [UInt8] {
        var writer = ByteWriter()
        var stream: Int64 = 0
        var minute: Int64 = 0
        for entry in entries {
            writer.signed(Int64(entry.key.stream) - stream)
            writer.signed(entry.key.minute - minute)
            writer.byte(entry.key.severity)
            writer.count(entry.count.lines)
            writer.count(entry.count.bytes)
            stream = Int64(entry.key.stream)
            minute = entry.key.minute
        }
        return writer.bytes
    }

    init(bytes: [UInt8]) throws(CodingError) {
        var reader = ByteReader(bytes)
        var stream: Int64 = 0
        var minute: Int64 = 0
        entries.reserveCapacity(bytes.count / 6)
        while !reader.isAtEnd {
            stream &+= try reader.signed()
            minute &+= try reader.signed()
            let severity = try reader.byte()
            guard stream >= 0, stream <= Int64(Int32.max), severity <= 6 else { throw CodingError("a count's key is out of range") }
            let count = Count(lines: try reader.count(upTo: LogColumns.maximumRows), bytes: try reader.count(upTo: Int(Int32.max) * 256))
            entries.append(Entry(key: Key(stream: Int(stream), minute: minute, severity: severity), count: count))
        }
    }
}

/// The quotient rounded towards minus infinity.
func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    let quotient = value / divisor
    return value % divisor < 0 ? quotient - 1 : quotient
}
