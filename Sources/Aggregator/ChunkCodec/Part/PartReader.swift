/// Reads one part: checks it as a whole when made, decodes times at once and a column only when asked.
public struct PartReader {
    private struct Entry {
        var tag: UInt8
        /// The number of its pattern; nil if it has a value in every row.
        var pattern: Int?
        var payload: ByteReader
    }

    /// Ascending.
    public let times: [Int64]
    /// The ids of the columns, ascending.
    public let ids: [UInt64]
    private let patterns: [Presence]
    private let entries: [Entry]
    private let finish: Finish?

    /// Throws if the checksum, the version or the frame of the part is wrong.
    public init(_ bytes: [UInt8], finish: Finish? = nil) throws(ChunkError) {
        guard bytes.count > 5 else { throw .truncated(offset: bytes.count) }
        var tail = ByteReader(bytes, from: bytes.count - 4, to: bytes.count)
        let stored = try tail.fixed32()
        let computed = CRC32C.checksum(bytes, in: 0..<bytes.count - 4)
        guard stored == computed else { throw .checksum(stored: stored, computed: computed) }
        try self.init(checked: ByteReader(bytes, from: 0, to: bytes.count - 4), finish: finish)
    }

    /// The same without the checksum: also the way in for tests of damaged bytes.
    init(checked body: ByteReader, finish: Finish? = nil) throws(ChunkError) {
        var reader = body
        let version = try reader.byte()
        guard version <= Part.version else { throw .newerVersion(version) }
        let rows = try reader.count(upTo: ValueColumn.maxRows)
        let columnCount = try reader.count(upTo: reader.remaining)
        var section = try reader.section()
        times = try IntegerColumn.decode(&section, count: rows)
        var patterns: [Presence] = []
        for _ in 0..<(try reader.count(upTo: columnCount)) { patterns.append(try Presence(from: &reader, rows: rows)) }
        var directory = try reader.section()
        var ids: [UInt64] = []
        var entries: [Entry] = []
        var id: UInt64 = 0
        for _ in 0..<columnCount {
            id &+= try directory.varint()
            guard ids.last ?? 0 < id || ids.isEmpty else { throw .malformed("the columns of a part do not ascend") }
            let tag = try directory.byte()
            var pattern: Int?
            if tag & Part.Flag.hasPresence != 0 {
                pattern = try directory.count(upTo: max(0, patterns.count - 1))
                guard !patterns.isEmpty else { throw .malformed("a column refers to a pattern that is not there") }
            }
            let size = try directory.count(upTo: reader.remaining)
            entries.append(Entry(tag: tag, pattern: pattern, payload: try reader.take(size)))
            ids.append(id)
        }
        self.patterns = patterns
        self.ids = ids
        self.entries = entries
        self.finish = finish
    }

    /// The position of a column by its id.
    public func position(of id: UInt64) -> Int? {
        var low = 0
        var high = ids.count
        while low < high {
            let middle = (low + high) / 2
            if ids[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low < ids.count && ids[low] == id ? low : nil
    }

    /// A value a row; `Double.absent` where the series has none.
    public func values(at position: Int) throws(ChunkError) -> [Double] {
        let values = try presentValues(at: position)
        guard let pattern = entries[position].pattern else { return values }
        return patterns[pattern].join(values, rows: times.count)
    }

    /// How many samples a column has, without decoding it.
    public func sampleCount(at position: Int) -> Int { entries[position].pattern.map { patterns[$0].sampleCount } ?? times.count }

    private func presentValues(at position: Int) throws(ChunkError) -> [Double] {
        let entry = entries[position]
        let count = entry.pattern.map { patterns[$0].valueCount } ?? times.count
        guard let codec = ValueColumn.Codec(rawValue: entry.tag & 0x0F) else { throw .malformed("codec \(entry.tag & 0x0F)") }
        var reader = entry.payload
        if codec == .copy {
            let distance = try reader.count(upTo: position)
            let source = position - distance
            // A copy refers to an original only, so that this cannot go round.
            guard distance > 0, entries[source].tag & 0x0F != ValueColumn.Codec.copy.rawValue else { throw .malformed("a copy of a copy") }
            let values = try presentValues(at: source)
            guard values.count == count else { throw .malformed("a copy of a column of another length") }
            return values
        }
        if entry.tag & Part.Flag.finished != 0 {
            // No codec needs more than 40 bytes a value and a table.
            guard let finish, let bytes = finish.decompress(entry.payload.rest, count * 40 + 8192) else {
                throw .malformed("a compressed column cannot be unpacked")
            }
            reader = ByteReader(bytes)
        }
        return try ValueColumn.decode(codec, &reader, count: count)
    }
}
