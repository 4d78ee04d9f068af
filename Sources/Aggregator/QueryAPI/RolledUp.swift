import PromQL
import SeriesStore
import Telemetry

/// Answers a function of windows from rollups: whole days are then read as buckets of five minutes or an hour, and only what no
/// rollup has yet as samples.
///
/// Only where the answer is the same to the last bit as from samples: windows must be made of whole buckets, and what is added up
/// must be exact in any order. Where samples are gone rollups are all there is, and the answer says in what it may differ.
struct RolledUp {
    let store: SeriesStore
    let request: SampleRequest
    let need: WindowSummary.Need
    let ends: (start: Int64, step: Int64, count: Int)

    /// Beyond so many looks at each bucket, sliding over samples is cheaper.
    private static let maxOverlap = 64

    /// nil if the request is of no function that rollups know.
    init?(_ store: SeriesStore, _ request: SampleRequest) {
        guard request.mayBeEvaluated, let need = WindowSummary.need(of: request.function) else { return nil }
        self.store = store
        self.request = request
        self.need = need
        ends = request.windowEnds
    }

    /// The answer, or nil if samples must be read.
    func answer() async throws -> SampleAnswer? {
        for resolution in [RollupResolution.oneHour, .fiveMinutes] where isAligned(resolution) {
            let coverage = store.rollupCoverage(resolution, from: request.from, through: request.through)
            guard coverage.end > request.from.milliseconds, !coverage.isCoarser else { continue }
            if coverage.retiredEnd == nil, overlap(resolution) > Self.maxOverlap { continue }
            return try await answer(resolution, coverage)
        }
        // Otherwise only if there is nothing else.
        for resolution in [RollupResolution.fiveMinutes, .oneHour] {
            let coverage = store.rollupCoverage(resolution, from: request.from, through: request.through)
            guard coverage.retiredEnd != nil, !coverage.isCoarser else { continue }
            return try await answer(resolution, coverage)
        }
        return nil
    }

    private func isAligned(_ resolution: RollupResolution) -> Bool {
        let length = resolution.milliseconds
        return request.range % length == 0 && ends.start % length == 0 && (ends.count == 1 || ends.step % length == 0)
    }

    /// How many windows a bucket is in.
    private func overlap(_ resolution: RollupResolution) -> Int { ends.count == 1 ? 1 : Int(request.range / max(ends.step, resolution.milliseconds)) }

    private func answer(_ resolution: RollupResolution, _ coverage: RollupCoverage) async throws -> SampleAnswer? {
        let first = ends.start - request.range
        let rolled = try await store.rollups(
            matchers: request.matchers, from: Timestamp(milliseconds: first + 1), through: request.through,
            before: Timestamp(milliseconds: coverage.end), resolution: resolution)
        var buckets: [Labels: [RollupBucket]] = [:]
        for series in rolled.series { buckets[series.labels] = series.buckets }
        var warnings = rolled.warnings
        var parts = 0
        // A sample at the span's last midnight is in no day that was rolled up.
        if coverage.end <= request.through.milliseconds {
            let (blocks, summary) = try await store.blocks(
                request.matchers, from: Timestamp(milliseconds: coverage.end), through: request.through, limit: request.maximumSamples)
            warnings += summary.warnings.filter { !warnings.contains($0) }
            parts = summary.parts
            for block in blocks { add(block, from: coverage.end, resolution, to: &buckets) }
        }
        // What came meanwhile to a day that was read may be in neither.
        guard store.rollupCoverage(resolution, from: request.from, through: request.through).end >= coverage.end else { return nil }
        var block = SampleBlock(timestamps: (0..<ends.count).map { ends.start + Int64($0) * ends.step }, labels: [], columns: [])
        block.isEvaluated = true
        var isExact = isAligned(resolution)
        for (labels, buckets) in buckets {
            let column = column(buckets, &isExact)
            guard isExact || coverage.retiredEnd != nil else { return nil }
            guard column.contains(where: { !$0.isAbsent }) else { continue }
            block.labels.append(labels)
            block.values.append(.whole(column))
        }
        var answer = SampleAnswer(blocks: [block], warnings: warnings, chunksDecoded: parts)
        answer.infos = [info(resolution, coverage, isExact)]
        return answer
    }

    private func info(_ resolution: RollupResolution, _ coverage: RollupCoverage, _ isExact: Bool) -> String {
        let text = "answered from \(resolution.name) rollup"
        guard let retired = coverage.retiredEnd else { return text }
        let gone = "\(text): samples before \(CivilTime(Timestamp(milliseconds: retired)).rfc3339()) are gone"
        if !isAligned(resolution) { return "\(gone), so windows are cut at whole \(resolution == .fiveMinutes ? "five minutes" : "hours")" }
        return isExact ? gone : "\(gone), and sums may differ from theirs in the last digit"
    }

    private func add(_ block: SeriesBlock, from: Int64, _ resolution: RollupResolution, to buckets: inout [Labels: [RollupBucket]]) {
        let start = block.timestamps.firstIndex { $0 >= from } ?? block.timestamps.count
        let end = block.timestamps.lastIndex { $0 <= request.through.milliseconds }.map { $0 + 1 } ?? start
        guard start < end else { return }
        for (labels, column) in zip(block.labels, block.columns) {
            for bucket in RollupBucket.buckets(block.timestamps[start..<end], column[start..<end], resolution) {
                if let last = buckets[labels]?.indices.last, buckets[labels]![last].end == bucket.end {
                    buckets[labels]![last].add(bucket)
                } else {
                    buckets[labels, default: []].append(bucket)
                }
            }
        }
    }

    /// What the function gives in each window.
    private func column(_ buckets: [RollupBucket], _ isExact: inout Bool) -> [Double] {
        var column = Array(repeating: Double.absent, count: ends.count)
        var low = 0
        for step in 0..<ends.count {
            let end = ends.start + Int64(step) * ends.step
            while low < buckets.count, buckets[low].end <= end - request.range { low += 1 }
            guard low < buckets.count, buckets[low].end <= end else { continue }
            var window = buckets[low]
            var next = low + 1
            while next < buckets.count, buckets[next].end <= end {
                window.add(buckets[next])
                next += 1
            }
            switch need {
            case .nothing: break
            case .sum: isExact = isExact && window.isWhole
            // One fall is added as it would be among samples.
            case .drops: isExact = isExact && (window.resets <= 1 || window.isWhole)
            }
            column[step] = WindowSummary(
                count: window.count, min: window.min, max: window.max, sum: window.sum, first: window.first, last: window.last, drops: window.drops,
                resets: window.resets, firstTime: window.firstTime, lastTime: window.lastTime
            ).value(of: request.function, end: end, range: request.range)
        }
        return column
    }
}

extension SeriesStore {
    /// Samples that stand for those that are gone: the last of each bucket. nil if none is gone.
    func standIns(_ request: SampleRequest) async throws -> (series: [SeriesSamples], info: String)? {
        for resolution in [RollupResolution.fiveMinutes, .oneHour] {
            let coverage = rollupCoverage(resolution, from: request.from, through: request.through)
            guard let retired = coverage.retiredEnd, !coverage.isCoarser else { continue }
            let rolled = try await rollups(
                matchers: request.matchers, from: request.from, through: Timestamp(milliseconds: min(retired, request.through.milliseconds)),
                before: Timestamp(milliseconds: retired), resolution: resolution)
            let series = rolled.series.map { series in
                SeriesSamples(labels: series.labels, timestamps: series.buckets.map(\.lastTime), values: series.buckets.map(\.last))
            }
            let until = CivilTime(Timestamp(milliseconds: retired)).rfc3339()
            return (series, "samples before \(until) are gone: the last of each \(resolution.name) rollup stands for them")
        }
        return nil
    }
}
