import Telemetry

/// Evaluates LogQL over a source of lines. It reads no clock: a caller that wants a limit of time says so by
/// `Options.isExpired` or cancels the task.
public struct LogEngine: Sendable {
    public struct Options: Sendable {
        /// Series of a result.
        public var maximumSeries = 500
        /// Series, and points of them, that may be held on the way to it.
        public var maximumInnerSeries = 100_000
        public var maximumPoints = 50_000_000
        /// Lines that `sort` and `context` may hold.
        public var maximumLines = 100_000
        /// Bytes of lines of an answer.
        public var maximumBytes = 256 << 20
        /// Whether windows on whole minutes may be answered from the store's counts. Then a window is taken as half-open
        /// at its end, `[t - range, t)`: a line exactly on a minute counts to the window after it.
        public var usesCounts = true
        /// Nanoseconds since 1970, for templates.
        public var now: Int64 = 0
        /// When an object (`deploy/web`) last started, for the `since` stage.
        public var start: @Sendable (String) -> Int64? = { _ in nil }
        /// Whether the time for the query is over.
        public var isExpired: @Sendable () -> Bool = { false }

        public init() {}
    }

    let source: any LogSource
    let options: Options

    public init(_ source: any LogSource, options: Options = Options()) {
        self.source = source
        self.options = options
    }

    /// Throws if the caller wants no answer any more.
    func checkTime() throws(LogQLError) {
        if Task.isCancelled { throw LogQLError(.cancelled, "the query was cancelled") }
        if options.isExpired() { throw LogQLError(.timeout, "the query took longer than allowed; ask for a shorter range or narrow the selector") }
    }

    /// The range of a query, cut by its `since` stage.
    func range(_ range: Range<Int64>, _ plan: PipelinePlan) throws(LogQLError) -> Range<Int64> {
        guard let object = plan.since else { return range }
        guard let start = options.start(object) else { throw LogQLError(.pipeline, "since: nothing is known of the start of \(quoted(object))") }
        return min(max(range.lowerBound, start), range.upperBound)..<range.upperBound
    }

    /// Whatever a source throws, as our error.
    static func wrapped(_ error: any Error) -> LogQLError {
        if let error = error as? LogQLError { return error }
        if error is CancellationError { return LogQLError(.cancelled, "the query was cancelled") }
        return LogQLError(.unavailable, "the log store could not be read: \(error)")
    }
}
