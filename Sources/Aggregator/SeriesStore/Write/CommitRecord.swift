import ChunkCodec
import Telemetry
import Zstd

/// One row of the log: what one commit stored. It needs no row before it. docs/formats/series.md draws it.
struct CommitRecord {
    static let version: UInt8 = 2

    /// Series that are in no catalog yet, with their numbers.
    var series: [(id: SeriesID, labels: Labels)] = []
    /// Samples, column by column.
    var ids: [SeriesID] = []
    var times: [Int64] = []
    var values: [Double] = []

    /// Below this a compressor finds nothing.
    private static let smallestPacked = 256

    func encoded(_ compressor: ZstdCompressor) -> [UInt8] {
        var content: [UInt8] = []
        content.reserveCapacity(64 + ids.count * 8)
        content.appendVarint(series.count)
        for (id, labels) in series {
            content.appendVarint(UInt64(id))
            content.appendVarint(labels.count)
            for label in labels.list {
                content.appendSection(Array(label.name.utf8))
                content.appendSection(Array(label.value.utf8))
            }
        }
        content.appendVarint(ids.count)
        var previousID: Int64 = 0
        for id in ids {
            content.appendZigzag(Int64(id) - previousID)
            previousID = Int64(id)
        }
        var previousTime: Int64 = 0
        for time in times {
            content.appendZigzag(time &- previousTime)
            previousTime = time
        }
        for value in values {
            // Counters and sizes are whole numbers: two to six bytes in place of nine.
            if value.magnitude < 9_007_199_254_740_992, let whole = Int64(exactly: value), whole != 0 || value.sign == .plus {
                content.appendVarint(whole.zigzag << 1)
            } else {
                content.append(1)
                content.appendFixed(value.bitPattern)
            }
        }
        var bytes: [UInt8] = [CommitRecord.version, 0]
        if content.count >= CommitRecord.smallestPacked {
            bytes[1] = 1
            bytes.append(contentsOf: compressor.compress(content))
        } else {
            bytes.append(contentsOf: content)
        }
        bytes.appendFixed(CRC32C.checksum(bytes))
        return bytes
    }

    init() {}

    init(_ bytes: [UInt8], _ decompressor: ZstdDecompressor) throws {
        guard bytes.count >= 6 else { throw ChunkError.truncated(offset: bytes.count) }
        var tail = ByteReader(bytes, in: bytes.count - 4..<bytes.count)
        let stored = try tail.fixed32()
        let computed = CRC32C.checksum(bytes, in: 0..<bytes.count - 4)
        guard stored == computed else { throw ChunkError.checksum(stored: stored, computed: computed) }
        guard bytes[0] == CommitRecord.version else { throw ChunkError.malformed("a record of format version \(bytes[0])") }
        var content = Array(bytes[2..<bytes.count - 4])
        if bytes[1] == 1 { content = try decompressor.decompress(content, limit: 1 << 30) }
        var reader = ByteReader(content)
        for _ in 0..<(try reader.count(upTo: content.count)) {
            let id = SeriesID(try reader.count(upTo: Int(SeriesID.max) - 1))
            var list: [Labels.Label] = []
            for _ in 0..<(try reader.count(upTo: reader.remaining)) {
                let name = String(decoding: try reader.section().rest, as: UTF8.self)
                list.append(Labels.Label(name, String(decoding: try reader.section().rest, as: UTF8.self)))
            }
            series.append((id, Labels(sortedUnchecked: list)))
        }
        let count = try reader.count(upTo: content.count)
        var id: Int64 = 0
        for _ in 0..<count {
            id &+= try reader.zigzag()
            guard let exact = SeriesID(exactly: id) else { throw ChunkError.malformed("a series of number \(id)") }
            ids.append(exact)
        }
        var time: Int64 = 0
        for _ in 0..<count {
            time &+= try reader.zigzag()
            times.append(time)
        }
        for _ in 0..<count {
            let head = try reader.varint()
            values.append(head & 1 == 0 ? Double(Int64(zigzag: head >> 1)) : Double(bitPattern: try reader.fixed64()))
        }
    }
}
