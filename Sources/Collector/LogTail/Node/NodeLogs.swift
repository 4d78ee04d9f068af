public import Runtime
import Telemetry

/// All log lines that one node collects, as one life: files, the journal and the kernel, by one configuration and into one sink.
public struct NodeLogs: Sendable {
    public struct Options: Sendable {
        /// The directory of `NAMESPACE_POD_UID` directories of this program's own pods; empty for none.
        public var podRoot = ""
        /// Where it keeps its places.
        public var directory: String
        /// This node's name.
        public var node: String
        public var configuration = LogTailConfiguration()
        /// Who knows this program's own pods.
        public var metadata: (any LogMetadataSource)?
        public var journalProgram = "/usr/bin/journalctl"
        public var kernelPath = "/dev/kmsg"
        /// Files open at once; others wait for their turn.
        public var maximumOpenFiles = 4096
        /// Whether changes are also noticed by inotify.
        public var usesHints = true

        public init(directory: String, node: String) {
            self.directory = directory
            self.node = node
        }
    }

    /// What cannot be read at this moment.
    public let trouble = Trouble()
    private let tailer: LogTailer
    private let journal: JournalTailer?
    private let kernel: KernelTailer?

    /// Opens its places in `options.directory`, which must exist. Nothing is read before `run`.
    public init(_ options: Options, sink: any LogSink, metrics: MetricRegistry, clock: any WallClock = SystemClock()) throws {
        var tail = LogTailer.Options(root: options.podRoot, checkpoints: "\(options.directory)/checkpoints.db", node: options.node)
        tail.configuration = options.configuration
        tail.metadata = options.metadata
        tail.maximumOpenFiles = options.maximumOpenFiles
        tail.usesHints = options.usesHints
        tail.trouble = trouble
        tailer = try LogTailer(tail, sink: sink, metrics: metrics, clock: clock)
        journal = try options.configuration.journal.map { [trouble] journal in
            try JournalTailer(
                journal, node: options.node, state: "\(options.directory)/journal.db", program: options.journalProgram, configuration: options.configuration,
                sink: sink, metrics: metrics, trouble: trouble, clock: clock)
        }
        kernel =
            options.configuration.readsKernel
            ? KernelTailer(
                node: options.node, path: options.kernelPath, configuration: options.configuration, sink: sink, metrics: metrics, trouble: trouble, clock: clock
            )
            : nil
    }

    /// Collects until it is cancelled.
    public func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await tailer.run() }
            if let journal { group.addTask { await journal.run() } }
            if let kernel { group.addTask { await kernel.run() } }
        }
    }

    /// Reads what has been written in the files before a stop; at most so many turns of each.
    public func drain(turns: Int = 20) async {
        for _ in 0..<turns {
            guard let didRead = try? await tailer.poll(), didRead else { return }
        }
    }
}
