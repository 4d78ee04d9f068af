import Telemetry

extension Evaluator {
    /// An instant selector: at each step the newest sample of the look-back window, unless it says that the series ended.
    /// With `wantsTimes` the values are the samples' own times in seconds.
    func columns(
        of selector: Selector, _ steps: Steps, _ context: ReadContext = ReadContext(), wantsTimes: Bool = false
    ) async throws(QueryError) -> [SeriesColumn] {
        try await columns(of: try await lazySelector(selector, steps, context, wantsTimes: wantsTimes))
    }

    func lazySelector(_ selector: Selector, _ steps: Steps, _ context: ReadContext, wantsTimes: Bool) async throws(QueryError) -> LazyVector {
        let selection = try await selection(request(selector, steps, context))
        let (moments, isFixed) = moments(selector.shift, steps)
        let lookback = lookbackMilliseconds
        countPerStep(selection.blocks, moments, length: lookback, steps, atMost: 1)
        let isSmoothed = selector.looksBeyond == .smoothed
        let blocks = selection.blocks.map { block in
            (block: block, cuts: WindowCuts(block.timestamps, ends: moments, length: lookback))
        }
        let count = isFixed ? steps.count : 0
        var alike: [Range<Int>] = []
        var base = 0
        for block in selection.blocks {
            if !isSmoothed, !block.values.isEmpty, block.values.allSatisfy(\.isEmpty) { alike.append(base..<base + block.values.count) }
            base += block.values.count
        }
        return LazyVector(
            labels: selection.blocks.flatMap(\.labels), dropsNames: false, stepCount: steps.count,
            work: selection.seriesCount * steps.count + selection.sampleCount / 2, alike: alike
        ) { range in
            Evaluator.eachColumn(blocks, range) { number, column in
                let (block, cuts) = blocks[number]
                let values =
                    isSmoothed
                    ? Evaluator.smoothed(SampleRun(compacting: block.timestamps, column), moments, lookback)
                    : Evaluator.newest(block.timestamps, column, cuts, moments, lookback, wantsTimes: wantsTimes)
                return count > 0 ? Array(repeating: values[0], count: count) : values
            }
        }
    }

    /// Calls `body` with block and column for the columns `range` of all blocks one after the other.
    static func eachColumn<Element>(
        _ blocks: [(block: SampleBlock, cuts: WindowCuts)], _ range: Range<Int>, _ body: (Int, [Double]) -> Element
    ) -> [Element] {
        var result: [Element] = []
        result.reserveCapacity(range.count)
        var base = 0
        for number in blocks.indices {
            if base >= range.upperBound { break }
            let count = blocks[number].block.values.count
            // Runs become one array here, where it is read at once and let go while it is still in the cache.
            for index in range.clamped(to: base..<(base + count)) { result.append(body(number, blocks[number].block.values[index - base].values)) }
            base += count
        }
        return result
    }

    private static func newest(
        _ timestamps: [Int64], _ column: [Double], _ cuts: WindowCuts, _ moments: Steps, _ lookback: Int64, wantsTimes: Bool
    ) -> [Double] {
        var result = Array(repeating: Double.absent, count: cuts.count)
        if column.isEmpty {
            // A sample at each of the block's moments, and its value does not matter.
            for step in 0..<cuts.count where cuts.high[step] > cuts.low[step] {
                result[step] = wantsTimes ? Double(timestamps[Int(cuts.high[step]) - 1]) / 1000 : 1
            }
            return result
        }
        if column.hasGaps {
            let run = SampleRun(withoutGaps: timestamps, column)
            let own = WindowCuts(run.timestamps, ends: moments, length: lookback)
            return run.values.isEmpty ? result : newest(run.timestamps, run.values, own, moments, lookback, wantsTimes: wantsTimes)
        }
        let times = timestamps.span, values = column.span, lows = cuts.low.span, highs = cuts.high.span
        var output = result.mutableSpan
        for step in lows.indices where highs[step] > lows[step] {
            let index = Int(highs[step]) - 1
            let value = values[index]
            if !value.isStale { output[step] = wantsTimes ? Double(times[index]) / 1000 : value }
        }
        return result
    }

    /// The value on the line between the sample before each moment and the one after it; the one before alone if none follows.
    private static func smoothed(_ run: SampleRun, _ moments: Steps, _ lookback: Int64) -> [Double] {
        var result = Array(repeating: Double.absent, count: moments.count)
        var next = 0
        for step in 0..<moments.count {
            let time = moments.time(step)
            while next < run.timestamps.count, run.timestamps[next] <= time { next += 1 }
            guard next > 0, run.timestamps[next - 1] > time - lookback else { continue }
            let before = run.values[next - 1]
            guard next < run.timestamps.count, run.timestamps[next] <= time + lookback else {
                result[step] = before
                continue
            }
            let share = Double(time - run.timestamps[next - 1]) / Double(run.timestamps[next] - run.timestamps[next - 1])
            result[step] = before + (run.values[next] - before) * share
        }
        return result
    }
}
