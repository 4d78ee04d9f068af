/// One column of doubles without holes. Every form gives back all 64 bits of each value: NaN payloads and -0 too.
enum ValueColumn {
    /// Numbers of the format: never reused.
    enum Codec: UInt8, CaseIterable, Sendable {
        case raw = 0
        case constant = 1
        /// The same values as an earlier column of the part.
        case copy = 2
        /// Values that repeat for a while: the lengths of the runs, then their values as a column.
        case runs = 3
        /// At most 256 different values: these, then a column of their numbers.
        case dictionary = 4
        /// Integers over a power of ten.
        case decimal = 5
        /// Bit patterns as ordered integers: for true doubles.
        case bits = 6
        /// An earlier column times a factor, plus a constant.
        case affine = 7
        /// The sum or difference of two earlier columns, plus a constant.
        case sum = 8
        /// An earlier column plus a column of its own, which is smaller: buckets of one histogram.
        case difference = 9
        /// An earlier column times a factor, plus a column of its own (`FollowColumn`).
        case follow = 10

        /// Whether the payload, a few bytes, lies in the directory.
        var isInline: Bool {
            switch self {
            case .constant, .copy, .affine, .sum: true
            default: false
            }
        }

        /// Whether the directory says which other column it builds on, because the payload is not there.
        var hasReference: Bool { self == .difference || self == .follow }
    }

    /// More rows than this are refused when read: a damaged count must not ask for all memory.
    static let maxRows = 1 << 24

    /// The smallest of the forms of a column alone that suit it, proven by decoding it. `decimal` is what is known of it.
    static func encode(_ values: [Double], decimal: DecimalColumn?, plan: IntegerColumn.Plan?, effort: Part.Effort) -> (codec: Codec, payload: [UInt8]) {
        guard let first = values.first else { return (.raw, []) }
        let pattern = first.bitPattern
        guard values.contains(where: { $0.bitPattern != pattern }) else {
            var payload: [UInt8] = []
            appendScalar(first, to: &payload)
            return (.constant, payload)
        }
        var best: (codec: Codec, payload: [UInt8])?
        func offer(_ codec: Codec, _ payload: [UInt8]?) {
            guard let payload, payload.count < best?.payload.count ?? values.count * 8, isExact(codec, payload, values) else { return }
            best = (codec, payload)
        }
        if let decimal { offer(.decimal, decimal.payload(plan ?? IntegerColumn.plan(decimal.mantissas), values)) }
        // True doubles, or decimals with so many exceptions that they might as well be.
        if decimal == nil || decimal!.exceptions.count > 0 { offer(.bits, encodeBits(values)) }
        if effort == .thorough {
            offer(.runs, encodeRuns(values))
            // Few values that are far apart cost their distance each time in the other forms.
            if best.map({ $0.payload.count * 4 > values.count }) ?? true { offer(.dictionary, encodeDictionary(values)) }
        }
        return best ?? (.raw, encodeRaw(values))
    }

    /// As above, for a column of which nothing is known.
    static func encode(_ values: [Double]) -> (codec: Codec, payload: [UInt8]) {
        encode(values, decimal: DecimalColumn(values), plan: nil, effort: .thorough)
    }

    static func decode(_ codec: Codec, _ reader: inout ByteReader, count: Int) throws(ChunkError) -> [Double] {
        switch codec {
        case .raw:
            guard reader.remaining >= count * 8 else { throw .truncated(offset: reader.offset) }
            var values: [Double] = []
            values.reserveCapacity(count)
            for _ in 0..<count { values.append(Double(bitPattern: try reader.fixed64())) }
            return values
        case .constant: return Array(repeating: try readScalar(&reader), count: count)
        case .runs: return try decodeRuns(&reader, count: count)
        case .dictionary: return try decodeDictionary(&reader, count: count)
        case .decimal: return try DecimalColumn.decode(&reader, count: count)
        case .bits: return try decodeBits(&reader, count: count)
        case .copy, .affine, .sum, .difference, .follow: throw .malformed("a column of other columns where none may be")
        }
    }

    /// Whether decoding gives the same bits: the encoder trusts nobody, itself least.
    private static func isExact(_ codec: Codec, _ payload: [UInt8], _ values: [Double]) -> Bool {
        var reader = ByteReader(payload)
        guard let back = try? decode(codec, &reader, count: values.count), reader.isAtEnd, back.count == values.count else { return false }
        for index in values.indices where back[index].bitPattern != values[index].bitPattern { return false }
        return true
    }

    private static func encodeRaw(_ values: [Double]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count * 8)
        for value in values { bytes.appendFixed(value.bitPattern) }
        return bytes
    }

    // MARK: One value: the exponent and the integer, or exponent 255 and the bits.

    private static func appendScalar(_ value: Double, to bytes: inout [UInt8]) {
        if let exponent = DecimalScale.exponent(of: value), let mantissa = DecimalScale.mantissa(value, exponent: exponent) {
            bytes.append(UInt8(exponent))
            bytes.appendZigzag(mantissa)
        } else {
            bytes.append(255)
            bytes.appendFixed(value.bitPattern)
        }
    }

    static func readScalar(_ reader: inout ByteReader) throws(ChunkError) -> Double {
        let exponent = Int(try reader.byte())
        if exponent == 255 { return Double(bitPattern: try reader.fixed64()) }
        guard exponent <= DecimalScale.largestExponent else { throw .malformed("a value of \(exponent) decimals") }
        return DecimalScale.value(try reader.zigzag(), exponent: exponent)
    }

    // MARK: Runs

    private static func encodeRuns(_ values: [Double]) -> [UInt8]? {
        // Not worth it unless a value stays for four rows on average.
        let limit = values.count / 4
        var heads: [Double] = []
        var lengths: [Int64] = []
        for value in values {
            if let last = heads.last, last.bitPattern == value.bitPattern {
                lengths[lengths.count - 1] += 1
            } else {
                guard heads.count < limit else { return nil }
                heads.append(value)
                lengths.append(1)
            }
        }
        var bytes: [UInt8] = []
        bytes.appendVarint(heads.count)
        bytes.appendSection(IntegerColumn.encode(lengths))
        // Neighbouring heads differ, so this does not come here again for ever.
        let inner = encode(heads)
        bytes.append(inner.codec.rawValue)
        bytes.append(contentsOf: inner.payload)
        return bytes
    }

    private static func decodeRuns(_ reader: inout ByteReader, count: Int) throws(ChunkError) -> [Double] {
        let runCount = try reader.count(upTo: count)
        var section = try reader.section()
        let lengths = try IntegerColumn.decode(&section, count: runCount)
        guard let codec = Codec(rawValue: try reader.byte()), codec != .runs else { throw .malformed("runs inside runs") }
        let heads = try decode(codec, &reader, count: runCount)
        var values: [Double] = []
        values.reserveCapacity(count)
        for index in heads.indices {
            guard lengths[index] > 0, lengths[index] <= Int64(count - values.count) else { throw .malformed("runs longer than their column") }
            for _ in 0..<lengths[index] { values.append(heads[index]) }
        }
        guard values.count == count else { throw .malformed("runs shorter than their column") }
        return values
    }

    // MARK: Dictionary

    private static func encodeDictionary(_ values: [Double]) -> [UInt8]? {
        let limit = min(256, values.count / 4)
        var numbers: [UInt64: Int64] = [:]
        var distinct: [UInt64] = []
        var column: [Int64] = []
        column.reserveCapacity(values.count)
        for value in values {
            if let number = numbers[value.bitPattern] {
                column.append(number)
                continue
            }
            guard distinct.count < limit else { return nil }
            numbers[value.bitPattern] = Int64(distinct.count)
            column.append(Int64(distinct.count))
            distinct.append(value.bitPattern)
        }
        var bytes: [UInt8] = []
        bytes.appendVarint(distinct.count)
        for pattern in distinct { appendScalar(Double(bitPattern: pattern), to: &bytes) }
        bytes.append(contentsOf: IntegerColumn.encode(column))
        return bytes
    }

    private static func decodeDictionary(_ reader: inout ByteReader, count: Int) throws(ChunkError) -> [Double] {
        var distinct: [Double] = []
        for _ in 0..<(try reader.count(upTo: 256)) { distinct.append(try readScalar(&reader)) }
        var values: [Double] = []
        values.reserveCapacity(count)
        for number in try IntegerColumn.decode(&reader, count: count) {
            guard number >= 0, number < Int64(distinct.count) else { throw .malformed("number \(number) in a dictionary of \(distinct.count)") }
            values.append(distinct[Int(number)])
        }
        return values
    }

    // MARK: Bit patterns, turned so that the order of the integers is that of the doubles.

    private static func ordered(_ pattern: UInt64) -> Int64 {
        let bits = Int64(bitPattern: pattern)
        return bits ^ ((bits >> 63) & Int64.max)
    }

    private static func encodeBits(_ values: [Double]) -> [UInt8] { IntegerColumn.encode(values.map { ordered($0.bitPattern) }) }

    private static func decodeBits(_ reader: inout ByteReader, count: Int) throws(ChunkError) -> [Double] {
        try IntegerColumn.decode(&reader, count: count).map { Double(bitPattern: UInt64(bitPattern: $0 ^ (($0 >> 63) & Int64.max))) }
    }
}
