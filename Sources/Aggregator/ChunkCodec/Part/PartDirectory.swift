/// What a part's directory says: which series it has, when they have samples, and where their values are. Immutable, so
/// that several readers of the part can share it.
public final class PartDirectory: Sendable {
    struct Entry {
        var tag: UInt8
        var lane: Int
        /// The number of its pattern; nil if it has a value in every row.
        var pattern: Int?
        /// In the directory for inline codecs, else in the body.
        var payload: Range<Int>
        /// How many columns before this one the other of a difference is.
        var reference: Int
        var codec: UInt8 { tag & 0x0F }
    }

    struct Pattern {
        var lane: Int
        var presence: Presence
    }

    /// The ids of the columns, ascending.
    public let ids: [UInt64]
    /// Memory that it holds, about.
    public let byteCount: Int
    let lanes: [[Int64]]
    let patterns: [Pattern]
    let entries: [Entry]
    let content: [UInt8]
    let pageChecksums: [UInt32]
    /// Bytes of the body that each of them is of.
    let pageBytes: Int
    let bodyCount: Int
    /// Whether others build on the column: then it is kept once it is decoded.
    let isReference: [Bool]

    /// Throws if the checksum, the version or the frame of the directory is wrong.
    public convenience init(_ bytes: [UInt8], finish: Finish? = nil) throws(ChunkError) {
        guard bytes.count >= 6 else { throw .truncated(offset: bytes.count) }
        var tail = ByteReader(bytes, from: bytes.count - 4, to: bytes.count)
        let stored = try tail.fixed32()
        let computed = CRC32C.checksum(bytes, in: 0..<bytes.count - 4)
        guard stored == computed else { throw .checksum(stored: stored, computed: computed) }
        guard bytes[0] <= Part.version else { throw .newerVersion(bytes[0]) }
        guard Part.readable.contains(bytes[0]) else { throw .malformed("a part of format version \(bytes[0]), which is no longer read") }
        var content = Array(bytes[2..<bytes.count - 4])
        if bytes[1] == 1 {
            guard let finish, let unpacked = finish.decompress(content, 64 << 20) else { throw .malformed("a compressed directory cannot be unpacked") }
            content = unpacked
        }
        try self.init(content: content, pageBytes: bytes[0] == 2 ? Part.formerPageBytes : Part.pageBytes)
    }

    /// The content without its checksum: also the way in for tests of damaged bytes.
    init(content: [UInt8], pageBytes: Int = Part.pageBytes) throws(ChunkError) {
        self.content = content
        self.pageBytes = pageBytes
        var reader = ByteReader(content)
        let columnCount = try reader.count(upTo: content.count)
        var lanes: [[Int64]] = []
        for _ in 0..<(try reader.count(upTo: content.count)) {
            let rows = try reader.count(upTo: ValueColumn.maxRows)
            var section = try reader.section()
            lanes.append(try IntegerColumn.decode(&section, count: rows))
        }
        var patterns: [Pattern] = []
        for _ in 0..<(try reader.count(upTo: columnCount)) {
            let lane = try PartDirectory.lane(&reader, lanes)
            patterns.append(Pattern(lane: lane, presence: try Presence(from: &reader, rows: lanes[lane].count)))
        }
        var directory = try reader.section()
        bodyCount = try reader.count(upTo: 1 << 40)
        var checksums: [UInt32] = []
        while checksums.count * pageBytes < bodyCount { checksums.append(try reader.fixed32()) }
        pageChecksums = checksums
        var ids: [UInt64] = []
        var entries: [Entry] = []
        var id: UInt64 = 0
        var bodyOffset = 0
        var currentLane = 0
        for _ in 0..<columnCount {
            id &+= try directory.varint()
            guard ids.last ?? 0 < id || ids.isEmpty else { throw .malformed("the columns of a part do not ascend") }
            let tag = try directory.byte()
            var pattern: Int?
            if tag & Part.Flag.hasPattern != 0 {
                pattern = try directory.count(upTo: max(0, patterns.count - 1))
                guard !patterns.isEmpty else { throw .malformed("a column refers to a pattern that is not there") }
                currentLane = patterns[pattern!].lane
            } else if tag & Part.Flag.newLane != 0 {
                currentLane = try PartDirectory.lane(&directory, lanes)
            }
            guard currentLane < lanes.count else { throw .malformed("a column without times") }
            let codec = ValueColumn.Codec(rawValue: tag & 0x0F)
            let reference = codec?.hasReference == true ? try directory.count(upTo: ids.count) : 0
            let payload: Range<Int>
            if codec?.isInline == true {
                let section = try directory.section()
                payload = section.offset..<section.end
            } else {
                let size = try directory.count(upTo: bodyCount - bodyOffset)
                payload = bodyOffset..<bodyOffset + size
                bodyOffset += size
            }
            entries.append(Entry(tag: tag, lane: currentLane, pattern: pattern, payload: payload, reference: reference))
            ids.append(id)
        }
        guard bodyOffset == bodyCount else { throw .malformed("a body of \(bodyCount) bytes of which \(bodyOffset) are used") }
        self.lanes = lanes
        self.patterns = patterns
        self.ids = ids
        self.entries = entries
        var isReference = Array(repeating: false, count: entries.count)
        for (position, entry) in entries.enumerated() {
            for reference in (try? PartDirectory.references(entry, position, content)) ?? [] where reference < position { isReference[reference] = true }
        }
        self.isReference = isReference
        byteCount =
            content.count + entries.count * (MemoryLayout<Entry>.stride + 9) + lanes.reduce(0) { $0 + $1.count * 8 }
            + patterns.reduce(0) { $0 + $1.presence.runs.count * 8 + 16 } + checksums.count * 4
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

    /// How many samples a column has, without decoding it.
    public func sampleCount(at position: Int) -> Int {
        let entry = entries[position]
        return entry.pattern.map { patterns[$0].presence.sampleCount } ?? lanes[entry.lane].count
    }

    /// Whether the column has a staleness marker somewhere.
    public func hasStale(at position: Int) -> Bool { entries[position].pattern.map { patterns[$0].presence.hasStale } ?? false }

    /// Equal for columns with the same times.
    public func timesNumber(at position: Int) -> Int { entries[position].pattern.map { lanes.count + $0 } ?? entries[position].lane }

    /// The times of all columns with that number.
    public func times(number: Int) -> [Int64] {
        number < lanes.count ? lanes[number] : Array(patterns[number - lanes.count].presence.times(lanes[patterns[number - lanes.count].lane]))
    }

    /// The values that stand for a column of which only the markers matter: 1, and `Double.stale`.
    public func marks(at position: Int) -> [Double] {
        guard let pattern = entries[position].pattern else { return Array(repeating: 1, count: lanes[entries[position].lane].count) }
        let presence = patterns[pattern].presence
        return Array(presence.withStale(Array(repeating: 1, count: presence.valueCount)))
    }

    /// The name of a column's codec and the bytes of its payload, for statistics.
    public func coding(at position: Int) -> (codec: String, bytes: Int) {
        let entry = entries[position]
        let name = ValueColumn.Codec(rawValue: entry.codec).map { "\($0)" } ?? "codec \(entry.codec)"
        return (name, entry.payload.count)
    }

    /// How many values a column has, markers left out.
    func valueCount(at position: Int) -> Int {
        let entry = entries[position]
        return entry.pattern.map { patterns[$0].presence.valueCount } ?? lanes[entry.lane].count
    }

    /// Which columns this one builds on; only what can be told without the body.
    private static func references(_ entry: Entry, _ position: Int, _ content: [UInt8]) throws(ChunkError) -> [Int] {
        guard let codec = ValueColumn.Codec(rawValue: entry.codec) else { return [] }
        if codec.hasReference { return [position - entry.reference] }
        guard codec.isInline else { return [] }
        var reader = ByteReader(content, from: entry.payload.lowerBound, to: entry.payload.upperBound)
        switch codec {
        case .copy, .affine: return [position - (try reader.count(upTo: position))]
        case .sum:
            _ = try reader.byte()
            let one = try reader.count(upTo: position << 1 | 1) >> 1
            _ = try reader.byte()
            return [position - one, position - (try reader.count(upTo: position << 1 | 1) >> 1)]
        default: return []
        }
    }

    private static func lane(_ reader: inout ByteReader, _ lanes: [[Int64]]) throws(ChunkError) -> Int {
        guard !lanes.isEmpty else { throw .malformed("a column without times") }
        return try reader.count(upTo: lanes.count - 1)
    }
}
