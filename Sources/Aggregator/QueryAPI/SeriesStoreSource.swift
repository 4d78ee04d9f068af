import PromQL
import SeriesStore
import Telemetry

/// The embedded store as the engine reads it: by columns, those with the same moments together.
extension SeriesStore: SampleSource {
    public func read(_ request: SampleRequest) async throws -> SampleAnswer {
        do {
            if let answer = try await RolledUp(self, request)?.answer() { return answer }
            let (blocks, summary) = try await blocks(
                request.matchers, from: request.from, through: request.through, needsValues: request.needsValues, limit: request.maximumSamples)
            var answer = SampleAnswer(
                blocks: blocks.map { SampleBlock(timestamps: $0.timestamps, labels: $0.labels, values: $0.values) }, warnings: summary.warnings,
                chunksDecoded: summary.parts)
            if let (series, info) = try await standIns(request) {
                answer.blocks = SeriesStore.joined(series, answer.blocks)
                answer.infos = [info]
            }
            return answer
        } catch SeriesStoreError.tooManySamples(let limit) {
            throw TooManySamples(limit: limit)
        }
    }

    /// Each series once: first what stands for samples that are gone, then those that are there.
    private static func joined(_ earlier: [SeriesSamples], _ blocks: [SampleBlock]) -> [SampleBlock] {
        var series = Dictionary(earlier.map { ($0.labels, $0) }, uniquingKeysWith: { first, _ in first })
        for block in blocks {
            for (labels, column) in zip(block.labels, block.columns) {
                var one = series[labels] ?? SeriesSamples(labels: labels, timestamps: [], values: [])
                let start = one.timestamps.last.map { last in block.timestamps.firstIndex { $0 > last } ?? block.timestamps.count } ?? 0
                one.timestamps += block.timestamps[start...]
                one.values += column.isEmpty ? Array(repeating: 1, count: block.timestamps.count - start) : Array(column[start...])
                series[labels] = one
            }
        }
        return SampleBlock.grouping(Array(series.values))
    }
}
