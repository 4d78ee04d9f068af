import Telemetry

/// Aggregations that choose among elements or count their values: topk, bottomk, limitk, limit_ratio, count_values.
extension Evaluator {
    func topk(_ columns: [SeriesColumn], _ grouping: Grouping, _ parameter: [Double], isTop: Bool, _ steps: Steps) -> [SeriesColumn] {
        var kept: [[Double]] = Array(repeating: [], count: columns.count)
        var order: [Int] = []
        for members in grouping.members {
            var chosen: [Int] = []
            for step in 0..<steps.count {
                let limit = Int(max(0, min(parameter[step], 1e9)))
                guard limit > 0 else { continue }
                /// Whether the element of one series is chosen before that of another. NaN is chosen last from either end.
                /// Equal values go by labels, so that each step chooses alike.
                func precedes(_ left: Int, _ right: Int) -> Bool {
                    let a = columns[left].values[step], b = columns[right].values[step]
                    if a.isNaN != b.isNaN { return b.isNaN }
                    return a == b || a.isNaN ? columns[left].labels < columns[right].labels : isTop ? a > b : a < b
                }
                chosen.removeAll(keepingCapacity: true)
                if limit >= members.count {
                    chosen.append(contentsOf: members.lazy.filter { !columns[$0].values[step].isAbsent })
                } else {
                    for member in members where !columns[member].values[step].isAbsent {
                        if chosen.count == limit, let worst = chosen.last, !precedes(member, worst) { continue }
                        // `chosen` is in order, and short.
                        var place = chosen.count
                        while place > 0, precedes(member, chosen[place - 1]) { place -= 1 }
                        chosen.insert(member, at: place)
                        if chosen.count > limit { chosen.removeLast() }
                    }
                }
                if steps.count == 1 {
                    chosen.sort(by: precedes)
                    order += chosen
                }
                for member in chosen {
                    if kept[member].isEmpty { kept[member] = Array(repeating: .absent, count: steps.count) }
                    kept[member][step] = columns[member].values[step]
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
                let hash = Evaluator.fraction(column.labels)
                for step in 0..<steps.count where !column.values[step].isAbsent {
                    if !isKept(step, ranks[step], hash) { column.values[step] = .absent }
                    ranks[step] += 1
                }
                if !column.isEmpty { kept.append(column) }
            }
        }
        return kept
    }

    /// A number in [0, 1) that depends on the labels alone, the same on each run (FNV-1a).
    private static func fraction(_ labels: Labels) -> Double {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for label in labels.list {
            for byte in label.name.utf8 + [0xFF] + label.value.utf8 + [0xFF] { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        // The low bits of FNV are better mixed than the high ones.
        hash ^= hash >> 32
        hash = hash &* 0x9E37_79B9_7F4A_7C15
        return Double(hash >> 11) * 0x1p-53
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
