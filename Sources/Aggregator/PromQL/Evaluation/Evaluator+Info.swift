import Pattern
import Telemetry

/// `info(v, {conditions})`: labels of info metrics, such as `target_info`, put on the series of the same target.
extension Evaluator {
    /// The labels by which an info series and another belong together.
    private static let identifying = ["instance", "job"]

    private struct InfoSeries {
        var labels: Labels
        var name: String
        /// The newest sample's time at each step, in seconds.
        var times: [Double]
    }

    func info(_ arguments: [Expression], _ steps: Steps) async throws(QueryError) -> [SeriesColumn] {
        let base = try await vector(arguments[0], steps)
        var conditions: [Matcher] = []
        if arguments.count > 1, case .selector(let selector) = arguments[1].inner.node { conditions = selector.matchers }
        var names = conditions.filter { $0.name == Labels.metricName }
        if names.isEmpty { names = [Matcher(Labels.metricName, equals: "target_info")] }
        let data = conditions.filter { $0.name != Labels.metricName }

        var selector = Selector(matchers: names + data)
        if let shift = Evaluator.firstShift(arguments[0]) { selector.shift = shift }
        let found = try await columns(of: selector, steps, ReadContext(function: "info"), wantsTimes: true)
        var infos: [Labels: [InfoSeries]] = [:]
        for column in found {
            infos[Evaluator.identity(column.labels), default: []].append(InfoSeries(labels: column.labels, name: column.labels.name, times: column.values))
        }
        let needsMatch = data.contains { !$0.accepts("") }
        let wanted = Set(data.map(\.name))

        var result: [SeriesColumn] = []
        for column in base {
            try await pause(after: steps.count)
            // Info series themselves stay as they are.
            if names.allSatisfy({ $0.accepts(column.labels.name) }) {
                result.append(column)
                continue
            }
            let partners = infos[Evaluator.identity(column.labels)] ?? []
            result += try enriched(column, partners, wanted, needsMatch: needsMatch)
        }
        return try merged(result)
    }

    private static func identity(_ labels: Labels) -> Labels { labels.filter { identifying.contains($0.name) } }

    /// The shift of the first selector in an expression, which the info series follow.
    private static func firstShift(_ expression: Expression) -> TimeShift? {
        switch expression.node {
        case .number, .string: nil
        case .selector(let selector): selector.shift
        case .range(let range): range.selector.shift
        case .subquery(let subquery): firstShift(subquery.inner)
        case .call(_, let arguments): arguments.lazy.compactMap(firstShift).first
        case .aggregation(let aggregation): firstShift(aggregation.inner)
        case .unary(_, let inner), .parentheses(let inner): firstShift(inner)
        case .binary(let binary): firstShift(binary.left) ?? firstShift(binary.right)
        }
    }

    /// A series with the labels of its info series; several if these change from step to step.
    private func enriched(_ column: SeriesColumn, _ partners: [InfoSeries], _ wanted: Set<String>, needsMatch: Bool) throws(QueryError) -> [SeriesColumn] {
        var columns: [SeriesColumn] = []
        var places: [[Int]: Int] = [:]
        for (step, value) in column.values.enumerated() where !value.isAbsent {
            let chosen = try newest(partners, step)
            if chosen.isEmpty, needsMatch { continue }
            let place: Int
            if let known = places[chosen] {
                place = known
            } else {
                let labels = try joined(column.labels, chosen.map { partners[$0].labels }, wanted)
                place = columns.firstIndex { $0.labels == labels } ?? columns.count
                if place == columns.count {
                    try account(column.values.count, series: 1)
                    columns.append(SeriesColumn(labels: labels, values: Array(repeating: .absent, count: column.values.count)))
                }
                places[chosen] = place
            }
            columns[place].values[step] = value
        }
        return columns
    }

    /// Of each info metric the series whose sample is the newest.
    private func newest(_ partners: [InfoSeries], _ step: Int) throws(QueryError) -> [Int] {
        var best: [String: Int] = [:]
        for (number, partner) in partners.enumerated() where !partner.times[step].isAbsent {
            guard let other = best[partner.name] else {
                best[partner.name] = number
                continue
            }
            if partners[other].times[step] == partner.times[step] {
                throw .execution("found duplicate series for info metric: existing \(partners[other].labels), new \(partner.labels)")
            }
            if partners[other].times[step] < partner.times[step] { best[partner.name] = number }
        }
        return best.values.sorted()
    }

    private func joined(_ base: Labels, _ infos: [Labels], _ wanted: Set<String>) throws(QueryError) -> Labels {
        var added: [String: String] = [:]
        for info in infos {
            for label in info.list where label.name != Labels.metricName && (wanted.isEmpty || wanted.contains(label.name)) {
                if let other = added[label.name], other != label.value { throw .execution("conflicting label: \(label.name)") }
                if base[label.name].isEmpty { added[label.name] = label.value }
            }
        }
        var labels = base
        for (name, value) in added { labels[name] = value }
        return labels
    }
}
