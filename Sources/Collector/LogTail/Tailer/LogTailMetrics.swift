import Runtime

/// The tailer's own figures, `binnacle_log_tail_*`.
struct LogTailMetrics: Sendable {
    let records: Counter
    let bytes: Counter
    let unparsed: Counter
    let joined: Counter
    let split: Counter
    let timedOut: Counter
    let truncations: Counter
    let rotations: Counter
    let compressed: Counter
    let sinkFailures: Counter
    let fileErrors: Counter
    let openLimit: Counter
    let openFiles: Gauge
    let containers: Gauge
    let lag: Gauge
    let checkpointFailures: Counter
    let refused: Counter
    let zeros: Counter
    let groups: Counter
    let redacted: Counter
    let unpacked: Counter
    let badAnnotations: Counter
    private let registry: MetricRegistry

    init(_ registry: MetricRegistry) {
        func counter(_ name: String, _ help: String) -> Counter { registry.counter("binnacle_log_tail_\(name)_total", help) }
        records = counter("records", "Records handed over and acknowledged.")
        bytes = counter("read_bytes", "Bytes read from log files.")
        unparsed = counter("unparsed_lines", "Lines that are not in the container runtime's form; kept whole.")
        joined = counter("joined_lines", "Lines joined from parts.")
        split = counter("split_lines", "Lines longer than the bound, kept as several records.")
        timedOut = counter("incomplete_lines", "Lines whose last part did not come; kept without it.")
        truncations = counter("truncations", "Files that were cut or overwritten in place; unread lines in them are lost.")
        rotations = counter("rotations", "Files that were renamed.")
        compressed = counter("skipped_compressed_files", "Compressed files that cannot be unpacked; their lines are not collected.")
        unpacked = counter("unpacked_files", "Compressed files that were read, since they had not been before they were compressed.")
        refused = counter("refused_files", "Names that are no regular files: links, pipes, devices.")
        zeros = counter("skipped_zero_bytes", "Bytes of holes in files that were cut in place.")
        groups = counter("multiline_groups", "Records of several lines.")
        redacted = counter("redacted_secrets", "Secrets taken out of lines.")
        badAnnotations = counter("bad_annotations", "Annotations of pods that could not be understood; the rest holds.")
        self.registry = registry
        sinkFailures = counter("sink_failures", "Deliveries refused by the store; they are tried again.")
        fileErrors = counter("file_errors", "Files and directories that could not be read.")
        openLimit = counter("open_limit_reached", "Times that a file had to wait because too many are open.")
        checkpointFailures = counter("checkpoint_failures", "Times that the checkpoints could not be saved; lines may be sent again.")
        openFiles = registry.gauge("binnacle_log_tail_open_files", "Log files open.")
        containers = registry.gauge("binnacle_log_tail_containers", "Containers followed.")
        lag = registry.gauge("binnacle_log_tail_lag_bytes", "Bytes in log files that were not read yet.")
    }

    /// Lines left out by a rule.
    func dropped(_ rule: String) -> Counter { Self.dropped(registry, rule) }

    static func dropped(_ registry: MetricRegistry, _ rule: String) -> Counter {
        registry.counter("binnacle_log_tail_dropped_lines_total", "Lines left out by a rule; a record in their place tells of them.", ["rule": rule])
    }
}
