import Telemetry

/// Functions of classic histograms: series that differ only in `le`.
extension Evaluator {
    /// A histogram's buckets by upper bound; bounds are unique, counts cumulative.
    struct Buckets {
        var bounds: [Double]
        var counts: [Double]

        /// Sums equal bounds, as those of several instances are.
        init(_ pairs: [(bound: Double, count: Double)]) {
            bounds = []
            counts = []
            for pair in pairs.sorted(by: { $0.bound < $1.bound }) {
                if bounds.last == pair.bound {
                    counts[counts.count - 1] += pair.count
                } else {
                    bounds.append(pair.bound)
                    counts.append(pair.count)
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
        return try await histogramFunction(arguments[1], steps) { $1.quantile(phi[$0]) }
    }

    func histogramFraction(_ arguments: [Expression], _ steps: Steps) async throws(QueryError) -> [SeriesColumn] {
        let low = try await scalar(arguments[0], steps), high = try await scalar(arguments[1], steps)
        return try await histogramFunction(arguments[2], steps) { $1.fraction(low[$0], high[$0]) }
    }

    /// One column a histogram.
    private func histogramFunction(
        _ argument: Expression, _ steps: Steps, _ value: (Int, Buckets) -> Double
    ) async throws(QueryError) -> [SeriesColumn] {
        let columns = try await vector(argument, steps)
        var groups: [Labels: [(bound: Double, column: Int)]] = [:]
        var order: [Labels] = []
        for (index, column) in columns.enumerated() {
            let text = column.labels["le"]
            guard let bound = Double(text) else {
                warn("bucket label \"le\" is missing or has a malformed value of \"\(text)\"", at: argument.position)
                continue
            }
            // The name stays part of the group, so that two metrics are never added up.
            let key = column.labels.dropping(["le"])
            if groups[key] == nil { order.append(key) }
            groups[key, default: []].append((bound, index))
        }
        var result: [SeriesColumn] = []
        for key in order {
            try await pause(after: steps.count * 8)
            let members = (groups[key] ?? []).sorted { $0.bound < $1.bound }
            var values = Array(repeating: Double.absent, count: steps.count)
            for step in 0..<steps.count {
                let pairs = members.compactMap { member in
                    let count = columns[member.column].values[step]
                    return count.isAbsent ? nil : (bound: member.bound, count: count)
                }
                guard !pairs.isEmpty else { continue }
                var buckets = Buckets(pairs)
                if buckets.makeMonotonic() { inform("input to histogram_quantile needed to be fixed for monotonicity", at: argument.position) }
                values[step] = value(step, buckets)
            }
            try account(steps.count)
            result.append(SeriesColumn(labels: key.withoutName, values: values))
        }
        return try merged(result)
    }
}
