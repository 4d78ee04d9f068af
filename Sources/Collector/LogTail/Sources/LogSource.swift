public import Telemetry

/// Log files that belong together: one container's runs, or one file and what it rotates to.
struct LogSource: Sendable {
    /// Unique; the checkpoints' name of it.
    var key: String
    var directory: String
    var naming: FileNaming
    var form: LineAssembler.Form
    /// Without `restart`, `stream` and `node`.
    var labels: Labels
    /// What the origins of its batches begin with.
    var origin: String
    var options: StreamOptions
    /// Another one when the options changed.
    var version = 0
    /// Lines that are there when it is first seen are left out.
    var startsAtEnd = false
    /// Files older than this, in nanoseconds, are not begun.
    var ignoreOlder: Int64?
}

/// What is known of a container beside its log's path.
public struct LogMetadata: Hashable, Sendable {
    /// Added to the stream's labels.
    public var labels: Labels
    /// `logs.binnacle.dev/…`, without the prefix.
    public var annotations: [String: String]

    public init(labels: Labels = Labels(), annotations: [String: String] = [:]) {
        self.labels = labels
        self.annotations = annotations
    }
}

/// Who knows pods, as the tailer asks; answers from memory. nil if the pod is not known (yet): its lines are shipped with what
/// their path says.
public protocol LogMetadataSource: Sendable {
    func metadata(namespace: String, pod: String, uid: String, container: String) -> LogMetadata?
}

/// Finds sources of one kind. Owned by the tailer.
protocol SourceFinder: AnyObject {
    /// All sources that are there, or nil if nothing changed since the last call.
    func find(_ context: FinderContext) -> [LogSource]?
}
