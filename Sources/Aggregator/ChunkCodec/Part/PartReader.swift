/// Reads one part: its directory when made, a column when asked, and of the body only the pages that hold it.
///
/// Not Sendable: one reader belongs to one task. What it decoded for the sake of another column it keeps.
public final class PartReader {
    private struct Entry {
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

    /// One series' samples; times ascend and are often one array for many series.
    public struct Samples {
        public var times: ContiguousArray<Int64>
        /// May hold `Double.stale`.
        public var values: ContiguousArray<Double>
    }

    /// The ids of the columns, ascending.
    public let ids: [UInt64]
    private let lanes: [[Int64]]
    private let patterns: [(lane: Int, presence: Presence)]
    private let entries: [Entry]
    private let content: [UInt8]
    private let pageChecksums: [UInt32]
    private let bodyCount: Int
    /// Whether pages are compared with their checksums; tests of damaged bytes do without.
    private let isChecked: Bool
    private let finish: Finish?
    /// Gives bytes of the body.
    private let fetch: (Range<Int>) throws -> [UInt8]
    private var pages: [Int: [UInt8]] = [:]
    private var decoded: [Int: [Double]] = [:]
    private var references = Set<Int>()
    private var timesOfLane: [Int: ContiguousArray<Int64>] = [:]
    private var timesOfPattern: [Int: ContiguousArray<Int64>] = [:]

    /// Throws if the checksum, the version or the frame of the directory is wrong. `fetch` gives ranges of the body.
    public convenience init(directory: [UInt8], finish: Finish? = nil, fetch: @escaping (Range<Int>) throws -> [UInt8]) throws(ChunkError) {
        guard directory.count >= 6 else { throw .truncated(offset: directory.count) }
        var tail = ByteReader(directory, from: directory.count - 4, to: directory.count)
        let stored = try tail.fixed32()
        let computed = CRC32C.checksum(directory, in: 0..<directory.count - 4)
        guard stored == computed else { throw .checksum(stored: stored, computed: computed) }
        guard directory[0] <= Part.version else { throw .newerVersion(directory[0]) }
        guard directory[0] == Part.version else { throw .malformed("a part of format version \(directory[0]), which is no longer read") }
        var content = Array(directory[2..<directory.count - 4])
        if directory[1] == 1 {
            guard let finish, let bytes = finish.decompress(content, 64 << 20) else { throw .malformed("a compressed directory cannot be unpacked") }
            content = bytes
        }
        try self.init(content: content, finish: finish, fetch: fetch)
    }

    /// A whole part in memory.
    public convenience init(_ part: Part.Encoded, finish: Finish? = nil) throws(ChunkError) {
        let body = part.body
        try self.init(directory: part.directory, finish: finish) { range throws(ChunkError) in
            guard range.upperBound <= body.count else { throw .truncated(offset: body.count) }
            return Array(body[range])
        }
    }

    /// The content without its checksum: also the way in for tests of damaged bytes.
    init(content: [UInt8], finish: Finish?, isChecked: Bool = true, fetch: @escaping (Range<Int>) throws -> [UInt8]) throws(ChunkError) {
        self.content = content
        self.isChecked = isChecked
        self.finish = finish
        self.fetch = fetch
        var reader = ByteReader(content)
        let columnCount = try reader.count(upTo: content.count)
        var lanes: [[Int64]] = []
        for _ in 0..<(try reader.count(upTo: content.count)) {
            let rows = try reader.count(upTo: ValueColumn.maxRows)
            var section = try reader.section()
            lanes.append(try IntegerColumn.decode(&section, count: rows))
        }
        var patterns: [(lane: Int, presence: Presence)] = []
        for _ in 0..<(try reader.count(upTo: columnCount)) {
            let lane = try PartReader.lane(&reader, lanes)
            patterns.append((lane, try Presence(from: &reader, rows: lanes[lane].count)))
        }
        var directory = try reader.section()
        bodyCount = try reader.count(upTo: 1 << 40)
        var checksums: [UInt32] = []
        while checksums.count * Part.pageBytes < bodyCount { checksums.append(try reader.fixed32()) }
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
                currentLane = try PartReader.lane(&directory, lanes)
            }
            guard currentLane < lanes.count else { throw .malformed("a column without times") }
            let reference = tag & 0x0F == ValueColumn.Codec.difference.rawValue ? try directory.count(upTo: ids.count) : 0
            let payload: Range<Int>
            if ValueColumn.Codec(rawValue: tag & 0x0F)?.isInline == true {
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
        for (position, entry) in entries.enumerated() {
            // What others build on is kept once it is decoded.
            for reference in (try? PartReader.references(entry, position, content)) ?? [] { references.insert(reference) }
        }
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

    /// The times at which a column has samples. Columns of one lane share the array.
    public func times(at position: Int) -> ContiguousArray<Int64> {
        let entry = entries[position]
        if let pattern = entry.pattern {
            if let known = timesOfPattern[pattern] { return known }
            let times = patterns[pattern].presence.times(lanes[entry.lane])
            timesOfPattern[pattern] = times
            return times
        }
        if let known = timesOfLane[entry.lane] { return known }
        let times = ContiguousArray(lanes[entry.lane])
        timesOfLane[entry.lane] = times
        return times
    }

    /// Equal for columns with the same times.
    public func timesNumber(at position: Int) -> Int { entries[position].pattern.map { lanes.count + $0 } ?? entries[position].lane }

    /// A column's samples.
    public func samples(at position: Int) throws -> Samples {
        let values = try presentValues(at: position)
        guard let pattern = entries[position].pattern else {
            return Samples(times: times(at: position), values: ContiguousArray(values))
        }
        return Samples(times: times(at: position), values: patterns[pattern].presence.withStale(values))
    }

    /// How many samples a column has, without decoding it.
    public func sampleCount(at position: Int) -> Int {
        let entry = entries[position]
        return entry.pattern.map { patterns[$0].presence.sampleCount } ?? lanes[entry.lane].count
    }

    /// The name of a column's codec and the bytes of its payload, for statistics.
    public func coding(at position: Int) -> (codec: String, bytes: Int) {
        let entry = entries[position]
        let name = ValueColumn.Codec(rawValue: entry.codec).map { "\($0)" } ?? "codec \(entry.codec)"
        return (name, entry.payload.count)
    }

    // MARK: Decoding

    private func presentValues(at position: Int) throws -> [Double] {
        if let known = decoded[position] { return known }
        let entry = entries[position]
        let count = entry.pattern.map { patterns[$0].presence.valueCount } ?? lanes[entry.lane].count
        guard let codec = ValueColumn.Codec(rawValue: entry.codec) else { throw ChunkError.malformed("codec \(entry.codec)") }
        var reader = codec.isInline ? ByteReader(content, from: entry.payload.lowerBound, to: entry.payload.upperBound) : ByteReader(try body(entry.payload))
        if entry.tag & Part.Flag.finished != 0 {
            // No codec needs more than 40 bytes a value and a table.
            guard let finish, let bytes = finish.decompress(reader.rest, count * 40 + 8192) else {
                throw ChunkError.malformed("a compressed column cannot be unpacked")
            }
            reader = ByteReader(bytes)
        }
        let values: [Double]
        switch codec {
        case .copy:
            values = try original(at: try reader.count(upTo: position), position, count)
        case .affine: values = try affine(&reader, position, count)
        case .sum: values = try sum(&reader, position, count)
        case .difference: values = try difference(&reader, position, count)
        default: values = try ValueColumn.decode(codec, &reader, count: count)
        }
        if references.contains(position) { decoded[position] = values }
        return values
    }

    private func original(at distance: Int, _ position: Int, _ count: Int) throws -> [Double] {
        guard distance > 0, distance <= position else { throw ChunkError.malformed("a column that builds on none") }
        let values = try presentValues(at: position - distance)
        guard values.count == count else { throw ChunkError.malformed("a column that builds on one of another length") }
        return values
    }

    private func mantissas(_ distance: Int, _ exponent: Int, _ position: Int, _ count: Int) throws -> [Int64] {
        guard exponent <= DecimalScale.largestExponent else { throw ChunkError.malformed("a column of \(exponent) decimals") }
        guard let mantissas = DecimalScale.mantissas(try original(at: distance, position, count), exponent: exponent) else {
            throw ChunkError.malformed("a column that builds on one of more decimals")
        }
        return mantissas
    }

    private static func exponent(_ reader: inout ByteReader) throws(ChunkError) -> Int {
        let exponent = Int(try reader.byte())
        guard exponent <= DecimalScale.largestExponent else { throw .malformed("a column of \(exponent) decimals") }
        return exponent
    }

    private func affine(_ reader: inout ByteReader, _ position: Int, _ count: Int) throws -> [Double] {
        let distance = try reader.count(upTo: position)
        let otherExponent = try PartReader.exponent(&reader)
        let exponent = try PartReader.exponent(&reader)
        let otherStep = try reader.zigzag()
        let step = try reader.zigzag()
        let base = try reader.zigzag()
        guard otherStep != 0, otherStep != .min else { throw ChunkError.malformed("a step of \(otherStep)") }
        var values = try mantissas(distance, otherExponent, position, count)
        guard let first = values.first else { return [] }
        for row in values.indices { values[row] = (values[row] &- first) / otherStep &* step &+ base }
        return DecimalScale.values(values, exponent: exponent)
    }

    private func sum(_ reader: inout ByteReader, _ position: Int, _ count: Int) throws -> [Double] {
        let exponent = try PartReader.exponent(&reader)
        var total = [Int64](repeating: 0, count: count)
        for _ in 0..<2 {
            let reference = try reader.count(upTo: position << 1 | 1)
            let otherExponent = try PartReader.exponent(&reader)
            guard otherExponent <= exponent else { throw ChunkError.malformed("a sum of columns of more decimals") }
            let factor = DecimalScale.integerPower(exponent - otherExponent) * (reference & 1 == 1 ? -1 : 1)
            let other = try mantissas(reference >> 1, otherExponent, position, count)
            for row in other.indices { total[row] &+= other[row] &* factor }
        }
        let constant = try reader.zigzag()
        for row in total.indices { total[row] &+= constant }
        return DecimalScale.values(total, exponent: exponent)
    }

    private func difference(_ reader: inout ByteReader, _ position: Int, _ count: Int) throws -> [Double] {
        let exponent = try PartReader.exponent(&reader)
        var own = try IntegerColumn.decode(&reader, count: count)
        let other = try mantissas(entries[position].reference, exponent, position, count)
        for row in own.indices { own[row] &+= other[row] }
        return DecimalScale.values(own, exponent: exponent)
    }

    /// Which columns this one builds on; only what can be told without the body.
    private static func references(_ entry: Entry, _ position: Int, _ content: [UInt8]) throws(ChunkError) -> [Int] {
        guard let codec = ValueColumn.Codec(rawValue: entry.codec) else { return [] }
        if codec == .difference { return [position - entry.reference] }
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

    /// A range of the body, whose pages are checked when they are first read.
    private func body(_ range: Range<Int>) throws -> [UInt8] {
        guard !range.isEmpty else { return [] }
        let first = range.lowerBound / Part.pageBytes
        let last = (range.upperBound - 1) / Part.pageBytes
        var missing = first
        while missing <= last {
            guard pages[missing] == nil else {
                missing += 1
                continue
            }
            var end = missing + 1
            while end <= last, pages[end] == nil { end += 1 }
            let bytes = try fetch(missing * Part.pageBytes..<min(bodyCount, end * Part.pageBytes))
            for page in missing..<end {
                let start = (page - missing) * Part.pageBytes
                let stop = min(bytes.count, start + Part.pageBytes)
                guard start < stop, stop - start == min(Part.pageBytes, bodyCount - page * Part.pageBytes) else {
                    throw ChunkError.truncated(offset: bytes.count)
                }
                let computed = CRC32C.checksum(bytes, in: start..<stop)
                guard computed == pageChecksums[page] || !isChecked else { throw ChunkError.checksum(stored: pageChecksums[page], computed: computed) }
                pages[page] = Array(bytes[start..<stop])
            }
            missing = end
        }
        if first == last {
            let start = first * Part.pageBytes
            return Array(pages[first]![range.lowerBound - start..<range.upperBound - start])
        }
        var result: [UInt8] = []
        result.reserveCapacity(range.count)
        for page in first...last {
            let start = page * Part.pageBytes
            let bytes = pages[page]!
            result.append(contentsOf: bytes[max(0, range.lowerBound - start)..<min(bytes.count, range.upperBound - start)])
        }
        return result
    }
}
