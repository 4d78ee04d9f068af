import Telemetry

/// The newest rows of one source: what its frames said that is in no day file yet, in the order of time.
struct HeadSource: Sendable {
    /// Ascending, each once.
    private(set) var times: [Int64] = []
    private(set) var columns: [HeadColumn] = []
    private var slots: [SeriesID: Int] = [:]
    /// Changes when columns get other places; who remembers places compares it.
    private(set) var layout: Int

    init(layout: Int) { self.layout = layout }

    /// Bytes on the heap, about.
    var bytes: Int { columns.reduce(times.count * 8) { $0 + $1.bytes + 48 } }

    /// The places of the columns of `ids`, made where they are missing.
    mutating func slots(of ids: [SeriesID]) -> [Int] {
        ids.map { id in
            if let slot = slots[id] { return slot }
            slots[id] = columns.count
            columns.append(HeadColumn(id: id))
            return columns.count - 1
        }
    }

    func column(_ id: SeriesID) -> HeadColumn? { slots[id].map { columns[$0] } }

    func contains(time: Int64) -> Bool {
        let row = firstRow(notBefore: time)
        return row < times.count && times[row] == time
    }

    /// The rows whose times are in the span.
    func rows(from: Int64, through: Int64) -> Range<Int> {
        let start = firstRow(notBefore: from)
        let end = through == .max ? times.count : firstRow(notBefore: through + 1)
        return start..<max(start, end)
    }

    private func firstRow(notBefore time: Int64) -> Int {
        if let last = times.last, time > last { return times.count }
        var low = 0
        var high = times.count
        while low < high {
            let middle = (low + high) / 2
            if times[middle] < time { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Adds a row whose time is not there yet.
    mutating func add(time: Int64, slots: [Int], values: [Double]) {
        let row = firstRow(notBefore: time)
        if row == times.count {
            times.append(time)
            for index in slots.indices where !values[index].isAbsent { columns[slots[index]].append(values[index], row: row) }
            return
        }
        // Out of order: rare, so all columns may move.
        times.insert(time, at: row)
        var inserted = [Double](repeating: .absent, count: columns.count)
        for index in slots.indices { inserted[slots[index]] = values[index] }
        for slot in columns.indices { columns[slot].insert(inserted[slot], row: row) }
    }

    /// Removes rows that are in a day file now. Once empty, columns that got nothing are given up.
    mutating func remove(from: Int64, through: Int64, nextLayout: Int) {
        let rows = rows(from: from, through: through)
        let hadUnused = columns.contains { $0.count == 0 }
        times.removeSubrange(rows)
        if !times.isEmpty {
            for slot in columns.indices { columns[slot].remove(rows) }
        } else if hadUnused {
            columns = []
            slots = [:]
            layout = nextLayout
        } else {
            columns = columns.map { HeadColumn(id: $0.id) }
        }
    }
}
