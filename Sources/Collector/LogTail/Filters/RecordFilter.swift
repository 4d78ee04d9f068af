import Runtime
import Telemetry

/// Rules and redaction for records that come whole: of the journal and the kernel. What a rule leaves out is counted, and told in a
/// field of the next record of its stream that stays.
struct RecordFilter: Sendable {
    /// What holds for a stream; shared by all that one node follows.
    typealias Resolve = @Sendable (Labels) -> StreamOptions

    private struct State: Sendable {
        var options: StreamOptions
        var chain: FilterChain
        var secrets = Redactor.State()
        /// Left out since the last record that stayed, by rule.
        var dropped: [String: Int] = [:]

        init(_ options: StreamOptions) {
            self.options = options
            chain = FilterChain(options.rules)
        }
    }

    private static let maximumStreams = 10_000
    private let resolve: Resolve
    private var states: [Labels: State] = [:]

    init(_ resolve: @escaping Resolve) { self.resolve = resolve }

    /// The record as it may be kept, or nil. What it counts goes to `metrics`.
    mutating func pass(_ record: LogRecord, of stream: Labels, now: Int64, _ metrics: RecordFilterMetrics) -> LogRecord? {
        if states.count > Self.maximumStreams { states = [:] }
        var state = states[stream] ?? State(resolve(stream))
        defer { states[stream] = state }
        guard !state.options.isExcluded else { return nil }
        if let rule = state.chain.refuses(record.body, now: now) {
            state.dropped[rule, default: 0] += 1
            metrics.dropped(rule)
            return nil
        }
        var record = record
        if let redactor = state.options.redactor {
            let (text, count) = redactor.redact(record.body, &state.secrets)
            if count > 0 {
                record.body = text
                record.fields["redacted"] = "\(count)"
                metrics.redacted.increment(by: UInt64(count))
            }
        }
        if !state.dropped.isEmpty {
            record.fields["dropped_before"] = "\(state.dropped.values.reduce(0, +))"
            record.fields["rule"] = state.dropped.keys.sorted().joined(separator: ",")
            state.dropped = [:]
        }
        return record
    }
}

/// The tailer's counters, for sources that are not files.
struct RecordFilterMetrics: Sendable {
    let redacted: Counter
    private let registry: MetricRegistry

    init(_ registry: MetricRegistry) {
        self.registry = registry
        redacted = LogTailMetrics(registry).redacted
    }

    func dropped(_ rule: String) { LogTailMetrics.dropped(registry, rule).increment() }
}
