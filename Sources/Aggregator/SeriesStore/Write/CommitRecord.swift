import ChunkCodec
import Telemetry

/// One row of the log: all frames of one commit. docs/formats/series.md draws it.
struct LogRecord {
    static let version: UInt8 = 1

    /// A frame as it lies in the record. `full` frames begin a chain; the others continue one.
    struct Frame {
        var source: SourceID
        var time: Int64
        /// The columns, of a full frame.
        var ids: [SeriesID]?
        var values: ByteReader
    }

    private var bytes: [UInt8]
    private let base: Int64

    /// Times are kept relative to `base`.
    init(base: Int64, count: Int) {
        self.base = base
        bytes = [LogRecord.version]
        bytes.appendZigzag(base)
        bytes.appendVarint(count)
    }

    /// Adds a frame. `isFull` if the chain is new.
    mutating func add(source: SourceID, time: Int64, values: [Double], chain: inout FrameChain, isFull: Bool) {
        var frame: [UInt8] = []
        frame.reserveCapacity(16 + values.count * 2)
        frame.appendVarint(UInt64(source))
        frame.appendZigzag(time &- base)
        frame.append(isFull ? 1 : 0)
        if isFull {
            frame.appendVarint(chain.ids.count)
            var previous: Int64 = 0
            for id in chain.ids {
                frame.appendZigzag(Int64(id) - previous)
                previous = Int64(id)
            }
        }
        chain.encode(values, into: &frame)
        bytes.appendSection(frame)
    }

    /// The bytes with their checksum. The record is used up.
    consuming func finish() -> [UInt8] {
        var bytes = bytes
        bytes.appendFixed(CRC32C.checksum(bytes))
        return bytes
    }

    static func read(_ bytes: [UInt8]) throws(ChunkError) -> [Frame] {
        guard bytes.count >= 4 else { throw .truncated(offset: bytes.count) }
        let body = bytes.count - 4
        var reader = ByteReader(bytes)
        var tail = reader
        _ = try tail.take(body)
        let stored = try tail.fixed32()
        let computed = CRC32C.checksum(bytes, in: 0..<body)
        guard stored == computed else { throw .checksum(stored: stored, computed: computed) }
        reader = try reader.take(body)
        let version = try reader.byte()
        guard version <= LogRecord.version else { throw .newerVersion(version) }
        let base = try reader.zigzag()
        var frames: [Frame] = []
        for _ in 0..<(try reader.count(upTo: body)) {
            var frame = try reader.section()
            let source = SourceID(try frame.count(upTo: Int(SourceID.max)))
            let time = base &+ (try frame.zigzag())
            var ids: [SeriesID]?
            if try frame.byte() == 1 {
                var list: [SeriesID] = []
                var id: Int64 = 0
                for _ in 0..<(try frame.count(upTo: frame.remaining)) {
                    id &+= try frame.zigzag()
                    guard let exact = SeriesID(exactly: id) else { throw .malformed("a series of number \(id)") }
                    list.append(exact)
                }
                ids = list
            }
            frames.append(Frame(source: source, time: time, ids: ids, values: frame))
        }
        return frames
    }
}
