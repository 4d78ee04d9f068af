import Telemetry

/// The newest values of one series, by the rows of its lane. While they are all equal only one is kept:
/// most series of a container do not change between two flushes.
struct HeadColumn: Sendable {
    let id: SeriesID
    /// Rows covered from `firstRow` on; the lane's other rows hold nothing of this series.
    private(set) var count = 0
    private(set) var firstRow = 0
    private var constant = 0.0
    /// Empty while all rows hold `constant`.
    private var values: [Double] = []

    init(id: SeriesID) { self.id = id }

    /// Bytes on the heap.
    var bytes: Int { values.capacity * 8 }
    /// The row after the last.
    var endRow: Int { firstRow + count }

    /// Sets the value of `row`, which is at or after the end; rows between hold nothing.
    @inline(__always)
    mutating func append(_ value: Double, row: Int) {
        if count == 0 { firstRow = row }
        while endRow < row { push(.absent) }
        push(value)
    }

    @inline(__always)
    private mutating func push(_ value: Double) {
        if values.isEmpty {
            if count == 0 { constant = value }
            if value.bitPattern == constant.bitPattern {
                count += 1
                return
            }
            expand()
        }
        values.append(value)
        count += 1
    }

    private mutating func expand() {
        values.reserveCapacity(max(32, count * 2))
        values.append(contentsOf: repeatElement(constant, count: count))
    }

    /// Changes a row that is covered.
    mutating func set(_ value: Double, row: Int) {
        if values.isEmpty { expand() }
        values[row - firstRow] = value
    }

    func value(_ row: Int) -> Double { row < firstRow || row >= endRow ? .absent : values.isEmpty ? constant : values[row - firstRow] }

    /// Appends what there is in `rows`, with the times.
    func copy(_ rows: Range<Int>, _ times: [Int64], to series: inout HeadSamples) {
        for row in rows.clamped(to: firstRow..<endRow) {
            let value = values.isEmpty ? constant : values[row - firstRow]
            if !value.isAbsent { series.append(times[row], value) }
        }
    }
}

/// Samples of one series on their way out of the head.
struct HeadSamples: Sendable {
    var times = ContiguousArray<Int64>()
    var values = ContiguousArray<Double>()

    mutating func append(_ time: Int64, _ value: Double) {
        times.append(time)
        values.append(value)
    }
}
