/// Many series over one span of time: the unit that the store writes and reads.
///
/// Series that were read at the same moments share a column of times; a part has one such column or several. It is
/// two pieces of bytes: a directory, which is always read, and a body, of which only the pages with wanted columns
/// are. The byte layout is docs/formats/series.md.
public enum Part {
    public static let version: UInt8 = 3
    /// Versions that are read: 2 has neither codec 10 nor streams of kind 4.
    static let readable: ClosedRange<UInt8> = 2...3
    /// The body is checked by pages of so many bytes.
    public static let pageBytes = 4096
    /// The same of version 2.
    static let formerPageBytes = 8192

    /// How much work goes into finding a small form.
    public enum Effort: Sendable {
        /// For what will soon be merged.
        case fast
        /// Everything that this target knows.
        case thorough
    }

    /// One series of a part.
    public struct Column: Sendable {
        public var id: UInt64
        /// Which of the part's columns of times it has.
        public var lane: Int
        /// A value a time of the lane, `Double.absent` where it has none.
        public var values: [Double]
        public init(id: UInt64, lane: Int = 0, values: [Double]) {
            self.id = id
            self.lane = lane
            self.values = values
        }
    }

    public struct Encoded: Sendable {
        public var directory: [UInt8]
        public var body: [UInt8]
        public var byteCount: Int { directory.count + body.count }
    }

    /// What a directory entry says: the codec in the low four bits, and these.
    enum Flag {
        static let finished: UInt8 = 0x10
        static let hasPattern: UInt8 = 0x20
        static let newLane: UInt8 = 0x40
    }

    /// Encodes columns that ascend by id. The times of each lane ascend, and a column has as many values as its lane has times.
    public static func encode(lanes: [[Int64]], columns: [Column], effort: Effort, finish: Finish? = nil) -> Encoded {
        var patterns: [PatternKey: Int] = [:]
        var patternBytes: [UInt8] = []
        var entries: [UInt8] = []
        var body: [UInt8] = []
        var encoder = ColumnEncoder(effort: effort, finish: finish)
        var previousID: UInt64 = 0
        var currentLane = 0

        for (position, column) in columns.enumerated() {
            precondition(column.values.count == lanes[column.lane].count, "one value a row")
            precondition(position == 0 || column.id > previousID, "columns ascend by id")
            let (pattern, values) = Presence.split(column.values)
            var tag: UInt8 = 0
            var rowsKey = column.lane
            var number = 0
            if let pattern {
                let key = PatternKey(lane: column.lane, pattern: pattern)
                number = patterns[key] ?? patterns.count
                if number == patterns.count {
                    patterns[key] = number
                    patternBytes.appendVarint(column.lane)
                    pattern.write(to: &patternBytes)
                }
                tag |= Flag.hasPattern
                rowsKey = lanes.count + number
            } else if column.lane != currentLane {
                tag |= Flag.newLane
            }
            currentLane = column.lane
            let encoded = encoder.encode(values, position: position, lane: rowsKey)
            tag |= encoded.codec.rawValue | (encoded.isFinished ? Flag.finished : 0)
            entries.appendVarint(column.id - previousID)
            entries.append(tag)
            if pattern != nil { entries.appendVarint(number) } else if tag & Flag.newLane != 0 { entries.appendVarint(column.lane) }
            if encoded.codec.hasReference { entries.appendVarint(encoded.reference) }
            entries.appendVarint(encoded.payload.count)
            if encoded.codec.isInline { entries.append(contentsOf: encoded.payload) } else { body.append(contentsOf: encoded.payload) }
            previousID = column.id
        }

        var content: [UInt8] = []
        content.appendVarint(columns.count)
        content.appendVarint(lanes.count)
        for times in lanes {
            content.appendVarint(times.count)
            content.appendSection(IntegerColumn.encode(times))
        }
        content.appendVarint(patterns.count)
        content.append(contentsOf: patternBytes)
        content.appendSection(entries)
        content.appendVarint(body.count)
        for start in stride(from: 0, to: body.count, by: pageBytes) {
            content.appendFixed(CRC32C.checksum(body, in: start..<min(body.count, start + pageBytes)))
        }
        return Encoded(directory: sealed(content, effort, finish), body: body)
    }

    /// Version, form, content, checksum.
    private static func sealed(_ content: [UInt8], _ effort: Effort, _ finish: Finish?) -> [UInt8] {
        var directory: [UInt8] = [version, 0]
        if effort == .thorough, let finish {
            let packed = finish.compress(content)
            if packed.count + 8 < content.count, finish.decompress(packed, content.count) == content {
                directory[1] = 1
                directory.append(contentsOf: packed)
            }
        }
        if directory[1] == 0 { directory.append(contentsOf: content) }
        directory.appendFixed(CRC32C.checksum(directory))
        return directory
    }

    private struct PatternKey: Hashable {
        var lane: Int
        var pattern: Presence
    }
}
