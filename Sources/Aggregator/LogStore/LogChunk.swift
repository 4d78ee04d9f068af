import Zstd

/// Some blocks of one day made ready to be stored: sorted by stream, compressed column by column, with what lets a reader skip them.
struct LogChunk: Sendable {
    var minimumTime: Int64
    var maximumTime: Int64
    var count: Int
    var rawBytes: Int
    var severityMask: UInt8
    /// Ascending.
    var streams: [Int]
    /// `LogColumns.encoded()`, each column in a frame.
    var columns: [UInt8]
    /// `TextFrame`.
    var text: [UInt8]
    var signature: [UInt8]
    /// `MinuteCounts`, framed.
    var counts: [UInt8]

    var storedBytes: Int { columns.count + text.count + signature.count + counts.count }
}

/// Cuts a day's head into chunks and encodes them. Pure but for the memory of the compressor.
struct ChunkEncoder {
    /// The text that a chunk aims at; only a longer single record exceeds it by more than one record.
    let targetBytes: Int
    let level: Int

    /// - Parameter rank: a stream's place in the order in which streams are laid down, so that lines that look alike lie together.
    func encode(_ blocks: [LogBlock], rank: [Int: Int]) -> [LogChunk] {
        let compressor = ZstdCompressor(level: level)
        let ordered = blocks.sorted {
            let left = (rank[$0.stream] ?? .max, $0.stream, $0.columns.sequences.first ?? 0)
            let right = (rank[$1.stream] ?? .max, $1.stream, $1.columns.sequences.first ?? 0)
            return left < right
        }
        var chunks: [LogChunk] = []
        var columns = LogColumns()
        var text: [UInt8] = []
        func cut() {
            guard columns.count > 0 else { return }
            chunks.append(seal(columns, text, compressor))
            columns = LogColumns()
            text.removeAll(keepingCapacity: true)
        }
        for block in ordered {
            for row in 0..<block.count {
                let length = block.columns.lengths[row]
                if text.count + length > targetBytes { cut() }
                columns.append(
                    stream: block.stream, time: block.columns.times[row], sequence: block.columns.sequences[row],
                    severity: block.columns.severities[row], length: length)
                text.append(contentsOf: block.text[block.starts[row]..<block.starts[row] + length + 1])
            }
        }
        cut()
        return chunks
    }

    private func seal(_ columns: LogColumns, _ text: [UInt8], _ compressor: ZstdCompressor) -> LogChunk {
        var columnWriter = ByteWriter()
        for column in columns.encoded() { ColumnFrame.append(column, to: &columnWriter, compressor: compressor) }
        var countWriter = ByteWriter()
        ColumnFrame.append(MinuteCounts(columns).bytes, to: &countWriter, compressor: compressor)
        return LogChunk(
            minimumTime: columns.times.min() ?? 0, maximumTime: columns.times.max() ?? 0, count: columns.count, rawBytes: text.count,
            severityMask: columns.severityMask, streams: Set(columns.runs.map(\.stream)).sorted(), columns: columnWriter.bytes,
            text: TextFrame.encode(text, compressor: compressor), signature: GramSignature.build(text), counts: countWriter.bytes)
    }
}

/// How many records of a stream and severity fall in each minute: what a histogram needs, without any text.
struct MinuteCounts: Hashable, Sendable {
    struct Key: Hashable, Sendable {
        var stream: Int
        /// Minutes since 1970, rounded down.
        var minute: Int64
        var severity: UInt8
    }
    var counts: [Key: Int] = [:]

    static let nanoseconds: Int64 = 60_000_000_000

    init(_ columns: LogColumns) {
        var row = 0
        for run in columns.runs {
            for _ in 0..<run.count {
                let key = Key(
                    stream: run.stream, minute: floorDivide(columns.times[row], Self.nanoseconds), severity: columns.severities[row])
                counts[key, default: 0] += 1
                row += 1
            }
        }
    }

    /// For each key in order of stream, minute and severity: the changes of stream and minute, the severity, the count.
    var bytes: [UInt8] {
        var writer = ByteWriter()
        var stream: Int64 = 0
        var minute: Int64 = 0
        let sorted = counts.sorted { ($0.key.stream, $0.key.minute, $0.key.severity) < ($1.key.stream, $1.key.minute, $1.key.severity) }
        for (key, count) in sorted {
            writer.signed(Int64(key.stream) - stream)
            writer.signed(key.minute - minute)
            writer.byte(key.severity)
            writer.count(count)
            stream = Int64(key.stream)
            minute = key.minute
        }
        return writer.bytes
    }

    init(bytes: [UInt8]) throws(CodingError) {
        var reader = ByteReader(bytes)
        var stream: Int64 = 0
        var minute: Int64 = 0
        while !reader.isAtEnd {
            stream &+= try reader.signed()
            minute &+= try reader.signed()
            let severity = try reader.byte()
            guard stream >= 0, stream <= Int64(Int32.max), severity <= 6 else { throw CodingError("a count's key is out of range") }
            counts[Key(stream: Int(stream), minute: minute, severity: severity)] = try reader.count(upTo: LogColumns.maximumRows)
        }
    }
}

/// The quotient rounded towards minus infinity.
func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    let quotient = value / divisor
    return value % divisor < 0 ? quotient - 1 : quotient
}
