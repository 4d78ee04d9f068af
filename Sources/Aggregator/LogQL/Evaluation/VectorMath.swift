import Glibc
import Telemetry

/// Aggregations and operators over series.
enum VectorMath {
    // MARK: Aggregation

    static func aggregate(_ aggregation: VectorAggregation, _ series: [LogSeries], _ stepCount: Int) -> [LogSeries] {
        switch aggregation.operation {
        case .topk, .bottomk, .approximateTopk: return choose(aggregation, series, stepCount)
        case .sort, .sortDescending:
            guard stepCount == 1 else { return series }
            let isDescending = aggregation.operation == .sortDescending
            return series.filter { !$0.values[0].isAbsent }.sorted { precedes($0, $1, 0, isDescending) }
        default: break
        }
        var groups: [Labels: [Int]] = [:]
        for (index, one) in series.enumerated() { groups[key(one.labels, aggregation.grouping), default: []].append(index) }
        return groups.map { labels, members in
            var values = Array(repeating: Double.absent, count: stepCount)
            for step in 0..<stepCount {
                var cell = WindowCell()
                for member in members where !series[member].values[step].isAbsent { cell.add(series[member].values[step], at: LogCursor(time: 0, sequence: 0)) }
                guard cell.count > 0 else { continue }
                switch aggregation.operation {
                case .sum: values[step] = cell.sum
                case .avg: values[step] = cell.value(.averageOverTime, seconds: 1)
                case .min: values[step] = cell.minimum
                case .max: values[step] = cell.maximum
                case .stddev: values[step] = cell.value(.deviationOverTime, seconds: 1)
                case .stdvar: values[step] = cell.value(.varianceOverTime, seconds: 1)
                default: values[step] = Double(cell.count)
                }
            }
            return LogSeries(labels, values)
        }
    }

    static func key(_ labels: Labels, _ grouping: LabelGrouping?) -> Labels {
        guard let grouping else { return Labels() }
        return labels.filter { grouping.labels.contains($0.name) != grouping.isWithout }
    }

    /// Larger first if descending; NaN last either way; then by labels, so that the order is one.
    private static func precedes(_ left: LogSeries, _ right: LogSeries, _ step: Int, _ isDescending: Bool) -> Bool {
        let a = left.values[step], b = right.values[step]
        if a.isNaN != b.isNaN { return b.isNaN }
        if a != b, !a.isNaN { return isDescending ? a > b : a < b }
        return left.labels < right.labels
    }

    /// The k largest or smallest of each group, at each step.
    private static func choose(_ aggregation: VectorAggregation, _ series: [LogSeries], _ stepCount: Int) -> [LogSeries] {
        let isDescending = aggregation.operation != .bottomk
        var kept = series.map { LogSeries($0.labels, Array(repeating: .absent, count: stepCount)) }
        var order: [Int] = []
        var groups: [Labels: [Int]] = [:]
        for (index, one) in series.enumerated() { groups[key(one.labels, aggregation.grouping), default: []].append(index) }
        for (_, members) in groups.sorted(by: { $0.key < $1.key }) {
            for step in 0..<stepCount {
                let ranked = members.filter { !series[$0].values[step].isAbsent }.sorted { precedes(series[$0], series[$1], step, isDescending) }
                for index in ranked.prefix(aggregation.parameter ?? 1) {
                    kept[index].values[step] = series[index].values[step]
                    if stepCount == 1 { order.append(index) }
                }
            }
        }
        return stepCount == 1 ? order.map { kept[$0] }.sorted { precedes($0, $1, 0, isDescending) } : kept.filter { !$0.isEmpty }
    }

    // MARK: Operators

    static func combine(_ binary: LogBinary, _ left: MetricEvaluation.Operand, _ right: MetricEvaluation.Operand, _ stepCount: Int) throws(LogQLError)
        -> MetricEvaluation.Operand
    {
        let operation = binary.operation
        switch (left, right) {
        case (.scalar(let a), .scalar(let b)): return .scalar(zip(a, b).map(operation.apply))
        case (.vector(let series), .scalar(let values)):
            return .vector(series.map { combine(binary, $0, values, isVectorLeft: true) }.filter { !$0.isEmpty })
        case (.scalar(let values), .vector(let series)):
            return .vector(series.map { combine(binary, $0, values, isVectorLeft: false) }.filter { !$0.isEmpty })
        case (.vector(let a), .vector(let b)): return .vector(operation.isSet ? sets(binary, a, b, stepCount) : try match(binary, a, b, stepCount))
        }
    }

    private static func combine(_ binary: LogBinary, _ series: LogSeries, _ scalar: [Double], isVectorLeft: Bool) -> LogSeries {
        var result = series
        let isFilter = binary.operation.isComparison && !binary.returnsBool
        for step in result.values.indices where !result.values[step].isAbsent {
            let value = result.values[step]
            let outcome = isVectorLeft ? binary.operation.apply(value, scalar[step]) : binary.operation.apply(scalar[step], value)
            result.values[step] = isFilter ? (outcome == 1 ? value : .absent) : outcome
        }
        return result
    }

    private static func matchKey(_ labels: Labels, _ matching: LogBinary.Matching) -> Labels {
        labels.filter { matching.labels.contains($0.name) == matching.isOn }
    }

    private static func sets(_ binary: LogBinary, _ left: [LogSeries], _ right: [LogSeries], _ stepCount: Int) -> [LogSeries] {
        func presence(_ series: [LogSeries]) -> [Labels: [Bool]] {
            var result: [Labels: [Bool]] = [:]
            for one in series {
                var bits = result.removeValue(forKey: matchKey(one.labels, binary.matching)) ?? Array(repeating: false, count: stepCount)
                for step in 0..<stepCount where !one.values[step].isAbsent { bits[step] = true }
                result[matchKey(one.labels, binary.matching)] = bits
            }
            return result
        }
        func filtered(_ series: [LogSeries], by presence: [Labels: [Bool]], keepsPresent: Bool) -> [LogSeries] {
            series.map { one in
                let bits = presence[matchKey(one.labels, binary.matching)]
                var one = one
                for step in 0..<stepCount where (bits?[step] ?? false) != keepsPresent { one.values[step] = .absent }
                return one
            }.filter { !$0.isEmpty }
        }
        switch binary.operation {
        case .and: return filtered(left, by: presence(right), keepsPresent: true)
        case .unless: return filtered(left, by: presence(right), keepsPresent: false)
        default:
            // A series may come from the left at some steps and from the right at others.
            var result = left
            var index: [Labels: Int] = [:]
            for (number, one) in left.enumerated() { index[one.labels] = number }
            for one in filtered(right, by: presence(left), keepsPresent: false) {
                if let number = index[one.labels] {
                    for step in 0..<stepCount where result[number].values[step].isAbsent { result[number].values[step] = one.values[step] }
                } else {
                    result.append(one)
                }
            }
            return result
        }
    }

    private static func match(_ binary: LogBinary, _ left: [LogSeries], _ right: [LogSeries], _ stepCount: Int) throws(LogQLError) -> [LogSeries] {
        let matching = binary.matching
        let isSwapped = matching.cardinality == .oneToMany
        let many = isSwapped ? right : left, one = isSwapped ? left : right
        var partners: [Labels: [LogSeries]] = [:]
        for series in one { partners[matchKey(series.labels, matching), default: []].append(series) }
        let isFilter = binary.operation.isComparison && !binary.returnsBool
        var result: [LogSeries] = []
        var index: [Labels: Int] = [:]
        // For one to one: at which steps a key has a result already.
        var taken: [Labels: [Bool]] = [:]
        for series in many {
            let key = matchKey(series.labels, matching)
            guard let candidates = partners[key] else { continue }
            for step in 0..<stepCount where !series.values[step].isAbsent {
                let present = candidates.filter { !$0.values[step].isAbsent }
                guard let partner = present.first else { continue }
                guard present.count == 1 else {
                    throw LogQLError(
                        .pipeline,
                        "found duplicate series for the match group \(key) on the \(isSwapped ? "left" : "right") side of \"\(binary.operation.rawValue)\": \(present[0].labels), \(present[1].labels); match by more labels, or aggregate that side"
                    )
                }
                let a = isSwapped ? partner.values[step] : series.values[step], b = isSwapped ? series.values[step] : partner.values[step]
                if matching.cardinality == .oneToOne {
                    if taken[key]?[step] == true {
                        throw LogQLError(.pipeline, "multiple matches for labels \(key): many-to-one matching must be explicit (group_left/group_right)")
                    }
                    taken[key, default: Array(repeating: false, count: stepCount)][step] = true
                }
                let outcome = binary.operation.apply(a, b)
                if isFilter, outcome != 1 { continue }
                var labels = series.labels
                if matching.cardinality == .oneToOne { labels = key }
                for name in matching.include { labels[name] = partner.labels[name] }
                let place = index[labels] ?? result.count
                if place == result.count {
                    index[labels] = place
                    result.append(LogSeries(labels, Array(repeating: .absent, count: stepCount)))
                }
                guard result[place].values[step].isAbsent else {
                    throw LogQLError(.pipeline, "multiple matches for labels \(labels): grouping labels must ensure unique matches")
                }
                result[place].values[step] = isFilter ? a : outcome
            }
        }
        return result
    }
}

extension LogBinary.Operation {
    /// Arithmetic; for comparisons 1 or 0.
    func apply(_ left: Double, _ right: Double) -> Double {
        switch self {
        case .add: left + right
        case .subtract: left - right
        case .multiply: left * right
        case .divide: left / right
        case .modulo: fmod(left, right)
        case .power: pow(left, right)
        case .equal: left == right ? 1 : 0
        case .notEqual: left != right ? 1 : 0
        case .greater: left > right ? 1 : 0
        case .greaterOrEqual: left >= right ? 1 : 0
        case .less: left < right ? 1 : 0
        case .lessOrEqual: left <= right ? 1 : 0
        case .or, .and, .unless: .nan
        }
    }
}
