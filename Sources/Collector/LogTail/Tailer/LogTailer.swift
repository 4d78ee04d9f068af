import LogParsing
public import Runtime
import SQLite
import Telemetry

/// Follows log files and hands their lines to a sink.
///
/// At least once: a file's checkpoint moves only after the sink has the records. With a store that knows the
/// records' origin each line is kept exactly once. While the sink refuses, nothing more is read: the log files
/// themselves are the buffer.
///
/// This shell lists, opens and reads; `TailPlan` decides which file is which, `RunPipeline` what a record is.
public actor LogTailer {
    public struct Options: Sendable {
        /// The directory of `NAMESPACE_POD_UID` directories of this program's own pods; empty for none.
        public var root: String
        /// The file of the checkpoints.
        public var checkpoints: String
        /// This node's name, a label of each stream and part of each origin.
        public var node: String
        /// Files that are there when the tailer starts for the first time are read from their end, not their beginning.
        public var startsAtEnd = false
        /// What else is followed, and what is done with lines.
        public var configuration = LogTailConfiguration()
        /// Who knows pods.
        public var metadata: (any LogMetadataSource)?
        /// The bytes of one source's files that are read before it is another's turn.
        public var turnBytes = 256 << 10
        /// A delivery goes out when it holds this much text, and at the end of each round.
        public var deliveryBytes = 4 << 20
        public var maximumOpenFiles = 4096
        /// How long a rotated file is kept open after its last growth, in nanoseconds: writers may be slow to notice the rotation.
        public var rotateWait: Int64 = 30_000_000_000
        /// How long a file that was removed is kept open after its last growth.
        public var removeWait: Int64 = 2_000_000_000
        public var pollInterval: Duration = .seconds(1)
        public var maximumLineBytes = 1 << 20
        /// Changes are noticed by inotify too, not only by looking.
        public var usesHints = true
        /// Where it tells why lines cannot be handed over.
        public var trouble = Trouble()

        public init(root: String, checkpoints: String, node: String) {
            self.root = root
            self.checkpoints = checkpoints
            self.node = node
        }
    }

    /// What waits for the sink, and how far the files' checkpoints go once it has it.
    struct Delivery {
        var batches: [LogBatch] = []
        var bytes = 0
        var files: [Int: (source: FollowedSource, file: FollowedFile, safe: Int64)] = [:]
        var isEmpty: Bool { batches.isEmpty && files.isEmpty }
    }

    let options: Options
    let sink: any LogSink
    let fileSystem: any FileSystem
    let clock: any WallClock
    let metrics: LogTailMetrics
    let checkpoints: Checkpoints
    let hint: DirectoryHint
    var rows: [String: [Checkpoints.Row]]
    var finders: [any SourceFinder]
    /// By finder, then by key.
    var sources: [[String: FollowedSource]]
    var delivery = Delivery()
    /// Rows of files that were just begun, to be saved before their first records leave.
    var begunRows: [Checkpoints.Row] = []
    var removedRows: [Checkpoints.Row] = []
    var nextNumber = 1
    var openFiles = 0
    var isFirstPoll = true
    /// What this round has seen of directories; sources may share one.
    var looks = DirectoryLooks()
    /// Rounds so far.
    var looksDone = 0
    /// When quiet files were closed last.
    var madeRoom = Int64.min
    /// All sources by their keys; nil when that must be found anew.
    var ordered: [FollowedSource]?
    /// Whether inotify told of something since the last scan.
    var isHinted = false
    private var turn = 0

    /// Opens the checkpoints. Nothing is read until `poll` or `run`.
    public init(
        _ options: Options, sink: any LogSink, metrics registry: MetricRegistry, fileSystem: any FileSystem = HostFileSystem(),
        clock: any WallClock = SystemClock()
    ) throws {
        self.options = options
        self.sink = sink
        self.fileSystem = fileSystem
        self.clock = clock
        metrics = LogTailMetrics(registry)
        hint = DirectoryHint(isUsed: options.usesHints)
        checkpoints = try Checkpoints(path: options.checkpoints)
        rows = Dictionary(grouping: try checkpoints.all(), by: \.source)
        finders = options.configuration.finders(startsAtEnd: options.startsAtEnd)
        if !options.root.isEmpty { finders.insert(PodDirectories(root: options.root, startsAtEnd: options.startsAtEnd), at: 0) }
        sources = finders.map { _ in [:] }
    }

    /// Follows until it is cancelled. A refusal of the sink is answered with growing pauses.
    public func run() async {
        var backoff = Backoff(first: .milliseconds(500), limit: .seconds(30))
        while !Task.isCancelled {
            do {
                let hasMore = try await poll()
                options.trouble.set("delivery", nil)
                backoff.reset()
                if !hasMore { await pause() }
            } catch {
                if Task.isCancelled { return }
                options.trouble.set("delivery", "\(error)")
                if error is SpoolFull {
                    // Room comes as soon as the aggregator does.
                    try? await Task.sleep(for: .seconds(1))
                    continue
                }
                // Half of the pause to all of it, so that many nodes do not come back at the same moment.
                try? await Task.sleep(for: backoff.next() * Double.random(in: 0.5...1))
            }
        }
    }

    /// Sleeps until the next poll, or less if something changed: a new line waits at most a fifth of a second.
    private func pause() async {
        let step = min(options.pollInterval, .milliseconds(200))
        var slept = Duration.zero
        repeat {
            guard (try? await Task.sleep(for: step, tolerance: .milliseconds(50))) != nil else { return }
            slept += step
            isHinted = hint.takeEvents()
        } while slept < options.pollInterval && !isHinted
    }

    /// One round: looks for new, renamed and removed files, reads a turn of each source, delivers.
    /// Returns whether more can be read at once. Throws what the sink threw; the records are kept and sent again.
    @discardableResult
    public func poll() async throws -> Bool {
        try await deliver()
        let now = clock.nanoseconds
        scan(now)
        isFirstPoll = false
        var hasMore = false
        looksDone += 1
        let all = ordered ?? sources.flatMap { $0.values }.sorted { $0.source.key < $1.source.key }
        ordered = all
        turn += 1
        for index in all.indices {
            // Each round begins with another source, so that none is always last.
            let source = all[(index + turn) % all.count]
            if read(source, now) { hasMore = true }
            expire(source, now)
            if delivery.bytes >= options.deliveryBytes { try await deliver() }
        }
        try await deliver()
        for source in all { letGo(source, now) }
        // The last parts of sources that have gone.
        try await deliver()
        forgetSources()
        metrics.openFiles.value = Double(openFiles)
        metrics.containers.value = Double(all.count)
        metrics.lag.value = Double(all.reduce(0) { $0 + $1.files.reduce(0) { $0 + max(0, $1.size - $1.offset) } })
        return hasMore
    }

    /// Gives out everything that waits for a next line, as before a stop.
    public func finish() async throws {
        let now = clock.nanoseconds
        for source in sources.flatMap({ $0.values }) { expire(source, now, force: true) }
        try await deliver()
    }
}
