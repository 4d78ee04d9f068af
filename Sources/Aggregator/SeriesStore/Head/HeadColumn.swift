import Telemetry

/// The newest values of one series, by the rows of its source. While they are all equal only one is kept:
/// most series of a container do not change between two flushes.
struct HeadColumn: Sendable {
    let id: SeriesID
    /// Rows covered from the first on; later rows of the source hold nothing of this series.
    private(set) var count = 0
    private var constant = 0.0
    /// Empty while all rows hold `constant`.
    private var values: [Double] = []

    init(id: SeriesID) { self.id = id }

    /// Bytes on the heap.
    var bytes: Int { values.count * 8 }

    /// Sets the value of `row`, which is at or after the end; rows between hold nothing.
    mutating func append(_ value: Double, row: Int) {
        while count < row { push(.absent) }
        push(value)
    }

    private mutating func push(_ value: Double) {
        if values.isEmpty {
            if count == 0 { constant = value }
            if value.bitPattern == constant.bitPattern {
                count += 1
                return
            }
            values.reserveCapacity(max(64, count * 2))
            values.append(contentsOf: repeatElement(constant, count: count))
        }
        values.append(value)
        count += 1
    }

    /// Makes place for a row before others. Rows after the end need none.
    mutating func insert(_ value: Double, row: Int) {
        guard row < count else {
            if !value.isAbsent { append(value, row: row) }
            return
        }
        if values.isEmpty { values = Array(repeating: constant, count: count) }
        values.insert(value, at: row)
        count += 1
    }

    mutating func remove(_ rows: Range<Int>) {
        let rows = rows.clamped(to: 0..<count)
        if !values.isEmpty { values.removeSubrange(rows) }
        count -= rows.count
    }

    func value(_ row: Int) -> Double { row >= count ? .absent : values.isEmpty ? constant : values[row] }

    /// The values of `rows`, with `Double.absent` where there is none.
    func slice(_ rows: Range<Int>) -> [Double] {
        let covered = rows.clamped(to: 0..<count)
        var slice: [Double] = []
        slice.reserveCapacity(rows.count)
        if values.isEmpty {
            slice.append(contentsOf: repeatElement(constant, count: covered.count))
        } else {
            slice.append(contentsOf: values[covered])
        }
        slice.append(contentsOf: repeatElement(.absent, count: rows.count - covered.count))
        return slice
    }
}
