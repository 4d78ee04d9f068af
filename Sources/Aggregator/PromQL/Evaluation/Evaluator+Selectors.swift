import Telemetry

/// The windows that a function over time reads.
struct Windows {
    /// Without stale markers.
    var series: [SeriesSamples]
    var rangeMilliseconds: Int64
    /// Where each window ends. One step only if `isFixed`.
    var ends: Steps
    /// Whether `@` makes all steps see the same window.
    var isFixed: Bool
}

extension Evaluator {
    /// The moments at which a shifted expression looks; one only if `@` fixes it.
    func moments(_ shift: TimeShift, _ steps: Steps) -> (steps: Steps, isFixed: Bool) {
        let anchor: Int64
        switch shift.anchor {
        case .time(let time): anchor = time.milliseconds
        case .start: anchor = querySteps.start
        case .end: anchor = querySteps.last
        case nil: return (steps.shifted(by: -shift.offsetMilliseconds), false)
        }
        return (.single(anchor - shift.offsetMilliseconds), true)
    }

    /// Samples with `after < t <= through`, by labels.
    private func fetch(_ matchers: [Matcher], after: Int64, through: Int64) async throws(QueryError) -> [SeriesSamples] {
        let series: [SeriesSamples]
        do {
            series = try await engine.source.select(matchers, from: Timestamp(milliseconds: after + 1), through: Timestamp(milliseconds: through))
        } catch is CancellationError {
            throw QueryError(.canceled, "query was canceled while reading samples")
        } catch let error as QueryError {
            throw error
        } catch {
            throw QueryError(.internal, "reading samples failed: \(error)")
        }
        let count = series.reduce(0) { $0 + $1.timestamps.count }
        countRead(count)
        try account(count)
        return series.sorted { $0.labels < $1.labels }
    }

    /// An instant selector: at each step the newest sample of the look-back window, unless it says that the series ended.
    /// With `wantsTimes` the values are the samples' own times in seconds.
    func columns(of selector: Selector, _ steps: Steps, wantsTimes: Bool = false) async throws(QueryError) -> [SeriesColumn] {
        let (moments, isFixed) = moments(selector.shift, steps)
        let series = try await fetch(selector.matchers, after: moments.start - lookbackMilliseconds, through: moments.last)
        var columns: [SeriesColumn] = []
        columns.reserveCapacity(series.count)
        for one in series {
            try await pause(after: moments.count + one.timestamps.count)
            var values = Array(repeating: Double.absent, count: moments.count)
            var next = 0
            var hasValue = false
            for step in 0..<moments.count {
                let time = moments.time(step)
                while next < one.timestamps.count, one.timestamps[next] <= time { next += 1 }
                guard next > 0, one.timestamps[next - 1] > time - lookbackMilliseconds, !one.values[next - 1].isStale else { continue }
                values[step] = wantsTimes ? Double(one.timestamps[next - 1]) / 1000 : one.values[next - 1]
                hasValue = true
            }
            guard hasValue else { continue }
            try account(steps.count)
            columns.append(SeriesColumn(labels: one.labels, values: isFixed ? Array(repeating: values[0], count: steps.count) : values))
        }
        return columns
    }

    /// The windows of a range selector or a subquery.
    func windows(of expression: Expression, _ steps: Steps) async throws(QueryError) -> Windows {
        switch expression.inner.node {
        case .range(let selector, let range):
            let (ends, isFixed) = moments(selector.shift, steps)
            var series = try await fetch(selector.matchers, after: ends.start - range, through: ends.last)
            for index in series.indices where series[index].values.contains(where: \.isStale) {
                let kept = series[index].values.indices.filter { !series[index].values[$0].isStale }
                series[index] = SeriesSamples(
                    labels: series[index].labels, timestamps: kept.map { series[index].timestamps[$0] }, values: kept.map { series[index].values[$0] })
            }
            return Windows(series: series, rangeMilliseconds: range, ends: ends, isFixed: isFixed)
        case .subquery(let subquery):
            let (ends, isFixed) = moments(subquery.shift, steps)
            let step = subquery.stepMilliseconds ?? engine.options.subqueryStep.wholeMilliseconds
            // Moments are multiples of the step since 1970: the first strictly after the left edge.
            let left = ends.start - subquery.rangeMilliseconds
            let start = (left.floorDivided(by: step) + 1) * step
            guard start <= ends.last else { return Windows(series: [], rangeMilliseconds: subquery.rangeMilliseconds, ends: ends, isFixed: isFixed) }
            let count = (ends.last - start) / step + 1
            guard count <= engine.options.maximumSamples else {
                throw .execution("query processing would load too many samples into memory in query execution")
            }
            let inner = Steps(start: start, step: step, count: Int(count))
            let columns = try await vector(subquery.inner, inner)
            return Windows(series: series(columns, inner), rangeMilliseconds: subquery.rangeMilliseconds, ends: ends, isFixed: isFixed)
        default: throw QueryError(.internal, "expected a range vector", at: expression.position)
        }
    }

    /// Runs a function over the windows of each series in one sliding pass.
    func slide(
        _ function: WindowFunction, over windows: Windows, _ steps: Steps, first: [Double], second: [Double]
    ) async throws(QueryError) -> [SeriesColumn] {
        var columns: [SeriesColumn] = []
        columns.reserveCapacity(windows.series.count)
        for series in windows.series {
            try await pause(after: windows.ends.count + series.timestamps.count)
            let resets =
                function == .rate || function == .increase ? series.values.indices.dropFirst().filter { series.values[$0] < series.values[$0 - 1] } : []
            // What depends on the step's own time or parameters differs between steps even if the window is fixed.
            var values = Array(repeating: Double.absent, count: steps.count)
            var low = 0, high = 0, reset = 0
            var hasValue = false
            for step in 0..<steps.count {
                let end = windows.isFixed ? windows.ends.start : windows.ends.time(step)
                let start = end - windows.rangeMilliseconds
                while high < series.timestamps.count, series.timestamps[high] <= end { high += 1 }
                while low < high, series.timestamps[low] <= start { low += 1 }
                guard low < high else { continue }
                while reset < resets.count, resets[reset] <= low { reset += 1 }
                let window = WindowFunction.Window(
                    start: start, end: end, stepTime: steps.time(step), firstParameter: first.isEmpty ? 0 : first[step],
                    secondParameter: second.isEmpty ? 0 : second[step])
                values[step] = function.value(series, low..<high, window, resets: resets, firstReset: reset)
                if !values[step].isAbsent { hasValue = true }
            }
            guard hasValue else { continue }
            try account(steps.count)
            columns.append(SeriesColumn(labels: function.keepsName ? series.labels : series.labels.withoutName, values: values))
        }
        return function.keepsName ? columns : try merged(columns)
    }
}

extension Int64 {
    /// The quotient rounded towards minus infinity.
    fileprivate func floorDivided(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
