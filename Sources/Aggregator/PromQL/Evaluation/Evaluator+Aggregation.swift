import Telemetry

/// Which series aggregate to which.
struct Grouping: Sendable {
    /// The labels of each group, in the order in which they were met.
    var labels: [Labels] = []
    /// The group of each series.
    var groupOf: [Int] = []

    init(_ series: some Collection<Labels>, _ aggregation: Aggregation, namesAreDropped: Bool) {
        groupOf.reserveCapacity(series.count)
        if !aggregation.isWithout, aggregation.labels.isEmpty {
            if !series.isEmpty { labels = [Labels()] }
            groupOf = Array(repeating: 0, count: series.count)
            return
        }
        var wanted = aggregation.labels
        if namesAreDropped, !aggregation.isWithout { wanted.removeAll(where: \.isMetadataLabel) }
        if !aggregation.isWithout, wanted.count == 1 {
            group(series, by: wanted[0])
            return
        }
        if aggregation.isWithout {
            group(series, without: Set(wanted).union(namesAreDropped ? [Labels.metricName, "__type__", "__unit__"] : [Labels.metricName]))
        } else {
            group(series, by: wanted)
        }
    }

    /// A group's key is one text of its values, which is quicker to find than a label set.
    private mutating func group(_ series: some Collection<Labels>, by names: [String]) {
        var index: [String: Int] = [:]
        var key = KeyText()
        for one in series {
            key.clear()
            for name in names { key.add(one[name]) }
            groupOf.append(place(key.text, &index) { one.keeping(Set(names)) })
        }
    }

    private mutating func group(_ series: some Collection<Labels>, without names: Set<String>) {
        var index: [String: Int] = [:]
        var key = KeyText()
        for one in series {
            key.clear()
            for label in one.list where !names.contains(label.name) {
                key.add(label.name)
                key.add(label.value)
            }
            groupOf.append(place(key.text, &index) { one.dropping(names) })
        }
    }

    /// The common case without a label set for each series.
    private mutating func group(_ series: some Collection<Labels>, by name: String) {
        var index: [String: Int] = [:]
        for one in series {
            let value = one[name]
            groupOf.append(place(value, &index) { Labels([(name, value)]) })
        }
    }

    private mutating func place<Key: Hashable>(_ key: Key, _ index: inout [Key: Int], _ make: () -> Labels) -> Int {
        if let known = index[key] { return known }
        index[key] = labels.count
        labels.append(make())
        return labels.count - 1
    }

    /// The series of each group.
    var members: [[Int]] {
        var members: [[Int]] = Array(repeating: [], count: labels.count)
        for (series, group) in groupOf.enumerated() { members[group].append(series) }
        return members
    }
}

extension Evaluator {
    func aggregate(_ aggregation: Aggregation, _ expression: Expression, _ steps: Steps) async throws(QueryError) -> [SeriesColumn] {
        var parameter: [Double] = []
        if let expression = aggregation.parameter, expression.type == .scalar { parameter = try await scalar(expression, steps) }
        switch aggregation.operation {
        case .sum: return try await fold(aggregation, CompensatedSum.self, steps)
        case .avg: return try await fold(aggregation, CompensatedMean.self, steps)
        case .min: return try await fold(aggregation, MinimumAccumulator.self, steps)
        case .max: return try await fold(aggregation, MaximumAccumulator.self, steps)
        case .count: return try await fold(aggregation, CountAccumulator.self, steps)
        case .group: return try await fold(aggregation, GroupAccumulator.self, steps)
        case .stddev: return try await fold(aggregation, DeviationAccumulator.self, steps)
        case .stdvar: return try await fold(aggregation, VarianceAccumulator.self, steps)
        case .quantile, .topk, .bottomk, .limitk, .limitRatio, .countValues: break
        }
        let columns = try await vector(aggregation.inner, steps)
        let grouping = Grouping(columns.lazy.map(\.labels), aggregation, namesAreDropped: false)
        try await pause(after: columns.count * steps.count)
        switch aggregation.operation {
        case .topk, .bottomk:
            if parameter.contains(where: \.isNaN) { throw .execution("Parameter value is NaN") }
            return topk(columns, grouping, parameter, isTop: aggregation.operation == .topk, steps)
        case .limitk:
            if parameter.contains(where: \.isNaN) { throw .execution("Parameter value is NaN") }
            return limited(columns, grouping, steps) { step, rank, _ in Double(rank) < parameter[step].rounded(.towardZero) }
        case .limitRatio:
            if parameter.contains(where: \.isNaN) { throw .execution("Ratio value is NaN") }
            if let wrong = parameter.first(where: { $0.magnitude > 1 }), let position = aggregation.parameter?.position {
                warn(
                    "ratio value should be between -1 and 1, got \(NumberText.string(wrong)), capping to \(NumberText.string(wrong < 0 ? -1 : 1))",
                    at: position)
            }
            return limited(columns, grouping, steps) { step, _, hash in
                let ratio = max(-1, min(1, parameter[step]))
                return ratio >= 0 ? hash < ratio : hash >= 1 + ratio
            }
        case .countValues:
            guard let text = aggregation.parameter else { return [] }
            return try countValues(columns, grouping, aggregation, label: try string(text), steps)
        default:
            if let position = aggregation.parameter?.position, !columns.isEmpty { warnOfQuantile(parameter, at: position) }
            return try await quantiles(columns, grouping, parameter, steps)
        }
    }

    /// One state a group and step; each column is read in one run and then forgotten.
    private func fold<A: Accumulator>(_ aggregation: Aggregation, _: A.Type, _ steps: Steps) async throws(QueryError) -> [SeriesColumn] {
        let count = steps.count
        var lazy: LazyVector?
        if let candidate = try await lazyVector(aggregation.inner, steps, ReadContext(aggregation)) {
            if candidate.dropsNames, Evaluator.mayMeetWithoutNames(candidate.labels) {
                lazy = Evaluator.lazy(try await columns(of: candidate), count)
            } else {
                lazy = candidate
            }
        } else {
            lazy = Evaluator.lazy(try await vector(aggregation.inner, steps), count)
        }
        guard let lazy, !lazy.labels.isEmpty else { return [] }
        let grouping = Grouping(lazy.labels, aggregation, namesAreDropped: lazy.dropsNames)
        let groups = grouping.labels.count
        try account(groups * count, series: groups, bytesPerSample: MemoryLayout<A>.stride + 1)
        let groupOf = grouping.groupOf
        if A.isBlind, lazy.alike.reduce(0, { $0 + $1.count }) == groupOf.count {
            // One look at each block does for all its series.
            var states = FoldStates<A>(groups: groups, count: count)
            for range in lazy.alike {
                guard let column = lazy.columns(range.lowerBound..<range.lowerBound + 1).first else { continue }
                var members = Array(repeating: 0, count: groups)
                for series in range { members[groupOf[series]] += 1 }
                for group in members.indices where members[group] > 0 { states.add(column, to: group, times: members[group]) }
                try await pause(after: range.count + groups * count)
            }
            return columns(of: states, grouping)
        }
        let members = grouping.members
        if members.count >= 4 * engine.options.parallelism, members.allSatisfy({ $0.count * 4 <= groupOf.count }) {
            return try await foldByGroup(lazy, A.self, grouping.labels, members, count)
        }
        let partial = try await pieces(groupOf.count, work: lazy.work + groupOf.count * count) { range in
            var states = FoldStates<A>(groups: groups, count: count)
            // Some series at a time, so that their columns stay in the cache.
            for start in stride(from: range.lowerBound, to: range.upperBound, by: 16) {
                if Task.isCancelled { break }
                let part = start..<min(start + 16, range.upperBound)
                for (series, column) in zip(part, lazy.columns(part)) { states.add(column, to: groupOf[series]) }
            }
            return states
        }
        guard var total = partial.first else { return [] }
        for next in partial.dropFirst() { total.merge(next) }
        if Task.isCancelled { throw QueryError(.canceled, "query was canceled in expression evaluation") }
        return columns(of: total, grouping)
    }

    /// Group after group, where there are enough of them for all cores: the states of one stay in the cache, and none have to be joined.
    private func foldByGroup<A: Accumulator>(
        _ lazy: LazyVector, _: A.Type, _ labels: [Labels], _ members: [[Int]], _ count: Int
    ) async throws(QueryError) -> [SeriesColumn] {
        let values = try await shared(members.count, work: lazy.work + lazy.labels.count * count) { groups in
            var states = FoldStates<A>(groups: 1, count: count)
            return groups.map { group in
                states.clear()
                for series in members[group] {
                    if Task.isCancelled { break }
                    for column in lazy.columns(series..<series + 1) { states.add(column, to: 0) }
                }
                return states.values(of: 0)
            }
        }
        if Task.isCancelled { throw QueryError(.canceled, "query was canceled in expression evaluation") }
        return zip(labels, values).compactMap { labels, values in values.isEmptyColumn ? nil : SeriesColumn(labels: labels, values: values) }
    }

    private func columns<A: Accumulator>(of states: FoldStates<A>, _ grouping: Grouping) -> [SeriesColumn] {
        grouping.labels.enumerated().compactMap { group, labels in
            let values = states.values(of: group)
            return values.isEmptyColumn ? nil : SeriesColumn(labels: labels, values: values)
        }
    }

    private static func lazy(_ columns: [SeriesColumn], _ count: Int) -> LazyVector {
        LazyVector(labels: columns.map(\.labels), dropsNames: false, stepCount: count, work: columns.count * count) { range in
            columns[range].map(\.values)
        }
    }

    private func quantiles(_ columns: [SeriesColumn], _ grouping: Grouping, _ parameter: [Double], _ steps: Steps) async throws(QueryError) -> [SeriesColumn] {
        let members = grouping.members
        let values = try await shared(members.count, work: columns.count * steps.count * 8) { groups in
            groups.map { group in
                var present: [Double] = []
                return (0..<steps.count).map { step in
                    present.removeAll(keepingCapacity: true)
                    for member in members[group] where !columns[member].values[step].isAbsent { present.append(columns[member].values[step]) }
                    return present.isEmpty ? Double.absent : Statistic.quantile(parameter[step], present)
                }
            }
        }
        return zip(grouping.labels, values).map { SeriesColumn(labels: $0, values: $1) }
    }
}

/// The states of all groups at all steps.
private struct FoldStates<A: Accumulator>: Sendable {
    private var states: [A]
    private var isPresent: [Bool]
    private let count: Int

    init(groups: Int, count: Int) {
        states = Array(repeating: A(), count: groups * count)
        isPresent = Array(repeating: false, count: groups * count)
        self.count = count
    }

    mutating func clear() {
        for index in states.indices { states[index] = A() }
        for index in isPresent.indices { isPresent[index] = false }
    }

    mutating func add(_ column: [Double], to group: Int) { Self.add(column, from: group * count, &states, &isPresent) }

    private static func add(_ column: [Double], from base: Int, _ states: inout [A], _ isPresent: inout [Bool]) {
        let values = column.span
        var states = states.mutableSpan
        var isPresent = isPresent.mutableSpan
        guard column.hasNaN(in: values.indices) else {
            for step in values.indices {
                states[base + step].add(values[step])
                isPresent[base + step] = true
            }
            return
        }
        for step in values.indices where !values[step].isAbsent {
            states[base + step].add(values[step])
            isPresent[base + step] = true
        }
    }

    /// The same column `times` times, for a blind accumulator.
    mutating func add(_ column: [Double], to group: Int, times: Int) {
        let base = group * count
        for step in 0..<count where !column[step].isAbsent {
            states[base + step].add(count: times)
            isPresent[base + step] = true
        }
    }

    mutating func merge(_ later: FoldStates<A>) {
        for index in states.indices where later.isPresent[index] {
            if isPresent[index] {
                states[index].merge(later.states[index])
            } else {
                states[index] = later.states[index]
                isPresent[index] = true
            }
        }
    }

    func values(of group: Int) -> [Double] {
        (group * count..<(group + 1) * count).map { isPresent[$0] ? states[$0].value : .absent }
    }
}
