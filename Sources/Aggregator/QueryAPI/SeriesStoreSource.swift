import PromQL
import SeriesStore
import Telemetry

/// The embedded store as the engine reads it: by columns, those with the same moments together.
extension SeriesStore: SampleSource {
    public func read(_ request: SampleRequest) async throws -> SampleAnswer {
        do {
            let (blocks, summary) = try await blocks(
                request.matchers, from: request.from, through: request.through, needsValues: request.needsValues, limit: request.maximumSamples)
            return SampleAnswer(
                blocks: blocks.map { SampleBlock(timestamps: $0.timestamps, labels: $0.labels, values: $0.values) }, warnings: summary.warnings,
                chunksDecoded: summary.parts)
        } catch SeriesStoreError.tooManySamples(let limit) {
            throw TooManySamples(limit: limit)
        }
    }
}
