/// What became of samples (native histograms count as samples). The counts add up to what was sent.
public struct WriteOutcome: Hashable, Sendable {
    /// Stored, durable.
    public var written = 0
    /// The same value was there already, or came twice in the batch: a retry.
    public var duplicates = 0
    /// Stored in place of another value that was there at the same time: the last write counts.
    public var overwritten = 0
    /// Older than the retention, or than the out-of-order window allows.
    public var tooOld = 0
    /// Too far ahead of the clock.
    public var tooNew = 0
    /// Of series that are new and may not come in: the limit of series, in all or of their metric, is reached.
    public var overLimit = 0
    /// Of labels that break the rules: see `LabelRule`.
    public var invalid = 0
    /// Exemplars kept, and those that were too old or of no series.
    public var exemplars = 0
    public var refusedExemplars = 0

    public init() {}

    /// Samples that are in the store now.
    public var accepted: Int { written + duplicates + overwritten }
    /// Samples that are not.
    public var refused: Int { tooOld + tooNew + overLimit + invalid }

    public static func += (left: inout WriteOutcome, right: WriteOutcome) {
        left.written += right.written
        left.duplicates += right.duplicates
        left.overwritten += right.overwritten
        left.tooOld += right.tooOld
        left.tooNew += right.tooNew
        left.overLimit += right.overLimit
        left.invalid += right.invalid
        left.exemplars += right.exemplars
        left.refusedExemplars += right.refusedExemplars
    }
}

/// The answer to a write that did not fail: everything that it counts as accepted is durable.
public struct WriteSummary: Hashable, Sendable {
    public var total = WriteOutcome()
    /// By position in the request: the batches of which something was not simply written.
    public var exceptions: [Int: WriteOutcome] = [:]
    /// Why samples were refused, each reason once, with a series as example; for the answer's text. At most eight.
    public var reasons: [String] = []

    public init() {}
}
