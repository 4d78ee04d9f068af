import Telemetry

/// Keeping label sets of a vector apart.
extension Evaluator {
    static let duplicateMessage = "vector cannot contain metrics with the same labelset"

    /// Each value changed by itself; names are dropped.
    func mapped(_ columns: [SeriesColumn], _ change: (Double) -> Double) throws(QueryError) -> [SeriesColumn] {
        var result = columns
        for index in result.indices {
            for step in result[index].values.indices where !result[index].values[step].isAbsent {
                result[index].values[step] = change(result[index].values[step])
            }
        }
        return try withoutNames(result)
    }

    /// The unary minus. Unlike functions it looks at whole series, as in Prometheus: two that differ in their names only are an
    /// error even if they have no step in common.
    func negated(_ columns: [SeriesColumn]) throws(QueryError) -> [SeriesColumn] {
        let present = columns.filter { !$0.isEmpty }
        if Evaluator.mayMeetWithoutNames(present.lazy.map(\.labels)), Set(present.map(\.labels.withoutName)).count < present.count {
            throw .execution(Evaluator.duplicateMessage)
        }
        return try mapped(present) { -$0 }
    }

    /// The columns without metric names. Those of one metric cannot meet, so they are not compared.
    func withoutNames(_ columns: [SeriesColumn]) throws(QueryError) -> [SeriesColumn] {
        let mayMeet = Evaluator.mayMeetWithoutNames(columns.lazy.map(\.labels))
        var result = columns
        for index in result.indices { result[index].labels = result[index].labels.withoutName }
        return mayMeet ? try merged(result) : result
    }

    /// Whether label sets that differ can become equal when names and their kin are dropped.
    static func mayMeetWithoutNames(_ labels: some Sequence<Labels>) -> Bool {
        var first: String?
        for one in labels {
            var name = ""
            for label in one.list where label.name.isMetadataLabel {
                guard label.name == Labels.metricName else { return true }
                name = label.value
            }
            if let first, first != name { return true }
            first = name
        }
        return false
    }

    /// Joins columns whose labels became equal; an error if two have a value at one step.
    func merged(_ columns: [SeriesColumn]) throws(QueryError) -> [SeriesColumn] {
        var index: [Labels: Int] = [:]
        index.reserveCapacity(columns.count)
        var result: [SeriesColumn] = []
        result.reserveCapacity(columns.count)
        for column in columns {
            guard let known = index[column.labels] else {
                index[column.labels] = result.count
                result.append(column)
                continue
            }
            for (step, value) in column.values.enumerated() where !value.isAbsent {
                guard result[known].values[step].isAbsent else { throw .execution(Evaluator.duplicateMessage) }
                result[known].values[step] = value
            }
        }
        return result
    }

    /// What leaves the engine, by labels. A last look: equal label sets would lie next to each other.
    func sortedUnique(_ columns: [SeriesColumn]) throws(QueryError) -> [SeriesColumn] {
        let sorted = columns.sorted { $0.labels < $1.labels }
        for (one, next) in zip(sorted, sorted.dropFirst()) where one.labels == next.labels { throw .execution(Evaluator.duplicateMessage) }
        return sorted
    }
}
