import LogQL
import Telemetry
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
    /// `LogColumns.encodedForChunk()`, each column in a frame.
    var columns: [UInt8]
    var text: TextFrame.Encoded
    /// `FieldFrame`; empty if no row has any.
    var fields: [UInt8]
    var signature: [UInt8]
    /// `MinuteCounts`, framed.
    var counts: [UInt8]
    /// How hard it was compressed.
    var level: Int

    var storedBytes: Int { columns.count + text.storedBytes + fields.count + signature.count + counts.count }
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
        var text = LogText(bytes: [], starts: [], ends: [])
        func cut() {
            guard columns.count > 0 else { return }
            chunks.append(seal(columns, text, compressor))
            columns = LogColumns()
            text = LogText(bytes: [], starts: [], ends: [])
        }
        for block in ordered {
            var row = 0
            while row < block.count {
                // As many rows as fit, which lie side by side; one at least if there is nothing yet.
                let start = block.text.starts[row]
                let room = targetBytes - text.bytes.count
                var stop = columns.count == 0 ? row + 1 : row
                while stop < block.count, block.text.ends[stop] - start <= room { stop += 1 }
                guard stop > row else {
                    cut()
                    continue
                }
                columns.append(block.columns, row..<stop, stream: block.stream)
                let shift = text.bytes.count - start
                text.starts += block.text.starts[row..<stop].lazy.map { $0 + shift }
                text.ends += block.text.ends[row..<stop].lazy.map { $0 + shift }
                text.bytes += block.text.bytes[start...block.text.ends[stop - 1]]
                row = stop
            }
        }
        cut()
        return chunks
    }

    private func seal(_ columns: LogColumns, _ text: LogText, _ compressor: ZstdCompressor) -> LogChunk {
        var columnWriter = ByteWriter()
        for column in columns.encodedForChunk() { ColumnFrame.append(column, to: &columnWriter, compressor: compressor) }
        var countWriter = ByteWriter()
        ColumnFrame.append(MinuteCounts(columns).bytes, to: &countWriter, compressor: compressor)
        return LogChunk(
            minimumTime: columns.times.min() ?? 0, maximumTime: columns.times.max() ?? 0, count: columns.count, rawBytes: text.bytes.count,
            severityMask: columns.severityMask, streams: Set(columns.runs.map(\.stream)).sorted(), columns: columnWriter.bytes,
            text: TextFrame.encode(text, times: columns.times, compressor: compressor, isThorough: level > 3),
            fields: FieldFrame.encode(columns.fields, times: columns.times, compressor: compressor),
            signature: GramSignature.build(text.bytes), counts: countWriter.bytes, level: level)
    }
}
