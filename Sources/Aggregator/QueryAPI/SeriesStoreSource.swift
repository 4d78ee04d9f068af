import PromQL
import SeriesStore
import Telemetry

/// The embedded store as the engine reads it: by columns, those with the same moments together.
extension SeriesStore: SampleSource {
    public func read(_ request: SampleRequest) async throws -> SampleAnswer {
        do {
            let (blocks, summary) = try await blocks(
                request.matchers, from: request.from, through: request.through, needsValues: request.needsValues, limit: request.maximumSamples)
            var warnings = summary.warnings
            if let labels = summary.histogramSeries {
                let remark = SeriesStore.histogramRemark(labels)
                // Nothing at all would look as if nothing were stored.
                guard !blocks.isEmpty else { throw QueryError(.execution, remark) }
                warnings.append(remark)
            }
            return SampleAnswer(
                blocks: blocks.map { SampleBlock(timestamps: $0.timestamps, labels: $0.labels, values: $0.values) }, warnings: warnings,
                chunksDecoded: summary.parts)
        } catch SeriesStoreError.tooManySamples(let limit) {
            throw TooManySamples(limit: limit)
        }
    }

    /// What is said of a series that was asked for and cannot be read.
    static func histogramRemark(_ labels: Labels) -> String {
        "\(labels) has native histograms, which are kept but cannot be queried; have its classic buckets sent too "
            + "(scrape_classic_histograms in its scrape, or explicit buckets where it is instrumented) and query those"
    }
}
