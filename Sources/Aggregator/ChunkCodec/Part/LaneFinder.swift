/// Finds which series share their times, so that a part keeps these once.
///
/// Series with equal times make a lane. One whose times are some of a larger lane's goes into that, with a pattern of
/// presence, unless the pattern would be longer than times of its own.
public struct LaneFinder {
    /// The columns of times, as `Part.encode` wants them.
    public private(set) var lanes: [[Int64]] = []
    public private(set) var columns: [Part.Column] = []

    /// Lanes that a series is compared with for being part of one.
    private static let maxComparisons = 8

    /// `series` ascend by id; the times of each ascend, and none is empty.
    public init(_ series: [(id: UInt64, times: ContiguousArray<Int64>, values: ContiguousArray<Double>)]) {
        // Series with equal times, by first appearance.
        var groups: [(times: ContiguousArray<Int64>, members: [Int])] = []
        var byShape: [TimesKey: [Int]] = [:]
        var last = -1
        for (position, item) in series.enumerated() {
            // Neighbours usually belong to one scrape.
            if last >= 0, groups[last].times == item.times {
                groups[last].members.append(position)
                continue
            }
            let key = TimesKey(item.times)
            if let known = byShape[key]?.first(where: { groups[$0].times == item.times }) {
                groups[known].members.append(position)
                last = known
                continue
            }
            byShape[key, default: []].append(groups.count)
            last = groups.count
            groups.append((item.times, [position]))
        }
        let order = groups.indices.sorted { (groups[$0].times.count, groups[$0].members.count, $1) > (groups[$1].times.count, groups[$1].members.count, $0) }
        var laneOf = [Int](repeating: 0, count: series.count)
        var rowsOf: [[Int]?] = Array(repeating: nil, count: series.count)
        for index in order {
            let group = groups[index]
            var lane = lanes.count
            var rows: [Int]?
            for candidate in lanes.indices.suffix(LaneFinder.maxComparisons).reversed() {
                guard let found = LaneFinder.rows(of: group.times, in: lanes[candidate]) else { continue }
                (lane, rows) = (candidate, found)
                break
            }
            if lane == lanes.count { lanes.append(Array(group.times)) }
            for member in group.members {
                laneOf[member] = lane
                rowsOf[member] = rows
            }
        }
        // Lanes in the order of the columns, so that entries need not name them often.
        var numbers: [Int: Int] = [:]
        for lane in laneOf where numbers[lane] == nil { numbers[lane] = numbers.count }
        let absent = Double(bitPattern: Presence.absentBits)
        for (position, item) in series.enumerated() {
            var values = Array(item.values)
            if let rows = rowsOf[position] {
                values = Array(repeating: absent, count: lanes[laneOf[position]].count)
                for (value, row) in zip(item.values, rows) { values[row] = value }
            }
            columns.append(Part.Column(id: item.id, lane: numbers[laneOf[position]]!, values: values))
        }
        var sorted = lanes
        for (old, new) in numbers { sorted[new] = lanes[old] }
        lanes = Array(sorted[..<numbers.count])
    }

    /// Where each of `times` is in `all`; nil if one is not there, or if they are so scattered that a pattern would not pay.
    private static func rows(of times: ContiguousArray<Int64>, in all: [Int64]) -> [Int]? {
        guard let first = times.first, let last = times.last, times.count <= all.count, first >= all[0], last <= all[all.count - 1] else { return nil }
        let maxRuns = max(8, times.count / 8)
        var rows: [Int] = []
        rows.reserveCapacity(times.count)
        var row = 0
        var runs = 1
        for time in times {
            let start = row
            while row < all.count, all[row] < time { row += 1 }
            guard row < all.count, all[row] == time else { return nil }
            if row != start {
                runs += 1
                guard runs <= maxRuns else { return nil }
            }
            rows.append(row)
            row += 1
        }
        return rows
    }

    private struct TimesKey: Hashable {
        var count: Int
        var first: Int64
        var last: Int64
        var middle: Int64
        init(_ times: ContiguousArray<Int64>) {
            count = times.count
            first = times.first ?? 0
            last = times.last ?? 0
            middle = times.isEmpty ? 0 : times[times.count / 2]
        }
    }
}
