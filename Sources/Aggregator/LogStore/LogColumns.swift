/// The columns of some records beside their text: who wrote them, when, and how grave they are.
///
/// Rows are grouped into runs of one stream; within a run they stand in order of arrival.
struct LogColumns: Sendable, Hashable {
    struct Run: Hashable, Sendable {
        var stream: Int
        var count: Int
    }
    var runs: [Run] = []
    var times: [Int64] = []
    var sequences: [Int64] = []
    var severities: [UInt8] = []
    /// The length of each record's text in bytes.
    var lengths: [Int] = []

    var count: Int { times.count }

    /// The most rows that a reader accepts in one chunk; more is damage.
    static let maximumRows = 1 << 24

    mutating func append(stream: Int, time: Int64, sequence: Int64, severity: UInt8, length: Int) {
        if let last = runs.indices.last, runs[last].stream == stream {
            runs[last].count += 1
        } else {
            runs.append(Run(stream: stream, count: 1))
        }
        times.append(time)
        sequences.append(sequence)
        severities.append(severity)
        lengths.append(length)
    }

    /// The raw form of the five columns, each to be framed (`ColumnFrame`) on its own: runs, times, sequences, severities, lengths.
    func encoded() -> [[UInt8]] {
        var runColumn = ByteWriter()
        for run in runs {
            runColumn.count(run.stream)
            runColumn.count(run.count)
        }
        var timeColumn = ByteWriter()
        var sequenceColumn = ByteWriter()
        var lengthColumn = ByteWriter()
        var time: Int64 = 0
        var sequence: Int64 = 0
        for row in 0..<count {
            timeColumn.signed(times[row] &- time)
            time = times[row]
            // Within a run the sequence mostly rises by one, which is stored as 0.
            sequenceColumn.signed(sequences[row] &- sequence &- 1)
            sequence = sequences[row]
            lengthColumn.count(lengths[row])
        }
        return [runColumn.bytes, timeColumn.bytes, sequenceColumn.bytes, severities, lengthColumn.bytes]
    }

    init() {}

    init(decoding columns: [[UInt8]]) throws(CodingError) {
        guard columns.count == 5 else { throw CodingError("has \(columns.count) columns, not 5") }
        severities = columns[3]
        let total = severities.count
        guard total <= Self.maximumRows, severities.allSatisfy({ $0 <= 6 }) else { throw CodingError("the severities are out of range") }
        var reader = ByteReader(columns[0])
        var rows = 0
        while !reader.isAtEnd {
            let stream = try reader.count(upTo: Int(Int32.max))
            let count = try reader.count(upTo: total - rows)
            runs.append(Run(stream: stream, count: count))
            rows += count
        }
        guard rows == total else { throw CodingError("its runs hold \(rows) rows of \(total)") }
        times = try Self.deltas(columns[1], count: total, step: 0)
        sequences = try Self.deltas(columns[2], count: total, step: 1)
        reader = ByteReader(columns[4])
        lengths.reserveCapacity(total)
        for _ in 0..<total { lengths.append(try reader.count(upTo: Int(Int32.max))) }
        guard reader.isAtEnd else { throw CodingError("a column is longer than its rows") }
    }

    private static func deltas(_ bytes: [UInt8], count: Int, step: Int64) throws(CodingError) -> [Int64] {
        var reader = ByteReader(bytes)
        var values: [Int64] = []
        values.reserveCapacity(count)
        var value: Int64 = 0
        for _ in 0..<count {
            value = value &+ (try reader.signed()) &+ step
            values.append(value)
        }
        guard reader.isAtEnd else { throw CodingError("a column is longer than its rows") }
        return values
    }
}
