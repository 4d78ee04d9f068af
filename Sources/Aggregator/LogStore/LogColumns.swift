import Telemetry

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
    /// The length of each record's text in bytes; a chunk's are told by its text.
    var lengths: [Int] = []
    /// What is known beside each record's text; empty if no record has any.
    var fields: [Labels] = []

    var count: Int { times.count }

    /// The most rows that a reader accepts in one chunk; more is damage.
    static let maximumRows = 1 << 24

    mutating func append(stream: Int, time: Int64, sequence: Int64, severity: UInt8, length: Int, fields newFields: Labels = Labels()) {
        if !newFields.isEmpty || !fields.isEmpty {
            while fields.count < count { fields.append(Labels()) }
            fields.append(newFields)
        }
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

    /// Appends rows of columns of one run.
    mutating func append(_ other: LogColumns, _ rows: Range<Int>, stream: Int) {
        guard !rows.isEmpty else { return }
        if !other.fields.isEmpty || !fields.isEmpty {
            while fields.count < count { fields.append(Labels()) }
            if other.fields.isEmpty { fields += Array(repeating: Labels(), count: rows.count) } else { fields += other.fields[rows] }
        }
        if let last = runs.indices.last, runs[last].stream == stream {
            runs[last].count += rows.count
        } else {
            runs.append(Run(stream: stream, count: rows.count))
        }
        times += other.times[rows]
        sequences += other.sequences[rows]
        severities += other.severities[rows]
        lengths += other.lengths[rows]
    }

    /// The raw form of the six columns that a block in the write-ahead log has, each to be framed (`ColumnFrame`) on its own: runs,
    /// times, sequences, severities, lengths, fields.
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
        var fieldColumn = ByteWriter()
        for labels in fields {
            let bytes = labels.encoded
            fieldColumn.count(bytes.count)
            fieldColumn.append(bytes)
        }
        return [runColumn.bytes, timeColumn.bytes, sequenceColumn.bytes, severities, lengthColumn.bytes, fieldColumn.bytes]
    }

    init() {}

    init(decoding columns: [[UInt8]]) throws(CodingError) {
        guard columns.count == 6 else { throw CodingError("has \(columns.count) columns, not 6") }
        severities = columns[3]
        let total = severities.count
        guard total <= Self.maximumRows, severities.allSatisfy({ $0 <= 6 }) else { throw CodingError("the severities are out of range") }
        try readRuns(columns[0], total)
        times = try Self.deltas(columns[1], count: total, step: 0)
        sequences = try Self.deltas(columns[2], count: total, step: 1)
        var reader = ByteReader(columns[4])
        lengths.reserveCapacity(total)
        for _ in 0..<total { lengths.append(try reader.count(upTo: Int(Int32.max))) }
        guard reader.isAtEnd else { throw CodingError("a column is longer than its rows") }
        reader = ByteReader(columns[5])
        while !reader.isAtEnd { fields.append(try Labels(encoded: try reader.take(try reader.count(upTo: Int(Int32.max))))) }
        guard fields.isEmpty || fields.count == total else { throw CodingError("the fields are of \(fields.count) rows, not \(total)") }
    }

    private mutating func readRuns(_ column: [UInt8], _ total: Int) throws(CodingError) {
        var reader = ByteReader(column)
        var rows = 0
        while !reader.isAtEnd {
            let stream = try reader.count(upTo: Int(Int32.max))
            let count = try reader.count(upTo: total - rows)
            runs.append(Run(stream: stream, count: count))
            rows += count
        }
        guard rows == total else { throw CodingError("its runs hold \(rows) rows of \(total)") }
    }

    /// The raw form of a chunk's columns: runs, times, sequences, severities.
    func encodedForChunk() -> [[UInt8]] {
        var runColumn = ByteWriter()
        for run in runs {
            runColumn.count(run.stream)
            runColumn.count(run.count)
        }
        return [runColumn.bytes, NumberColumn.encode(times), NumberColumn.encode(sequences), severities]
    }

    init(decodingChunk columns: [[UInt8]]) throws(CodingError) {
        guard columns.count == 4 else { throw CodingError("has \(columns.count) columns, not 4") }
        severities = columns[3]
        guard severities.count <= Self.maximumRows, severities.allSatisfy({ $0 <= 6 }) else { throw CodingError("the severities are out of range") }
        try readRuns(columns[0], severities.count)
        times = try NumberColumn.decode(columns[1], count: severities.count)
        sequences = try NumberColumn.decode(columns[2], count: severities.count)
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
