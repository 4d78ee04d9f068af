import Telemetry

extension Evaluator {
    /// Series that aggregate to one.
    private struct Group {
        var labels: Labels
        var members: [Int]
    }

    func aggregate(_ aggregation: Aggregation, _ expression: Expression, _ steps: Steps) async throws(QueryError) -> [SeriesColumn] {
        var parameter: [Double] = []
        if let expression = aggregation.parameter, expression.type == .scalar { parameter = try await scalar(expression, steps) }
        let columns = try await vector(aggregation.inner, steps)
        let groups = groups(columns, aggregation)
        switch aggregation.operation {
        case .topk, .bottomk:
            if parameter.contains(where: \.isNaN) { throw .execution("Parameter value is NaN") }
            return topk(columns, groups, parameter, isTop: aggregation.operation == .topk, steps)
        case .limitk: return limited(columns, groups, steps) { step, rank, _ in Double(rank) < parameter[step].rounded(.towardZero) }
        case .limitRatio:
            return limited(columns, groups, steps) { step, _, hash in
                let ratio = parameter[step]
                return ratio >= 0 ? hash < ratio : hash >= 1 + ratio
            }
        case .countValues:
            guard let expression = aggregation.parameter else { return [] }
            return try countValues(columns, groups, label: try string(expression), steps)
        case .quantile:
            if let position = aggregation.parameter?.position, !columns.isEmpty { warnOfQuantile(parameter, at: position) }
        default: break
        }
        var result: [SeriesColumn] = []
        result.reserveCapacity(groups.count)
        for group in groups {
            try await pause(after: group.members.count * steps.count)
            try account(steps.count)
            let values = Evaluator.fold(aggregation.operation, group.members.map { columns[$0] }, parameter, steps.count)
            result.append(SeriesColumn(labels: group.labels, values: values))
        }
        return result
    }

    private func groups(_ columns: [SeriesColumn], _ aggregation: Aggregation) -> [Group] {
        var names = Set(aggregation.labels)
        if aggregation.isWithout { names.insert(Labels.metricName) }
        var index: [Labels: Int] = [:]
        var groups: [Group] = []
        for (number, column) in columns.enumerated() {
            let labels = aggregation.isWithout ? column.labels.dropping(names) : names.isEmpty ? Labels() : column.labels.keeping(names)
            if let known = index[labels] {
                groups[known].members.append(number)
            } else {
                index[labels] = groups.count
                groups.append(Group(labels: labels, members: [number]))
            }
        }
        return groups
    }

    /// One value a step from all members that have one.
    private static func fold(_ operation: Aggregation.Operation, _ members: [SeriesColumn], _ parameter: [Double], _ count: Int) -> [Double] {
        switch operation {
        case .sum: return accumulate(members, count, CompensatedSum(), { $0.add($1) }, \.value)
        case .avg: return accumulate(members, count, CompensatedMean(), { $0.add($1) }, \.value)
        case .stddev: return accumulate(members, count, Deviation(), { $0.add($1) }, \.standardDeviation)
        case .stdvar: return accumulate(members, count, Deviation(), { $0.add($1) }, \.variance)
        case .count: return accumulate(members, count, 0.0, { total, _ in total += 1 }, \.self)
        case .group: return accumulate(members, count, 1.0, { _, _ in }, \.self)
        // NaN gives way to any number.
        case .min: return accumulate(members, count, Double.nan, { if $1 < $0 || $0.isNaN { $0 = $1 } }, \.self)
        case .max: return accumulate(members, count, Double.nan, { if $1 > $0 || $0.isNaN { $0 = $1 } }, \.self)
        case .quantile:
            return (0..<count).map { step in
                let values = members.compactMap { $0.values[step].isAbsent ? nil : $0.values[step] }
                return values.isEmpty ? .absent : Statistic.quantile(parameter[step], values)
            }
        case .topk, .bottomk, .countValues, .limitk, .limitRatio: preconditionFailure("\(operation) does not fold")
        }
    }

    /// Member by member, so that each column is read in one run.
    private static func accumulate<State>(
        _ members: [SeriesColumn], _ count: Int, _ start: State, _ add: (inout State, Double) -> Void, _ result: (State) -> Double
    ) -> [Double] {
        var states = Array(repeating: start, count: count)
        var isPresent = Array(repeating: false, count: count)
        for member in members {
            for step in 0..<count where !member.values[step].isAbsent {
                add(&states[step], member.values[step])
                isPresent[step] = true
            }
        }
        return (0..<count).map { isPresent[$0] ? result(states[$0]) : .absent }
    }

    private func topk(_ columns: [SeriesColumn], _ groups: [Group], _ parameter: [Double], isTop: Bool, _ steps: Steps) -> [SeriesColumn] {
        var kept = columns.map { SeriesColumn(labels: $0.labels, values: Array(repeating: .absent, count: steps.count)) }
        var order: [Int] = []
        for group in groups {
            for step in 0..<steps.count {
                let limit = Int(max(0, min(parameter[step], 1e9)))
                guard limit > 0 else { continue }
                var present = group.members.filter { !columns[$0].values[step].isAbsent }
                if present.count > limit || steps.count == 1 {
                    // NaN is chosen last from either end. Equal values go by labels, so that each step chooses alike.
                    present.sort { left, right in
                        let a = columns[left].values[step], b = columns[right].values[step]
                        if a.isNaN != b.isNaN { return b.isNaN }
                        return a == b || a.isNaN ? columns[left].labels < columns[right].labels : isTop ? a > b : a < b
                    }
                }
                for member in present.prefix(limit) {
                    kept[member].values[step] = columns[member].values[step]
                    if steps.count == 1 { order.append(member) }
                }
            }
        }
        return steps.count == 1 ? order.map { kept[$0] } : kept.filter { !$0.isEmpty }
    }

    /// Keeps those elements of each group that `isKept` accepts by their rank in the group and the hash of their labels in [0, 1).
    private func limited(
        _ columns: [SeriesColumn], _ groups: [Group], _ steps: Steps, _ isKept: (Int, Int, Double) -> Bool
    ) -> [SeriesColumn] {
        var kept: [SeriesColumn] = []
        for group in groups {
            var ranks = Array(repeating: 0, count: steps.count)
            for member in group.members {
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

    private func countValues(_ columns: [SeriesColumn], _ groups: [Group], label: String, _ steps: Steps) throws(QueryError) -> [SeriesColumn] {
        guard Evaluator.isLabelName(label) else { throw .execution("invalid label name \"\(label)\"") }
        var index: [Labels: Int] = [:]
        var result: [SeriesColumn] = []
        for group in groups {
            for member in group.members {
                for step in 0..<steps.count where !columns[member].values[step].isAbsent {
                    var labels = group.labels
                    labels[label] = NumberText.plain(columns[member].values[step])
                    let place: Int
                    if let known = index[labels] {
                        place = known
                    } else {
                        place = result.count
                        index[labels] = place
                        try account(steps.count)
                        result.append(SeriesColumn(labels: labels, values: Array(repeating: .absent, count: steps.count)))
                    }
                    let count = result[place].values[step]
                    result[place].values[step] = count.isAbsent ? 1 : count + 1
                }
            }
        }
        return result
    }
}
