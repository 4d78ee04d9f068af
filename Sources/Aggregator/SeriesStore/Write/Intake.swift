import Telemetry

/// What callers handed over and the writer has not taken yet, and what came of it.
struct Intake: Sendable {
    enum Content: Sendable {
        case frames([SampleFrame])
        case batches([SeriesBatch], metadata: [MetricMetadata])

        var sampleCount: Int {
            switch self {
            case .frames(let frames): frames.reduce(0) { $0 + $1.values.count }
            case .batches(let batches, _): batches.reduce(0) { $0 + $1.samples.count + ($1.isPlain ? 0 : $1.histograms.count + $1.exemplars.count) }
            }
        }
    }

    struct Request: Sendable {
        var ticket: UInt64
        var content: Content
    }

    struct Outcome: Sendable {
        var append = AppendSummary()
        var write = WriteSummary()
        /// Why the request failed although some of it was stored.
        var error: SeriesStoreError?
    }

    var requests: [Request] = []
    var samples = 0
    var nextTicket: UInt64 = 0
    var isClosed = false
}
