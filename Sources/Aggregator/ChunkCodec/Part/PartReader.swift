/// Decodes columns of one part: of the body it reads only the pages that hold what is asked for.
///
/// Not Sendable: one reader belongs to one task. What it decoded for the sake of another column it keeps.
public final class PartReader {
    /// One series' samples; times ascend and are often one array for many series.
    public struct Samples {
        public var times: ContiguousArray<Int64>
        /// May hold `Double.stale`.
        public var values: ContiguousArray<Double>
    }

    public let directory: PartDirectory
    /// Whether pages are compared with their checksums; tests of damaged bytes do without.
    private let isChecked: Bool
    private let finish: Finish?
    /// Gives bytes of the body.
    private let fetch: (Range<Int>) throws -> [UInt8]
    private var pages: [Int: [UInt8]] = [:]
    private var decoded: [Int: [Double]]
    /// Columns that others build on, as their codecs gave them.
    private var references: [Int: DecodedColumn] = [:]
    /// Columns of one value, which many series share: by count and bits.
    private var constants: [Constant: [Double]] = [:]
    private var times: [Int: ContiguousArray<Int64>] = [:]

    /// Most codecs give integers over a power of ten, and those that build on them want these.
    private enum DecodedColumn {
        case values([Double])
        case integers([Int64], Int)
    }

    private struct Constant: Hashable {
        var count: Int
        var bits: UInt64
    }

    /// `fetch` gives ranges of the body. `known` are columns that were decoded before (`PartReader.values(at:)`).
    public init(
        _ directory: PartDirectory, finish: Finish? = nil, known: [Int: [Double]] = [:], isChecked: Bool = true,
        fetch: @escaping (Range<Int>) throws -> [UInt8]
    ) {
        self.directory = directory
        self.finish = finish
        self.isChecked = isChecked
        self.fetch = fetch
        decoded = known
    }

    /// Throws if the checksum, the version or the frame of the directory is wrong.
    public convenience init(directory: [UInt8], finish: Finish? = nil, fetch: @escaping (Range<Int>) throws -> [UInt8]) throws(ChunkError) {
        self.init(try PartDirectory(directory, finish: finish), finish: finish, fetch: fetch)
    }

    /// A whole part in memory.
    public convenience init(_ part: Part.Encoded, finish: Finish? = nil) throws(ChunkError) {
        let body = part.body
        try self.init(directory: part.directory, finish: finish) { range throws(ChunkError) in
            guard range.upperBound <= body.count else { throw .truncated(offset: body.count) }
            return Array(body[range])
        }
    }

    /// The ids of the columns, ascending.
    public var ids: [UInt64] { directory.ids }
    public func position(of id: UInt64) -> Int? { directory.position(of: id) }
    public func sampleCount(at position: Int) -> Int { directory.sampleCount(at: position) }
    public func coding(at position: Int) -> (codec: String, bytes: Int) { directory.coding(at: position) }

    /// The times at which a column has samples. Columns with the same times share the array.
    public func times(at position: Int) -> ContiguousArray<Int64> {
        let number = directory.timesNumber(at: position)
        if let known = times[number] { return known }
        let made = ContiguousArray(directory.times(number: number))
        times[number] = made
        return made
    }

    /// A column's samples.
    public func samples(at position: Int) throws -> Samples {
        Samples(times: times(at: position), values: ContiguousArray(try values(at: position)))
    }

    /// A column's values, one for each of its times; may hold `Double.stale`.
    public func values(at position: Int) throws -> [Double] {
        let values = try presentValues(at: position)
        guard directory.hasStale(at: position), let pattern = directory.entries[position].pattern else { return values }
        return Array(directory.patterns[pattern].presence.withStale(values))
    }

    // MARK: Decoding

    private func presentValues(at position: Int) throws -> [Double] {
        if let known = decoded[position] { return known }
        let column = try column(at: position)
        let values =
            switch column {
            case .values(let values): values
            case .integers(let mantissas, let exponent): DecimalScale.values(mantissas, exponent: exponent)
            }
        if directory.isReference[position] { decoded[position] = values }
        return values
    }

    /// A column as its codec gives it.
    private func column(at position: Int) throws -> DecodedColumn {
        if let known = references[position] { return known }
        let entry = directory.entries[position]
        let count = directory.valueCount(at: position)
        guard let codec = ValueColumn.Codec(rawValue: entry.codec) else { throw ChunkError.malformed("codec \(entry.codec)") }
        var reader =
            codec.isInline ? ByteReader(directory.content, from: entry.payload.lowerBound, to: entry.payload.upperBound) : ByteReader(try body(entry.payload))
        if entry.tag & Part.Flag.finished != 0 {
            // No codec needs more than 40 bytes a value and a table.
            guard let finish, let bytes = finish.decompress(reader.rest, count * 40 + 8192) else {
                throw ChunkError.malformed("a compressed column cannot be unpacked")
            }
            reader = ByteReader(bytes)
        }
        let column: DecodedColumn
        switch codec {
        case .copy:
            column = .values(try original(at: try reader.count(upTo: position), position, count))
        case .affine: column = try affine(&reader, position, count)
        case .sum: column = try sum(&reader, position, count)
        case .difference: column = try difference(&reader, position, count)
        case .follow: column = try follow(&reader, position, count)
        case .constant: column = .values(constant(try ValueColumn.readScalar(&reader), count))
        case .decimal: column = try decimal(&reader, count)
        default: column = .values(try ValueColumn.decode(codec, &reader, count: count))
        }
        if directory.isReference[position] { references[position] = column }
        return column
    }

    private func decimal(_ reader: inout ByteReader, _ count: Int) throws -> DecodedColumn {
        let (exponent, mantissas, exceptions) = try DecimalColumn.decodeMantissas(&reader, count: count)
        if exceptions.isEmpty { return .integers(mantissas, exponent) }
        var values = DecimalScale.values(mantissas, exponent: exponent)
        for exception in exceptions { values[exception.row] = exception.value }
        return .values(values)
    }

    /// One array for all columns of the same value.
    private func constant(_ value: Double, _ count: Int) -> [Double] {
        let key = Constant(count: count, bits: value.bitPattern)
        if let known = constants[key] { return known }
        let values = Array(repeating: value, count: count)
        constants[key] = values
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
        guard distance > 0, distance <= position else { throw ChunkError.malformed("a column that builds on none") }
        // Usually its codec works with integers of this very scale.
        if decoded[position - distance] == nil, case .integers(let mantissas, let own) = try column(at: position - distance), own == exponent {
            guard mantissas.count == count else { throw ChunkError.malformed("a column that builds on one of another length") }
            return mantissas
        }
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

    private func affine(_ reader: inout ByteReader, _ position: Int, _ count: Int) throws -> DecodedColumn {
        let distance = try reader.count(upTo: position)
        let otherExponent = try PartReader.exponent(&reader)
        let exponent = try PartReader.exponent(&reader)
        let otherStep = try reader.zigzag()
        let step = try reader.zigzag()
        let base = try reader.zigzag()
        guard otherStep != 0, otherStep != .min else { throw ChunkError.malformed("a step of \(otherStep)") }
        var values = try mantissas(distance, otherExponent, position, count)
        guard let first = values.first else { return .values([]) }
        if otherStep == 1 {
            for row in values.indices { values[row] = (values[row] &- first) &* step &+ base }
        } else {
            for row in values.indices { values[row] = (values[row] &- first) / otherStep &* step &+ base }
        }
        return .integers(values, exponent)
    }

    private func sum(_ reader: inout ByteReader, _ position: Int, _ count: Int) throws -> DecodedColumn {
        let exponent = try PartReader.exponent(&reader)
        var terms: [(mantissas: [Int64], factor: Int64)] = []
        for _ in 0..<2 {
            let reference = try reader.count(upTo: position << 1 | 1)
            let otherExponent = try PartReader.exponent(&reader)
            guard otherExponent <= exponent else { throw ChunkError.malformed("a sum of columns of more decimals") }
            let factor = DecimalScale.integerPower(exponent - otherExponent) * (reference & 1 == 1 ? -1 : 1)
            terms.append((try mantissas(reference >> 1, otherExponent, position, count), factor))
        }
        let constant = try reader.zigzag()
        let one = terms[0], two = terms[1]
        var total = one.mantissas
        for row in 0..<count { total[row] = total[row] &* one.factor &+ two.mantissas[row] &* two.factor &+ constant }
        return .integers(total, exponent)
    }

    private func difference(_ reader: inout ByteReader, _ position: Int, _ count: Int) throws -> DecodedColumn {
        let exponent = try PartReader.exponent(&reader)
        var own = try IntegerColumn.decode(&reader, count: count)
        let other = try mantissas(directory.entries[position].reference, exponent, position, count)
        for row in own.indices { own[row] &+= other[row] }
        return .integers(own, exponent)
    }

    private func follow(_ reader: inout ByteReader, _ position: Int, _ count: Int) throws -> DecodedColumn {
        guard count > 0 else { return .values([]) }
        let (mantissas, exponent) = try FollowColumn.decode(&reader, count: count) { exponent in
            try self.mantissas(directory.entries[position].reference, exponent, position, count)
        }
        return .integers(mantissas, exponent)
    }

    /// A range of the body, whose pages are checked when they are first read.
    private func body(_ range: Range<Int>) throws -> [UInt8] {
        guard !range.isEmpty else { return [] }
        let pageBytes = directory.pageBytes
        let first = range.lowerBound / pageBytes
        let last = (range.upperBound - 1) / pageBytes
        var missing = first
        while missing <= last {
            guard pages[missing] == nil else {
                missing += 1
                continue
            }
            var end = missing + 1
            while end <= last, pages[end] == nil { end += 1 }
            let bytes = try fetch(missing * pageBytes..<min(directory.bodyCount, end * pageBytes))
            for page in missing..<end {
                let start = (page - missing) * pageBytes
                let stop = min(bytes.count, start + pageBytes)
                guard start < stop, stop - start == min(pageBytes, directory.bodyCount - page * pageBytes) else {
                    throw ChunkError.truncated(offset: bytes.count)
                }
                let computed = CRC32C.checksum(bytes, in: start..<stop)
                guard computed == directory.pageChecksums[page] || !isChecked else {
                    throw ChunkError.checksum(stored: directory.pageChecksums[page], computed: computed)
                }
                pages[page] = Array(bytes[start..<stop])
            }
            missing = end
        }
        if first == last {
            let start = first * pageBytes
            return Array(pages[first]![range.lowerBound - start..<range.upperBound - start])
        }
        var result: [UInt8] = []
        result.reserveCapacity(range.count)
        for page in first...last {
            let start = page * pageBytes
            let bytes = pages[page]!
            result.append(contentsOf: bytes[max(0, range.lowerBound - start)..<min(bytes.count, range.upperBound - start)])
        }
        return result
    }
}
