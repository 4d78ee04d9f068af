import Telemetry

/// Functions of classic histograms: series that differ only in `le`.
extension Evaluator {
    /// A histogram's buckets by upper bound; bounds are unique, counts cumulative.
    struct Buckets {
        var bounds: [Double]
        var counts: [Double]

        init() {
            bounds = []
            counts = []
        }

        var isEmpty: Bool { bounds.isEmpty }

        /// Takes the buckets of one step, whose bounds ascend; sums equal bounds, as those of several instances are.
        mutating func fill(_ all: [Double], _ row: [Double]) {
            bounds.removeAll(keepingCapacity: true)
            counts.removeAll(keepingCapacity: true)
            for (bound, count) in zip(all, row) where !count.isAbsent {
                if bounds.last == bound {
                    counts[counts.count - 1] += count
                } else {
                    bounds.append(bound)
                    counts.append(count)
                }
            }
        }

        /// Counts must not fall from bound to bound. Scrapes and rounding can make them: tiny falls are levelled
        /// silently, true ones too, but then the answer is true.
        mutating func makeMonotonic() -> Bool {
            var wasForced = false
            guard var previous = counts.first else { return false }
            for index in counts.indices.dropFirst() {
                let current = counts[index]
                if current == previous { continue }
                let scale = Swift.max(current.magnitude, previous.magnitude)
                if (current - previous).magnitude <= 1e-12 * scale {
                    counts[index] = previous
                } else if current < previous {
                    counts[index] = previous
                    wasForced = true
                } else {
                    previous = current
                }
            }
            return wasForced
        }

        /// Contracts/metrics.md 5.5; nil only when the top bucket is no +Inf or there are too few.
        func quantile(_ phi: Double) -> Double {
            if phi.isNaN { return .nan }
            if phi < 0 { return -.infinity }
            if phi > 1 { return .infinity }
            guard bounds.count >= 2, bounds.last == .infinity, let total = counts.last, total != 0, !total.isNaN else { return .nan }
            let rank = phi * total
            let index = counts.dropLast().firstIndex { $0 >= rank } ?? counts.count - 1
            if index == counts.count - 1 { return bounds[index - 1] }
            if index == 0, bounds[0] <= 0 { return bounds[0] }
            let lower = index == 0 ? 0 : bounds[index - 1]
            let before = index == 0 ? 0 : counts[index - 1]
            return lower + (bounds[index] - lower) * ((rank - before) / (counts[index] - before))
        }

        /// The share of observations in `(low, high]`, by the same straight lines.
        func fraction(_ low: Double, _ high: Double) -> Double {
            guard bounds.count >= 2, bounds.last == .infinity, let total = counts.last, total != 0, !low.isNaN, !high.isNaN else { return .nan }
            guard low < high else { return 0 }
            return (rank(of: high) - rank(of: low)) / total
        }

        private func rank(of value: Double) -> Double {
            var lower = bounds[0] > 0 ? 0 : -Double.infinity
            var before = 0.0
            for (bound, count) in zip(bounds, counts) {
                if value <= lower { return before }
                if value < bound {
                    // Nothing is known of how a bucket without end is filled.
                    if bound == .infinity || lower == -.infinity { return before }
                    return before + (count - before) * ((value - lower) / (bound - lower))
                }
                lower = bound
                before = count
            }
            return before
        }
    }

    func histogramQuantile(_ arguments: [Expression], _ steps: Steps) async throws(QueryError) -> [SeriesColumn] {
        let phi = try await scalar(arguments[0], steps)
        warnOfQuantile(phi, at: arguments[0].position)
        return try await histogramFunction(arguments[1], steps, "histogram_quantile") { $1.quantile(phi[$0]) }
    }

    /// Several quantiles at once, told apart by a label.
    func histogramQuantiles(_ arguments: [Expression], _ steps: Steps) async throws(QueryError) -> [SeriesColumn] {
        let label = try string(arguments[1])
        guard Evaluator.isLabelName(label) else { throw .execution("invalid label name \"\(label)\" in histogram_quantiles()") }
        let columns = try await vector(arguments[0], steps)
        var result: [SeriesColumn] = []
        for argument in arguments.dropFirst(2) {
            let phi = try await scalar(argument, steps)
            warnOfQuantile(phi, at: argument.position)
            for var column in try await histogramFunction(columns, arguments[0], steps, "histogram_quantiles", { $1.quantile(phi[$0]) }) {
                // The label says which; a quantile that changes from step to step has the value of the first.
                column.labels[label] = NumberText.string(phi[0])
                result.append(column)
            }
        }
        return try merged(result)
    }

    func histogramFraction(_ arguments: [Expression], _ steps: Steps) async throws(QueryError) -> [SeriesColumn] {
        let low = try await scalar(arguments[0], steps), high = try await scalar(arguments[1], steps)
        return try await histogramFunction(arguments[2], steps, "histogram_fraction") { $1.fraction(low[$0], high[$0]) }
    }

    private func histogramFunction(
        _ argument: Expression, _ steps: Steps, _ name: String, _ value: @escaping @Sendable (Int, Buckets) -> Double
    ) async throws(QueryError) -> [SeriesColumn] {
        try await histogramFunction(try await vector(argument, steps), argument, steps, name, value)
    }

    /// One column a histogram.
    private func histogramFunction(
        _ columns: [SeriesColumn], _ argument: Expression, _ steps: Steps, _ name: String, _ value: @escaping @Sendable (Int, Buckets) -> Double
    ) async throws(QueryError) -> [SeriesColumn] {
        var groups: [Labels: Int] = [:]
        var members: [[(bound: Double, column: Int)]] = []
        var order: [Labels] = []
        for (index, column) in columns.enumerated() {
            let text = column.labels["le"]
            guard let bound = NumberText.parseFloat(text) else {
                warn("bucket label \"le\" is missing or has a malformed value of \"\(text)\"", at: argument.position)
                continue
            }
            // The name stays part of the group, so that two metrics are never added up.
            let key = column.labels.filter { $0.name != "le" }
            if let known = groups[key] {
                members[known].append((bound, index))
            } else {
                groups[key] = order.count
                order.append(key)
                members.append([(bound, index)])
            }
        }
        let sorted = members.map { $0.sorted { $0.bound < $1.bound } }
        let results = try await shared(order.count, work: columns.count * steps.count * 2) { range in
            range.map { group in
                var isForced = false
                var buckets = Buckets()
                let bounds = sorted[group].map(\.bound)
                let table = StepTable(columns, sorted[group].map(\.column), steps.count)
                let values = (0..<steps.count).map { step in
                    buckets.fill(bounds, table.row(step))
                    if buckets.isEmpty { return Double.absent }
                    if buckets.makeMonotonic() { isForced = true }
                    return value(step, buckets)
                }
                return (values: values, isForced: isForced)
            }
        }
        var result: [SeriesColumn] = []
        for (key, one) in zip(order, results) {
            if one.isForced { inform("input to \(name) needed to be fixed for monotonicity", at: argument.position) }
            if !one.values.isEmptyColumn { result.append(SeriesColumn(labels: key, values: one.values)) }
        }
        return try withoutNames(result)
    }
}
