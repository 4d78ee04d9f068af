/// Takes all numbers out of a reading, and notes which are nil.
struct FieldCollector: FieldVisitor {
    static let onlyReads = true
    var values: [UInt64] = []
    /// A bit a field that may be nil, set if it is not.
    var presence: [UInt64] = []
    private var optionals = 0

    mutating func begin() {
        values.removeAll(keepingCapacity: true)
        presence.removeAll(keepingCapacity: true)
        optionals = 0
    }

    mutating func visit(_ field: inout UInt64?) {
        if optionals & 63 == 0 { presence.append(0) }
        if let value = field {
            presence[presence.count - 1] |= 1 << UInt64(optionals & 63)
            values.append(value)
        }
        optionals += 1
    }
    mutating func visit(_ field: inout UInt64) { values.append(field) }
    mutating func visit(_ field: inout Int64) { values.append(UInt64(bitPattern: field)) }
    mutating func visit(percent field: inout Double) { values.append(UInt64((field * 100).rounded())) }
    mutating func visit(exact field: inout Double) { values.append(field.bitPattern) }
}

/// Puts numbers back into a reading of the same shape.
struct FieldWriter: FieldVisitor {
    static let onlyReads = false
    let values: [UInt64]
    private var next = 0

    init(_ values: [UInt64]) { self.values = values }

    private mutating func take() -> UInt64 {
        defer { next += 1 }
        return next < values.count ? values[next] : 0
    }
    mutating func visit(_ field: inout UInt64?) {
        if field != nil { field = take() }
    }
    mutating func visit(_ field: inout UInt64) { field = take() }
    mutating func visit(_ field: inout Int64) { field = Int64(bitPattern: take()) }
    mutating func visit(percent field: inout Double) { field = Double(take()) / 100 }
    mutating func visit(exact field: inout Double) { field = Double(bitPattern: take()) }
}

/// Readings of one shape, one after the other: the first whole, the others as what changed.
///
/// A record is the time since the one before less that between the two before it (zigzag), the number of other fields that
/// changed, and for each of those how many fields lie between it and the last that did, and its difference (zigzag).
/// Numbers are LEB128. A container at rest costs about five bytes a record.
struct ReadingBlock {
    /// The first reading, from which the others have what is no number.
    private let first: Reading
    private(set) var bytes: [UInt8] = []
    private(set) var count = 1
    let firstTime: Int64
    private(set) var lastTime: Int64

    init(_ reading: Reading) {
        first = reading
        firstTime = reading.sample.time
        lastTime = firstTime
    }

    /// About what the block takes in memory: the first reading is some 1.5 KiB with its lists.
    var size: Int { 1_600 + bytes.count }

    func hasShape(of reading: Reading) -> Bool { first.hasShape(of: reading) }

    /// `step` is the time between the two records before this one.
    mutating func append(_ values: [UInt64], after last: [UInt64], step: Int64, time: Int64) {
        ReadingBlock.append(ReadingBlock.zigzag(time &- lastTime &- step), to: &bytes)
        var changed: UInt64 = 0
        for position in 1..<values.count where values[position] != last[position] { changed += 1 }
        ReadingBlock.append(changed, to: &bytes)
        var previous = 0
        for position in 1..<values.count where values[position] != last[position] {
            ReadingBlock.append(UInt64(position - previous - 1), to: &bytes)
            ReadingBlock.append(ReadingBlock.zigzag(Int64(bitPattern: values[position] &- last[position])), to: &bytes)
            previous = position
        }
        count += 1
        lastTime = time
    }

    /// All readings, oldest first.
    func readings() -> [Reading] {
        var collector = FieldCollector()
        var reading = first
        reading.visitFields(&collector)
        var values = collector.values
        var all = [first]
        var offset = 0
        var time = firstTime
        var step: Int64 = 0
        while all.count < count {
            guard let jitter = next(&offset), let changed = next(&offset) else { break }
            step = step &+ ReadingBlock.unzigzag(jitter)
            time = time &+ step
            values[0] = UInt64(bitPattern: time)
            var position = 0
            for _ in 0..<changed {
                guard let gap = next(&offset), let difference = next(&offset) else { break }
                position += Int(gap) + 1
                guard position < values.count else { break }
                values[position] = values[position] &+ UInt64(bitPattern: ReadingBlock.unzigzag(difference))
            }
            var reading = first
            var writer = FieldWriter(values)
            reading.visitFields(&writer)
            all.append(reading)
        }
        return all
    }

    private func next(_ offset: inout Int) -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while offset < bytes.count, shift < 64 {
            let byte = bytes[offset]
            offset += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }

    private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
    private static func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: (value << 1) ^ (value >> 63)) }
    private static func unzigzag(_ value: UInt64) -> Int64 { Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }
}
