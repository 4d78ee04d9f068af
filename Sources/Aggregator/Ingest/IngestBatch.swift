import SeriesStore
import Telemetry

/// What one request holds, ready to be written, and what of it was refused while it was read.
struct IngestBatch: Sendable {
    var batches: [SeriesBatch] = []
    var metadata: [MetricMetadata] = []
    var samples = 0
    var histograms = 0
    var exemplars = 0
    /// Samples refused by their labels or otherwise before the store saw them.
    var invalid = 0
    /// Each once, at most eight.
    private(set) var reasons: [String] = []

    /// Counts samples that cannot be written, and says why.
    mutating func refuse(_ count: Int, _ reason: String) {
        invalid += count
        note(reason)
    }

    mutating func note(_ reason: String) { if reasons.count < 8, !reasons.contains(reason) { reasons.append(reason) } }
}
