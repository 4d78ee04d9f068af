/// Many series over one span of time, sharing one column of times: the unit that the store writes and reads.
///
/// The byte layout is docs/formats/series.md.
public enum Part {
    public static let version: UInt8 = 1

    /// One series of a part: a value a row, `Double.absent` where it has none.
    public struct Column: Sendable {
        public var id: UInt64
        public var values: [Double]
        public init(id: UInt64, values: [Double]) {
            self.id = id
            self.values = values
        }
    }

    /// What a directory entry says: the codec in the low four bits, and these.
    enum Flag {
        static let finished: UInt8 = 0x10
        static let hasPresence: UInt8 = 0x20
    }

    /// Encodes rows at ascending `times`. `columns` ascend by id and each has as many values as there are times.
    public static func encode(times: [Int64], columns: [Column], finish: Finish? = nil) -> [UInt8] {
        var patterns: [Presence: Int] = [:]
        var patternBytes: [UInt8] = []
        var directory: [UInt8] = []
        var payloads: [UInt8] = []
        var seen: [ColumnKey: Int] = [:]
        var previousID: UInt64 = 0

        for (position, column) in columns.enumerated() {
            precondition(column.values.count == times.count, "one value a row")
            precondition(position == 0 || column.id > previousID, "columns ascend by id")
            let (pattern, values) = Presence.split(column.values)
            var encoded: (tag: UInt8, payload: [UInt8])
            if let earlier = seen[ColumnKey(values)] {
                encoded = (ValueColumn.Codec.copy.rawValue, [])
                encoded.payload.appendVarint(position - earlier)
            } else {
                encoded = compressed(values, finish)
                // A constant is as short as a reference to it.
                if encoded.tag != ValueColumn.Codec.constant.rawValue { seen[ColumnKey(values)] = position }
            }
            if pattern != nil { encoded.tag |= Flag.hasPresence }
            directory.appendVarint(column.id - previousID)
            directory.append(encoded.tag)
            if let pattern {
                let number = patterns[pattern] ?? patterns.count
                if number == patterns.count {
                    patterns[pattern] = number
                    pattern.write(to: &patternBytes)
                }
                directory.appendVarint(number)
            }
            directory.appendVarint(encoded.payload.count)
            payloads.append(contentsOf: encoded.payload)
            previousID = column.id
        }

        var bytes: [UInt8] = [version]
        bytes.appendVarint(times.count)
        bytes.appendVarint(columns.count)
        bytes.appendSection(IntegerColumn.encode(times))
        bytes.appendVarint(patterns.count)
        bytes.append(contentsOf: patternBytes)
        bytes.appendSection(directory)
        bytes.append(contentsOf: payloads)
        bytes.appendFixed(CRC32C.checksum(bytes))
        return bytes
    }

    private static func compressed(_ values: [Double], _ finish: Finish?) -> (tag: UInt8, payload: [UInt8]) {
        let (codec, payload) = ValueColumn.encode(values)
        // Short payloads hold nothing for a general compressor, and it has to win clearly to be worth unpacking.
        if let finish, payload.count >= 64 {
            let packed = finish.compress(payload)
            if packed.count * 20 < payload.count * 19, finish.decompress(packed, payload.count) == payload {
                return (codec.rawValue | Flag.finished, packed)
            }
        }
        return (codec.rawValue, payload)
    }
}

/// A column's values by their bits, for finding equal columns.
private struct ColumnKey: Hashable {
    let values: [Double]
    let fingerprint: UInt64

    init(_ values: [Double]) {
        self.values = values
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for value in values { hash = (hash ^ value.bitPattern) &* 0x9E37_79B9_7F4A_7C15 }
        fingerprint = hash
    }

    func hash(into hasher: inout Hasher) { hasher.combine(fingerprint) }

    static func == (left: ColumnKey, right: ColumnKey) -> Bool {
        left.fingerprint == right.fingerprint && left.values.count == right.values.count
            && zip(left.values, right.values).allSatisfy { $0.bitPattern == $1.bitPattern }
    }
}
