import Telemetry

/// Aggregations that choose among elements or count their values: topk, bottomk, limitk, limit_ratio, count_values.
extension Evaluator {
    func topk(_ columns: [SeriesColumn], _ grouping: Grouping, _ parameter: [Double], isTop: Bool, _ steps: Steps) -> [SeriesColumn] {
        var kept: [[Double]] = Array(repeating: [], count: columns.count)
        var order: [Int] = []
        for members in grouping.members {
            let table = StepTable(columns, members, steps.count)
            // Equal values go by labels, so that each step chooses alike; their order is worked out at the first such pair.
            var labelRanks: [Int] = []
            var chosen: [Int] = []
            for step in 0..<steps.count {
                let limit = Int(max(0, min(parameter[step], 1e9)))
                guard limit > 0 else { continue }
                let row = table.row(step)
                /// Whether one member is chosen before another. NaN is chosen last from either end.
                func precedes(_ left: Int, _ right: Int) -> Bool {
                    let a = row[left], b = row[right]
                    if a.isNaN != b.isNaN { return b.isNaN }
                    guard a == b || a.isNaN else { return isTop ? a > b : a < b }
                    if labelRanks.isEmpty {
                        labelRanks = Array(repeating: 0, count: members.count)
                        let sorted = members.indices.sorted { columns[members[$0]].labels < columns[members[$1]].labels }
                        for (rank, member) in sorted.enumerated() { labelRanks[member] = rank }
                    }
                    return labelRanks[left] < labelRanks[right]
                }
                chosen.removeAll(keepingCapacity: true)
                if limit >= members.count {
                    chosen.append(contentsOf: members.indices.lazy.filter { !row[$0].isAbsent })
                } else {
                    // What the last of those chosen has, once there are enough of them; until then no value is beyond it.
                    var worst = Double.nan
                    for (member, value) in row.enumerated() {
                        if isTop ? value < worst : value > worst { continue }
                        if value.isAbsent { continue }
                        if chosen.count == limit, let last = chosen.last, !precedes(member, last) { continue }
                        // `chosen` is in order, and short.
                        var place = chosen.count
                        while place > 0, precedes(member, chosen[place - 1]) { place -= 1 }
                        chosen.insert(member, at: place)
                        if chosen.count > limit { chosen.removeLast() }
                        if chosen.count == limit, let last = chosen.last { worst = row[last] }
                    }
                }
                if steps.count == 1 {
                    chosen.sort(by: precedes)
                    order += chosen.map { members[$0] }
                }
                for place in chosen {
                    let member = members[place]
                    if kept[member].isEmpty { kept[member] = Array(repeating: .absent, count: steps.count) }
                    kept[member][step] = row[place]
                }
            }
        }
        let indices = steps.count == 1 ? order : columns.indices.filter { !kept[$0].isEmpty }
        return indices.map { SeriesColumn(labels: columns[$0].labels, values: kept[$0]) }
    }

    /// Keeps those elements of each group that `isKept` accepts by their rank in the group and the hash of their labels in [0, 1).
    func limited(
        _ columns: [SeriesColumn], _ grouping: Grouping, _ steps: Steps, _ isKept: (Int, Int, Double) -> Bool
    ) -> [SeriesColumn] {
        var kept: [SeriesColumn] = []
        for members in grouping.members {
            var ranks = Array(repeating: 0, count: steps.count)
            for member in members {
                var column = columns[member]
                let hash = Double(column.labels.prometheusHash) / Double(UInt64.max)
                for step in 0..<steps.count where !column.values[step].isAbsent {
                    if !isKept(step, ranks[step], hash) { column.values[step] = .absent }
                    ranks[step] += 1
                }
                if !column.isEmpty { kept.append(column) }
            }
        }
        return kept
    }

    func countValues(
        _ columns: [SeriesColumn], _ grouping: Grouping, _ aggregation: Aggregation, label: String, _ steps: Steps
    ) throws(QueryError) -> [SeriesColumn] {
        guard Evaluator.isLabelName(label) else { throw .execution("invalid label name \"\(label)\"") }
        struct Key: Hashable {
            var group: Int
            var bits: UInt64
        }
        var index: [Key: Int] = [:]
        var byLabels: [Labels: Int] = [:]
        var result: [SeriesColumn] = []
        for (column, group) in zip(columns, grouping.groupOf) {
            for (step, value) in column.values.enumerated() where !value.isAbsent {
                let key = Key(group: group, bits: value.isNaN ? Double.nan.bitPattern : value.bitPattern)
                let place: Int
                if let known = index[key] {
                    place = known
                } else {
                    // Several groups meet if they differ in this label only.
                    var labels = grouping.labels[group]
                    labels[label] = NumberText.plain(value)
                    if let known = byLabels[labels] {
                        place = known
                    } else {
                        place = result.count
                        byLabels[labels] = place
                        try account(steps.count, series: 1)
                        result.append(SeriesColumn(labels: labels, values: Array(repeating: .absent, count: steps.count)))
                    }
                    index[key] = place
                }
                let count = result[place].values[step]
                result[place].values[step] = count.isAbsent ? 1 : count + 1
            }
        }
        return result
    }
}
