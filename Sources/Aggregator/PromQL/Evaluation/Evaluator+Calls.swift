import Telemetry

extension Evaluator {
    func call(_ name: String, _ arguments: [Expression], _ expression: Expression, _ steps: Steps) async throws(QueryError) -> Operand {
        guard let function = Function.named(name) else { throw QueryError(.internal, "no function \(name)", at: expression.position) }
        switch function.body {
        case .map, .window:
            guard let lazy = try await lazyVector(expression, steps) else {
                guard case .map(let change) = function.body else { throw QueryError(.internal, "no windows", at: expression.position) }
                return .vector(try mapped(try await vector(arguments[0], steps), change))
            }
            return .vector(try await columns(of: lazy))
        case .date(let part):
            guard let argument = arguments.first else {
                return .vector([SeriesColumn(labels: Labels(), values: (0..<steps.count).map { part.value(Double(steps.time($0)) / 1000) })])
            }
            return .vector(try mapped(try await vector(argument, steps), part.value))
        case .labels: return .vector(try await labelFunction(name, arguments, steps))
        case .special: return try await special(name, arguments, expression, steps)
        }
    }

    private func special(_ name: String, _ arguments: [Expression], _ expression: Expression, _ steps: Steps) async throws(QueryError) -> Operand {
        func constant(_ value: Double) -> Operand { .scalar(Array(repeating: value, count: steps.count)) }
        switch name {
        case "time": return .scalar((0..<steps.count).map { Double(steps.time($0)) / 1000 })
        case "pi": return constant(.pi)
        case "start": return constant(Double(querySteps.start) / 1000)
        case "end": return constant(Double(querySteps.last) / 1000)
        case "step": return constant(querySteps.count > 1 ? Double(querySteps.step) / 1000 : 0)
        case "range": return constant(Double(querySteps.last - querySteps.start) / 1000)
        case "min_of", "max_of":
            let left = try await scalar(arguments[0], steps), right = try await scalar(arguments[1], steps)
            return .scalar(zip(left, right).map { name == "min_of" ? Double.minimum($0, $1) : Double.maximum($0, $1) })
        case "scalar": return .scalar(Evaluator.onlyValues(try await vector(arguments[0], steps), steps.count))
        case "vector": return .vector([SeriesColumn(labels: Labels(), values: try await scalar(arguments[0], steps))])
        case "timestamp": return .vector(try await timestamps(arguments[0], steps))
        case "absent":
            let columns: [SeriesColumn]
            if case .selector(let selector) = arguments[0].inner.node {
                columns = try await self.columns(of: selector, steps, ReadContext(function: name))
            } else {
                columns = try await vector(arguments[0], steps)
            }
            return .vector(absence(of: arguments[0], steps) { step in columns.allSatisfy { $0.values[step].isAbsent } })
        case "absent_over_time":
            let windows = try await windows(of: arguments[0], steps, ReadContext(function: name))
            let present = try await columns(of: lazyWindows(.countOverTime, windows, steps).keepingNames)
            return .vector(absence(of: arguments[0], steps) { step in present.allSatisfy { $0.values[step].isAbsent } })
        case "clamp", "clamp_min", "clamp_max": return .vector(try await clamp(name, arguments, steps))
        case "round": return .vector(try await round(arguments, steps))
        case "sort", "sort_desc":
            let columns = try await vector(arguments[0], steps)
            // An order by value means something at one step only.
            guard steps.count == 1 else { return .vector(columns) }
            return .vector(Evaluator.sorted(columns, descending: name == "sort_desc"))
        case "histogram_quantile": return .vector(try await histogramQuantile(arguments, steps))
        case "histogram_fraction": return .vector(try await histogramFraction(arguments, steps))
        case "histogram_quantiles": return .vector(try await histogramQuantiles(arguments, steps))
        case "info": return .vector(try await info(arguments, steps))
        case "start_timestamp":
            // Neither stored nor sent by what is scraped here.
            _ = try await vector(arguments[0], steps)
            inform("start timestamps are not stored, so start_timestamp() yields nothing", at: expression.position)
            return .vector([])
        case "histogram_avg", "histogram_count", "histogram_sum", "histogram_stddev", "histogram_stdvar":
            // These read native histograms only, of which the store has none; plain samples are ignored.
            _ = try await vector(arguments[0], steps)
            return .vector([])
        default: throw QueryError(.internal, "\(name)() has no evaluation", at: expression.position)
        }
    }

    /// At each step the value of the only element, NaN if there are none or more.
    private static func onlyValues(_ columns: [SeriesColumn], _ count: Int) -> [Double] {
        (0..<count).map { step in
            var found: Double?
            for column in columns where !column.values[step].isAbsent {
                guard found == nil else { return .nan }
                found = column.values[step]
            }
            return found ?? .nan
        }
    }

    private func timestamps(_ argument: Expression, _ steps: Steps) async throws(QueryError) -> [SeriesColumn] {
        if case .selector(let selector) = argument.inner.node {
            return try withoutNames(try await columns(of: selector, steps, ReadContext(function: "timestamp"), wantsTimes: true))
        }
        var columns = try await vector(argument, steps)
        for index in columns.indices {
            for step in 0..<steps.count where !columns[index].values[step].isAbsent { columns[index].values[step] = Double(steps.time(step)) / 1000 }
        }
        return try withoutNames(columns)
    }

    /// One element of 1 where `isAbsent`, with the labels that a plain selector would have fixed.
    private func absence(of expression: Expression, _ steps: Steps, _ isAbsent: (Int) -> Bool) -> [SeriesColumn] {
        let values = (0..<steps.count).map { isAbsent($0) ? 1 : Double.absent }
        var labels = Labels()
        let selector: Selector? =
            switch expression.inner.node {
            case .selector(let selector): selector
            case .range(let range): range.selector
            default: nil
            }
        var counts: [String: Int] = [:]
        for matcher in selector?.matchers ?? [] { counts[matcher.name, default: 0] += 1 }
        for matcher in selector?.matchers ?? [] where matcher.operation == .equal && matcher.name != Labels.metricName && counts[matcher.name] == 1 {
            labels[matcher.name] = matcher.value
        }
        return [SeriesColumn(labels: labels, values: values)]
    }

    private func clamp(_ name: String, _ arguments: [Expression], _ steps: Steps) async throws(QueryError) -> [SeriesColumn] {
        let columns = try await vector(arguments[0], steps)
        let first = try await scalar(arguments[1], steps)
        let second = arguments.count > 2 ? try await scalar(arguments[2], steps) : first
        let minimum = name == "clamp_max" ? first.map { $0.isNaN ? .nan : -.infinity } : first
        let maximum = name == "clamp_min" ? first.map { $0.isNaN ? .nan : .infinity } : second
        return try withoutNames(
            columns.map { column in
                var column = column
                for step in 0..<steps.count where !column.values[step].isAbsent {
                    let low = minimum[step], high = maximum[step], value = column.values[step]
                    if high < low {
                        column.values[step] = .absent
                    } else if low.isNaN || high.isNaN || value.isNaN {
                        column.values[step] = .nan
                    } else {
                        column.values[step] = max(low, min(high, value))
                    }
                }
                return column
            })
    }

    private func round(_ arguments: [Expression], _ steps: Steps) async throws(QueryError) -> [SeriesColumn] {
        let columns = try await vector(arguments[0], steps)
        let to = arguments.count > 1 ? try await scalar(arguments[1], steps) : Array(repeating: 1, count: steps.count)
        return try withoutNames(
            columns.map { column in
                var column = column
                for step in 0..<steps.count where !column.values[step].isAbsent {
                    // By the inverse: 0.1 is not exact, 10 is.
                    let inverse = 1 / to[step]
                    column.values[step] = (column.values[step] * inverse + 0.5).rounded(.down) / inverse
                }
                return column
            })
    }

    /// By the value of the only step; NaN last in both directions, equal values in the order in which they came.
    static func sorted(_ columns: [SeriesColumn], descending: Bool) -> [SeriesColumn] {
        let present = columns.filter { !$0.values[0].isAbsent }
        return present.enumerated().sorted { left, right in
            let a = left.element.values[0], b = right.element.values[0]
            if a.isNaN || b.isNaN { return a.isNaN == b.isNaN ? left.offset < right.offset : b.isNaN }
            return a == b ? left.offset < right.offset : descending ? a > b : a < b
        }.map(\.element)
    }
}
