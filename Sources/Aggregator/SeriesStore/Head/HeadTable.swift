import Telemetry

/// Samples of a few minutes, in memory: what was acknowledged and is in no day file yet.
///
/// Series that are read at the same moments share a lane and so its times. A series whose samples come at other moments
/// than its lane's moves to another. Samples older than their lane's rows wait in a list of their own.
struct HeadTable: Sendable {
    struct Lane: Sendable {
        /// Ascending.
        var times: [Int64] = []
        /// How many columns have something in each row.
        var fills: [Int32] = []
        var columns: [HeadColumn] = []
    }

    /// Samples of one series that came out of order, ascending.
    struct Late: Sendable {
        var times: [Int64] = []
        var values: [Double] = []
    }

    enum Outcome { case written, duplicate, overwritten }

    private struct Place {
        /// One more than the lane; 0 if the series has none.
        var lane: UInt32 = 0
        var slot: UInt32 = 0
    }

    private(set) var lanes: [Lane] = []
    private(set) var late: [SeriesID: Late] = [:]
    private(set) var samples = 0
    private(set) var lateSamples = 0
    private(set) var newest: Int64 = .min
    private(set) var oldest: Int64 = .max
    /// Where each series' samples go, by pages of 1024 series.
    private var places: [[Place]] = []
    /// The places that a series had before, if it moved.
    private var formerPlaces: [SeriesID: [Place]] = [:]
    /// The lane whose newest row has this time.
    private var laneOfTime: [Int64: Int] = [:]

    /// After this many rows a lane that is mostly empty gives up its columns.
    private static let rowsBeforeMoving = 8

    var isEmpty: Bool { samples == 0 }
    /// Bytes on the heap, about.
    private(set) var estimatedBytes = 0

    /// Adds a sample; the lane of the sample before it in its batch is a hint.
    @inline(__always)
    mutating func add(_ id: SeriesID, _ time: Int64, _ value: Double, hint: inout Int) -> Outcome {
        let place = place(of: id)
        if place.lane != 0 {
            let lane = Int(place.lane) - 1
            let last = lanes[lane].times.count - 1
            if lanes[lane].times[last] == time { return set(id, lane, Int(place.slot), row: last, time, value, &hint) }
            if time > lanes[lane].times[last], !isSparse(lane) {
                pushRow(lane, time)
                return set(id, lane, Int(place.slot), row: last + 1, time, value, &hint)
            }
        }
        return addSlowly(id, time, value, place, &hint)
    }

    private mutating func addSlowly(_ id: SeriesID, _ time: Int64, _ value: Double, _ place: Place, _ hint: inout Int) -> Outcome {
        if place.lane != 0, time < lanes[Int(place.lane) - 1].times.last! { return addEarlier(id, time, value, place, &hint) }
        // New here, or in a lane of others' times.
        let former = Int(place.lane) - 1
        var lane = hint
        if lane < 0 || lane >= lanes.count || lanes[lane].times.last != time || lane == former { lane = laneOfTime[time] ?? -1 }
        if lane < 0 || lane == former || lanes[lane].times.last != time {
            lane = lanes.count
            lanes.append(Lane())
            pushRow(lane, time)
            estimatedBytes += 200
        }
        let slot = lanes[lane].columns.count
        lanes[lane].columns.append(HeadColumn(id: id))
        estimatedBytes += MemoryLayout<HeadColumn>.stride + 8
        if former >= 0 { formerPlaces[id, default: []].append(place) }
        setPlace(id, Place(lane: UInt32(lane + 1), slot: UInt32(slot)))
        return set(id, lane, slot, row: lanes[lane].times.count - 1, time, value, &hint)
    }

    /// A sample that is older than its lane's newest row.
    private mutating func addEarlier(_ id: SeriesID, _ time: Int64, _ value: Double, _ place: Place, _ hint: inout Int) -> Outcome {
        for (number, place) in ([place] + (formerPlaces[id] ?? [])).enumerated() {
            let lane = Int(place.lane) - 1
            let row = lanes[lane].times.firstPosition(notBefore: time)
            guard row < lanes[lane].times.count, lanes[lane].times[row] == time else { continue }
            let column = lanes[lane].columns[Int(place.slot)]
            // A column cannot grow at its front, and one that the series left must not grow: such a sample is late.
            if row < column.firstRow || (number > 0 && row >= column.endRow) { continue }
            return set(id, lane, Int(place.slot), row: row, time, value, &hint)
        }
        var list = late[id] ?? Late()
        late[id] = nil
        defer { late[id] = list }
        oldest = min(oldest, time)
        if let last = list.times.last, time <= last {
            let position = list.times.firstPosition(notBefore: time)
            if list.times[position] == time {
                if list.values[position].bitPattern == value.bitPattern { return .duplicate }
                list.values[position] = value
                return .overwritten
            }
            list.times.insert(time, at: position)
            list.values.insert(value, at: position)
        } else {
            list.times.append(time)
            list.values.append(value)
        }
        samples += 1
        lateSamples += 1
        estimatedBytes += 16
        return .written
    }

    @inline(__always)
    private mutating func set(_ id: SeriesID, _ lane: Int, _ slot: Int, row: Int, _ time: Int64, _ value: Double, _ hint: inout Int) -> Outcome {
        hint = lane
        let before = lanes[lane].columns[slot].bytes
        if row >= lanes[lane].columns[slot].endRow {
            lanes[lane].columns[slot].append(value, row: row)
        } else {
            let old = lanes[lane].columns[slot].value(row)
            if !old.isAbsent {
                if old.bitPattern == value.bitPattern { return .duplicate }
                lanes[lane].columns[slot].set(value, row: row)
                estimatedBytes += lanes[lane].columns[slot].bytes - before
                return .overwritten
            }
            lanes[lane].columns[slot].set(value, row: row)
        }
        estimatedBytes += lanes[lane].columns[slot].bytes - before
        lanes[lane].fills[row] += 1
        samples += 1
        return .written
    }

    private mutating func pushRow(_ lane: Int, _ time: Int64) {
        if let last = lanes[lane].times.last, laneOfTime[last] == lane { laneOfTime[last] = nil }
        lanes[lane].times.append(time)
        lanes[lane].fills.append(0)
        laneOfTime[time] = lane
        newest = max(newest, time)
        oldest = min(oldest, time)
        estimatedBytes += 12
    }

    /// Whether the lane's rows hold few of its columns: its series do not belong together.
    private func isSparse(_ lane: Int) -> Bool {
        let rows = lanes[lane].times.count
        guard rows > HeadTable.rowsBeforeMoving, lanes[lane].columns.count > 3 else { return false }
        return Int(lanes[lane].fills[rows - HeadTable.rowsBeforeMoving]) * 4 < lanes[lane].columns.count
    }

    @inline(__always)
    private func place(of id: SeriesID) -> Place {
        let page = Int(id) >> 10
        guard page < places.count, !places[page].isEmpty else { return Place() }
        return places[page][Int(id) & 1023]
    }

    private mutating func setPlace(_ id: SeriesID, _ place: Place) {
        let page = Int(id) >> 10
        while places.count <= page { places.append([]) }
        if places[page].isEmpty {
            places[page] = Array(repeating: Place(), count: 1024)
            estimatedBytes += 8192
        }
        places[page][Int(id) & 1023] = place
    }

    // MARK: Reading

    /// The stored value; nil if there is none.
    func value(of id: SeriesID, at time: Int64) -> Double? {
        guard time <= newest else { return nil }
        let place = place(of: id)
        guard place.lane != 0 else { return nil }
        if let list = late[id] {
            let position = list.times.firstPosition(notBefore: time)
            if position < list.times.count, list.times[position] == time { return list.values[position] }
        }
        for place in [place] + (formerPlaces[id] ?? []) {
            let lane = lanes[Int(place.lane) - 1]
            let row = lane.times.firstPosition(notBefore: time)
            guard row < lane.times.count, lane.times[row] == time else { continue }
            let value = lane.columns[Int(place.slot)].value(row)
            if !value.isAbsent { return value }
        }
        return nil
    }

    /// All samples of a series in the span, ascending.
    func samples(of id: SeriesID, from: Int64, through: Int64) -> HeadSamples {
        var result = HeadSamples()
        let place = place(of: id)
        guard place.lane != 0 else { return result }
        // A series that moved has its older samples in the lanes before; each of these ended before the next began.
        for place in (formerPlaces[id] ?? []) + [place] {
            let lane = lanes[Int(place.lane) - 1]
            let start = lane.times.firstPosition(notBefore: from)
            let end = through == .max ? lane.times.count : lane.times.firstPosition(notBefore: through + 1)
            if start < end { lane.columns[Int(place.slot)].copy(start..<end, lane.times, to: &result) }
        }
        guard let list = late[id] else { return result }
        let start = list.times.firstPosition(notBefore: from)
        let end = through == .max ? list.times.count : list.times.firstPosition(notBefore: through + 1)
        guard start < end else { return result }
        return result.merged(with: list.times[start..<end], list.values[start..<end])
    }

    func contains(_ id: SeriesID) -> Bool { place(of: id).lane != 0 }

    /// The series that have samples, ascending.
    var series: [SeriesID] {
        var result: [SeriesID] = []
        for (page, places) in places.enumerated() {
            for (offset, place) in places.enumerated() where place.lane != 0 { result.append(SeriesID(page << 10 | offset)) }
        }
        return result
    }
}

extension HeadSamples {
    /// Both, by time. No time is in both.
    func merged(with otherTimes: ArraySlice<Int64>, _ otherValues: ArraySlice<Double>) -> HeadSamples {
        var result = HeadSamples()
        result.times.reserveCapacity(times.count + otherTimes.count)
        result.values.reserveCapacity(times.count + otherTimes.count)
        var own = 0
        for (time, value) in zip(otherTimes, otherValues) {
            while own < times.count, times[own] < time {
                result.append(times[own], values[own])
                own += 1
            }
            result.append(time, value)
        }
        while own < times.count {
            result.append(times[own], values[own])
            own += 1
        }
        return result
    }
}

extension RandomAccessCollection where Element == Int64, Index == Int {
    /// The first position whose element is not below `time`, of ascending elements.
    func firstPosition(notBefore time: Int64) -> Int {
        if let last, time > last { return endIndex }
        var low = startIndex
        var high = endIndex
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < time { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
