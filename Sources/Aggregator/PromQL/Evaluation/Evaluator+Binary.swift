import Glibc
import Telemetry

extension Binary.Operation {
    /// Arithmetic; for comparisons 1 or 0.
    func apply(_ left: Double, _ right: Double) -> Double {
        switch self {
        case .add: left + right
        case .subtract: left - right
        case .multiply: left * right
        case .divide: left / right
        case .modulo: fmod(left, right)
        case .power: pow(left, right)
        case .atan2: Glibc.atan2(left, right)
        case .equal: left == right ? 1 : 0
        case .notEqual: left != right ? 1 : 0
        case .less: left < right ? 1 : 0
        case .lessOrEqual: left <= right ? 1 : 0
        case .greater: left > right ? 1 : 0
        case .greaterOrEqual: left >= right ? 1 : 0
        case .and, .or, .unless: .nan
        }
    }
}

extension Evaluator {
    func combine(_ binary: Binary, _ steps: Steps) async throws(QueryError) -> Operand {
        let left = try await evaluate(binary.left, steps)
        let right = try await evaluate(binary.right, steps)
        try account(steps.count)
        switch (left, right) {
        case (.scalar(let a), .scalar(let b)): return .scalar(zip(a, b).map(binary.operation.apply))
        case (.vector(let columns), .scalar(let values)): return .vector(try combine(columns, values, binary, isVectorLeft: true))
        case (.scalar(let values), .vector(let columns)): return .vector(try combine(columns, values, binary, isVectorLeft: false))
        case (.vector(let a), .vector(let b)):
            return .vector(binary.operation.isSet ? try combineSets(a, b, binary, steps) : try await match(a, b, binary, steps))
        default: throw QueryError(.internal, "an operator met a string")
        }
    }

    private func combine(_ columns: [SeriesColumn], _ scalar: [Double], _ binary: Binary, isVectorLeft: Bool) throws(QueryError) -> [SeriesColumn] {
        let operation = binary.operation
        let isFilter = operation.isComparison && !binary.returnsBool
        let result = columns.map { column in
            var column = SeriesColumn(labels: isFilter ? column.labels : column.labels.withoutName, values: column.values)
            for step in scalar.indices where !column.values[step].isAbsent {
                let value = column.values[step]
                let outcome = isVectorLeft ? operation.apply(value, scalar[step]) : operation.apply(scalar[step], value)
                // A filter keeps the vector's own value on whichever side it stands.
                column.values[step] = isFilter ? (outcome == 1 ? value : .absent) : outcome
            }
            return column
        }
        return isFilter ? result.filter { !$0.isEmpty } : try merged(result)
    }

    // MARK: Matching

    private func keys(_ columns: [SeriesColumn], _ matching: Binary.Matching) -> [Labels] {
        let names = Set(matching.labels)
        let dropped = names.union([Labels.metricName])
        return columns.map { matching.isOn ? $0.labels.keeping(names) : $0.labels.dropping(dropped) }
    }

    private func combineSets(_ left: [SeriesColumn], _ right: [SeriesColumn], _ binary: Binary, _ steps: Steps) throws(QueryError) -> [SeriesColumn] {
        /// Where any series of a key has an element.
        func presence(_ columns: [SeriesColumn], _ keys: [Labels]) -> [Labels: [Bool]] {
            var presence: [Labels: [Bool]] = [:]
            for (column, key) in zip(columns, keys) {
                var bits = presence.removeValue(forKey: key) ?? Array(repeating: false, count: steps.count)
                for step in 0..<steps.count where !column.values[step].isAbsent { bits[step] = true }
                presence[key] = bits
            }
            return presence
        }
        func filtered(_ columns: [SeriesColumn], _ keys: [Labels], by presence: [Labels: [Bool]], keepsPresent: Bool) -> [SeriesColumn] {
            zip(columns, keys).compactMap { column, key in
                guard let bits = presence[key] else { return keepsPresent ? nil : column }
                var column = column
                for step in 0..<steps.count where bits[step] != keepsPresent { column.values[step] = .absent }
                return column.isEmpty ? nil : column
            }
        }
        let leftKeys = keys(left, binary.matching), rightKeys = keys(right, binary.matching)
        switch binary.operation {
        case .and: return filtered(left, leftKeys, by: presence(right, rightKeys), keepsPresent: true)
        case .unless: return filtered(left, leftKeys, by: presence(right, rightKeys), keepsPresent: false)
        default: return try merged(left + filtered(right, rightKeys, by: presence(left, leftKeys), keepsPresent: false))
        }
    }

    /// Arithmetic and comparison of two vectors. Series find each other by their keys; which of several with one
    /// key takes part is decided at each step, since only one may have an element there.
    private func match(_ left: [SeriesColumn], _ right: [SeriesColumn], _ binary: Binary, _ steps: Steps) async throws(QueryError) -> [SeriesColumn] {
        let matching = binary.matching
        // With group_right the right side has the many.
        let isSwapped = matching.cardinality == .oneToMany
        let many = isSwapped ? right : left, one = isSwapped ? left : right
        let manyKeys = keys(many, matching), oneKeys = keys(one, matching)
        let oneName = isSwapped ? "left" : "right"

        var members: [Labels: [Int]] = [:]
        for (index, key) in oneKeys.enumerated() { members[key, default: []].append(index) }
        for (key, indices) in members where indices.count > 1 {
            for step in 0..<steps.count {
                let present = indices.filter { !one[$0].values[step].isAbsent }
                guard present.count > 1 else { continue }
                throw .execution(
                    "found duplicate series for the match group \(key) on the \(oneName) hand-side of the operation: "
                        + "[\(one[present[0]].labels), \(one[present[1]].labels)];many-to-many matching not allowed: matching labels must be unique on one side"
                )
            }
        }

        let isFilter = binary.operation.isComparison && !binary.returnsBool
        var index: [Labels: Int] = [:]
        var result: [SeriesColumn] = []
        // For one-to-one: which steps of a key are taken, by any series of the left side.
        var taken: [Labels: [Bool]] = [:]
        for (column, key) in zip(many, manyKeys) {
            guard let partners = members[key] else { continue }
            try await pause(after: steps.count * partners.count)
            var bits = matching.cardinality == .oneToOne ? taken.removeValue(forKey: key) ?? Array(repeating: false, count: steps.count) : []
            for partner in partners {
                let labels = resultLabels(column.labels, one[partner].labels, binary, isFilter: isFilter)
                var place: Int?
                for step in 0..<steps.count {
                    let manyValue = column.values[step], oneValue = one[partner].values[step]
                    if manyValue.isAbsent || oneValue.isAbsent { continue }
                    let leftValue = isSwapped ? oneValue : manyValue, rightValue = isSwapped ? manyValue : oneValue
                    let outcome = binary.operation.apply(leftValue, rightValue)
                    if isFilter, outcome == 0 { continue }
                    if matching.cardinality == .oneToOne {
                        if bits[step] { throw .execution("multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)") }
                        bits[step] = true
                    }
                    let target: Int
                    if let known = place ?? index[labels] {
                        target = known
                    } else {
                        target = result.count
                        index[labels] = target
                        try account(steps.count)
                        result.append(SeriesColumn(labels: labels, values: Array(repeating: .absent, count: steps.count)))
                    }
                    place = target
                    guard result[target].values[step].isAbsent else {
                        throw .execution("multiple matches for labels: grouping labels must ensure unique matches")
                    }
                    result[target].values[step] = isFilter ? leftValue : outcome
                }
            }
            if matching.cardinality == .oneToOne { taken[key] = bits }
        }
        return result
    }

    private func resultLabels(_ many: Labels, _ one: Labels, _ binary: Binary, isFilter: Bool) -> Labels {
        let matching = binary.matching
        var labels = isFilter ? many : many.withoutName
        if matching.cardinality == .oneToOne {
            labels = matching.isOn ? labels.keeping(Set(matching.labels)) : labels.dropping(Set(matching.labels))
        }
        for name in matching.include { labels[name] = one[name] }
        return labels
    }
}
