import Telemetry

/// A block of series of which a function's values in windows are wanted, with what its series have in common worked out once.
///
/// A class, so that tasks which share a query's work take one reference to all of it, not one to each array for each series.
final class WindowBlock: Sendable {
    private let block: SampleBlock
    private let function: WindowFunction
    private let windows: Windows
    private let context: WindowContext
    /// Windows that are looked at; one if all steps see the same value.
    private let count: Int
    private let stepCount: Int
    /// Milliseconds.
    private let lookback: Int64
    private let cuts: WindowCuts
    private let stretches: RateStretches?
    private let segments: WindowSegments?

    init(_ block: SampleBlock, _ function: WindowFunction, _ windows: Windows, _ context: WindowContext, count: Int, stepCount: Int, lookback: Int64) {
        self.block = block
        self.function = function
        self.windows = windows
        self.context = context
        self.count = count
        self.stepCount = stepCount
        self.lookback = lookback
        let cuts = WindowBlock.cuts(block.timestamps, windows, count: count, stepCount: stepCount)
        self.cuts = cuts
        let isShared = block.values.count > 1
        stretches = function.stretches && isShared ? RateStretches(block.timestamps, cuts, context, isRate: function == .rate) : nil
        segments = function.isLimit && isShared ? WindowSegments(cuts) : nil
    }

    var seriesCount: Int { block.values.count }

    private static func cuts(_ timestamps: [Int64], _ windows: Windows, count: Int, stepCount: Int) -> WindowCuts {
        let cuts = WindowCuts(timestamps, ends: windows.ends, length: windows.rangeMilliseconds)
        return windows.isFixed && count == stepCount ? WindowCuts(repeating: cuts.range(0), count: count) : cuts
    }

    /// The function's values at all steps for one series.
    func column(_ index: Int) -> [Double] {
        // Runs become one array here, where it is read at once and let go while it is still in the cache.
        let samples = block.values[index].values
        if block.isEvaluated { return block.spread(samples, over: windows.ends, isFixed: windows.isFixed, count: stepCount) }
        let values: [Double]
        if let looksBeyond = windows.looksBeyond {
            let run = SampleRun(compacting: block.timestamps, samples)
            values = function.extended(run, looksBeyond, context, lookback: lookback, count: count)
        } else if samples.isEmpty {
            values = function.column(block.timestamps, Array(repeating: 1, count: block.timestamps.count), cuts, context)
        } else {
            // One look tells of a counter both that it has no markers and that it never falls.
            let isAscending = function.isForCounters && samples.isAscending(in: cuts.used)
            if !isAscending, samples.hasMarkers(in: cuts.used) {
                let run = SampleRun(compacting: block.timestamps, samples)
                let own = WindowBlock.cuts(run.timestamps, windows, count: count, stepCount: stepCount)
                values = function.column(run.timestamps, run.values, own, context)
            } else {
                values = function.column(block.timestamps, samples, cuts, context, stretches: stretches, segments: segments, isAscending: isAscending)
            }
        }
        return count < stepCount ? Array(repeating: values[0], count: stepCount) : values
    }
}
