import ChunkCodec
import Telemetry

/// 1024 series with neighbouring numbers: the unit in which the catalog is kept in memory and on disk.
struct SeriesChunk: Sendable {
    static let size = 1024

    /// The labels of all, each a list of symbol numbers (name, value, name, ...) as varints.
    private(set) var labels: [UInt8] = []
    /// Where each series' labels end.
    private(set) var ends: [UInt32] = []
    /// The hours since 1970 between which each has samples; `firstHours` is above `lastHours` for one that is gone.
    private(set) var firstHours: [Int32] = []
    private(set) var lastHours: [Int32] = []
    private(set) var alive = 0

    var count: Int { ends.count }

    func isAlive(_ offset: Int) -> Bool { firstHours[offset] <= lastHours[offset] }

    func labelRange(_ offset: Int) -> Range<Int> { (offset == 0 ? 0 : Int(ends[offset - 1]))..<Int(ends[offset]) }

    mutating func append(_ key: [UInt8], firstHour: Int32, lastHour: Int32) {
        labels.append(contentsOf: key)
        ends.append(UInt32(labels.count))
        firstHours.append(firstHour)
        lastHours.append(lastHour)
        if firstHour <= lastHour { alive += 1 }
    }

    mutating func widen(_ offset: Int, _ hour: Int32) {
        firstHours[offset] = min(firstHours[offset], hour)
        lastHours[offset] = max(lastHours[offset], hour)
    }

    mutating func kill(_ offset: Int) {
        guard isAlive(offset) else { return }
        (firstHours[offset], lastHours[offset]) = (1, 0)
        alive -= 1
    }

    /// Calls `body` with the numbers of each label's name and value in a list as `labels` has them.
    @inline(__always)
    static func forEachLabel(_ list: [UInt8], in range: Range<Int>, _ body: (_ name: UInt32, _ value: UInt32) -> Void) {
        var place = range.lowerBound
        // Only this program writes these lists, and what a file says was checked when it was read: a wrong one is a bug, and traps.
        func next() -> UInt32 {
            var number: UInt32 = 0
            var shift: UInt32 = 0
            while true {
                let byte = list[place]
                place += 1
                number |= UInt32(byte & 0x7F) << shift
                if byte < 0x80 { return number }
                shift += 7
            }
        }
        while place < range.upperBound {
            let name = next()
            body(name, next())
        }
    }

    // MARK: On disk: docs/formats/series.md, "catalog.db".

    /// Each series' symbols as the difference from those of the series before at the same place: nearly all 0.
    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendVarint(count)
        var previous: [Int64] = []
        for offset in 0..<count {
            var symbols: [Int64] = []
            SeriesChunk.forEachLabel(labels, in: labelRange(offset)) { symbols += [Int64($0), Int64($1)] }
            bytes.appendVarint(symbols.count)
            for (place, symbol) in symbols.enumerated() { bytes.appendZigzag(symbol - (place < previous.count ? previous[place] : 0)) }
            previous = symbols
        }
        for hours in [firstHours, lastHours] {
            var last: Int64 = 0
            for hour in hours {
                bytes.appendZigzag(Int64(hour) - last)
                last = Int64(hour)
            }
        }
        return bytes
    }

    init() {}

    init(encoded bytes: [UInt8], symbols symbolCount: Int) throws(ChunkError) {
        var reader = ByteReader(bytes)
        let count = try reader.count(upTo: SeriesChunk.size)
        var previous: [Int64] = []
        var keys: [[UInt8]] = []
        for _ in 0..<count {
            let places = try reader.count(upTo: reader.remaining)
            guard places % 2 == 0 else { throw .malformed("a label without a value") }
            var symbols: [Int64] = []
            var key: [UInt8] = []
            for place in 0..<places {
                let symbol = (place < previous.count ? previous[place] : 0) &+ (try reader.zigzag())
                guard symbol >= 0, symbol < symbolCount else { throw .malformed("a label refers to a text that is not there") }
                symbols.append(symbol)
                key.appendVarint(UInt64(symbol))
            }
            previous = symbols
            keys.append(key)
        }
        var hours: [[Int32]] = []
        for _ in 0..<2 {
            var last: Int64 = 0
            var list: [Int32] = []
            for _ in 0..<count {
                last &+= try reader.zigzag()
                guard let hour = Int32(exactly: last) else { throw .malformed("hour \(last)") }
                list.append(hour)
            }
            hours.append(list)
        }
        for offset in 0..<count { append(keys[offset], firstHour: hours[0][offset], lastHour: hours[1][offset]) }
    }
}
