import Telemetry

/// The windows that a function over time reads.
struct Windows: Sendable {
    /// May hold markers.
    var blocks: [SampleBlock]
    var rangeMilliseconds: Int64
    /// Where each window ends. One step only if `isFixed`.
    var ends: Steps
    /// Whether `@` makes all steps see the same window.
    var isFixed: Bool
    var looksBeyond: SelectorExtension?
}

extension Evaluator {
    /// The windows of a range selector or a subquery.
    func windows(of expression: Expression, _ steps: Steps, _ context: ReadContext = ReadContext()) async throws(QueryError) -> Windows {
        switch expression.inner.node {
        case .range(let range):
            let (ends, isFixed) = moments(range.selector.shift, steps)
            let blocks = try await selection(request(range, steps, context)).blocks
            countPerStep(blocks, ends, length: range.range.milliseconds, steps)
            return Windows(
                blocks: blocks, rangeMilliseconds: range.range.milliseconds, ends: ends, isFixed: isFixed, looksBeyond: range.selector.looksBeyond)
        case .subquery(let subquery):
            let (ends, isFixed) = moments(subquery.shift, steps)
            var windows = Windows(blocks: [], rangeMilliseconds: subquery.range.milliseconds, ends: ends, isFixed: isFixed)
            guard let inner = try innerSteps(subquery, ends) else { return windows }
            let columns = try await vector(subquery.inner, inner)
            try account(columns.count * inner.count)
            windows.blocks = [
                SampleBlock(timestamps: (0..<inner.count).map(inner.time), labels: columns.map(\.labels), columns: columns.map(\.values))
            ]
            countPerStep(windows.blocks, ends, length: windows.rangeMilliseconds, steps)
            return windows
        default: throw QueryError(.internal, "expected a range vector", at: expression.position)
        }
    }

    /// A function over the windows of each series, in one sliding pass.
    func lazyWindows(_ function: WindowFunction, _ arguments: [Expression], _ steps: Steps) async throws(QueryError) -> LazyVector {
        var parameters: [[Double]] = []
        for argument in arguments where argument.type == .scalar { parameters.append(try await scalar(argument, steps)) }
        guard let range = arguments.first(where: { $0.type == .matrix }) else { throw QueryError(.internal, "no range vector") }
        try check(function, parameters, arguments)
        let windows = try await windows(of: range, steps, ReadContext(function: function.rawValue))
        if function.isForCounters { informOfGauges(windows, at: range.position) }
        return lazyWindows(function, windows, steps, parameters)
    }

    func lazyWindows(_ function: WindowFunction, _ windows: Windows, _ steps: Steps, _ parameters: [[Double]] = []) -> LazyVector {
        // A window that does not move needs a second look only if the value depends on the step.
        let isRepeated = windows.isFixed && !function.dependsOnStep
        var context = WindowContext(range: windows.rangeMilliseconds, ends: windows.ends, steps: steps, isFixed: windows.isFixed)
        if let first = parameters.first { context.first = first }
        if parameters.count > 1 { context.second = parameters[1] }
        let samples = windows.blocks.reduce(0) { $0 + $1.labels.count * $1.timestamps.count }
        let series = windows.blocks.reduce(0) { $0 + $1.labels.count }
        let count = isRepeated ? 1 : steps.count
        let blocks = windows.blocks.map { WindowBlock($0, function, windows, context, count: count, stepCount: steps.count, lookback: lookbackMilliseconds) }
        return LazyVector(
            labels: windows.blocks.flatMap(\.labels), dropsNames: !function.keepsName, stepCount: steps.count,
            work: (samples + series * count) * function.weight
        ) { range in
            var result: [[Double]] = []
            result.reserveCapacity(range.count)
            var base = 0
            for block in blocks where base < range.upperBound {
                for index in range.clamped(to: base..<base + block.seriesCount) { result.append(block.column(index - base)) }
                base += block.seriesCount
            }
            return result
        }
    }

    private func check(_ function: WindowFunction, _ parameters: [[Double]], _ arguments: [Expression]) throws(QueryError) {
        switch function {
        case .doubleExponentialSmoothing, .holtWinters:
            for (parameter, what) in zip(parameters, ["smoothing", "trend"]) {
                if let wrong = parameter.first(where: { !($0 > 0 && $0 < 1) }) {
                    throw .execution("invalid \(what) factor. Expected: 0 < \(what == "trend" ? "tf" : "sf") < 1, got: \(NumberText.string(wrong))")
                }
            }
        case .quantileOverTime: warnOfQuantile(parameters[0], at: arguments[0].position)
        default: break
        }
    }

    /// Says when a name does not look like a counter's.
    private func informOfGauges(_ windows: Windows, at position: Range<Int>) {
        var last = ""
        for labels in windows.blocks.lazy.flatMap(\.labels) {
            let name = labels.name
            guard !name.isEmpty, name != last else { continue }
            last = name
            let type = labels["__type__"]
            if !type.isEmpty {
                if type != "counter", type != "histogram" {
                    inform("metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\": \"\(name)\"", at: position)
                }
            } else if !["_total", "_sum", "_count", "_bucket"].contains(where: name.hasSuffix) {
                inform("metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"\(name)\"", at: position)
            }
        }
    }

    func warnOfQuantile(_ values: [Double], at position: Range<Int>) {
        if let wrong = values.first(where: { !($0 >= 0 && $0 <= 1) }) {
            warn("quantile value should be between 0 and 1, got \(NumberText.string(wrong))", at: position)
        }
    }
}

extension WindowFunction {
    /// About how much longer a sample takes than with `rate`.
    fileprivate var weight: Int {
        switch self {
        case .quantileOverTime: 8
        case .madOverTime: 100
        case .deriv, .predictLinear, .stddevOverTime, .stdvarOverTime, .doubleExponentialSmoothing, .holtWinters: 4
        default: 1
        }
    }
}
