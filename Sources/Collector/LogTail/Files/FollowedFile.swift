import Runtime
import Telemetry

/// A file that is followed. Owned by the tailer.
final class FollowedFile {
    let number: Int
    var name: LogFileName
    var nameText: String
    let identity: FileIdentity
    var generation: Int
    /// What the store knows the file by, within its source. It rests on the file's own text where that has stamps, not on the tailer's
    /// state, so that a tailer that lost its checkpoints sends everything again and the store keeps each line once.
    var originKey: String
    /// Its first bytes as far as they are known, at most 256.
    var beginning: [UInt8]
    /// nil once a file was read to its end and left alone.
    var handle: (any ReadableFile)?
    /// How far it was read.
    var offset: Int64
    /// Its size when it was last looked at.
    var size: Int64
    /// For each stream where the next batch begins.
    var sent: [Int64]
    /// How far all records are durable; what the checkpoint says.
    var acknowledged: Int64
    /// Not in its directory when that was listed last.
    private(set) var isGone = false
    private(set) var goneSince: Int64 = 0
    /// When it last had something new.
    var grown: Int64
    /// Of a compressed file its size as it lies there.
    var packedSize: Int64 = 0

    init(
        number: Int, name: LogFileName, nameText: String, identity: FileIdentity, generation: Int, originKey: String, beginning: [UInt8],
        handle: (any ReadableFile)?, offset: Int64, size: Int64, now: Int64
    ) {
        self.number = number
        self.name = name
        self.nameText = nameText
        self.identity = identity
        self.generation = generation
        self.originKey = originKey
        self.beginning = beginning
        self.handle = handle
        self.offset = offset
        self.size = size
        sent = [offset, offset]
        acknowledged = offset
        grown = now
    }

    /// Begins anew after the file was cut in place.
    func restart(originKey: String, beginning: [UInt8]) {
        generation += 1
        self.originKey = originKey
        self.beginning = beginning
        offset = 0
        acknowledged = 0
        sent = [0, 0]
    }

    func vanish(_ now: Int64) {
        guard !isGone else { return }
        (isGone, goneSince) = (true, now)
    }

    /// A listing that was made while files were renamed may have missed it.
    func reappear() { isGone = false }

    var isRotated: Bool { name.rotation != nil }
}

/// A source and its files. Owned by the tailer.
final class FollowedSource {
    var source: LogSource
    /// Sorted from oldest to newest.
    var files: [FollowedFile] = []
    /// By run.
    var pipelines: [Int: RunPipeline] = [:]
    var modified: Int64?
    /// A file's size or beginning is not what it should be: list even if the directory did not change.
    var isSuspect = false
    var isGone = false
    /// Rows of checkpoints that no file has claimed yet.
    var rows: [Checkpoints.Row]
    /// By inode, for files that were overwritten in place.
    var generations: [UInt64: Int] = [:]
    /// Files that were read to their end and are gone, to know them again once they come back compressed. Bounded.
    var finished: [(fingerprint: UInt64, beginning: [UInt8], originKey: String, offset: Int64)] = []
    /// Compressed files that cannot be read, by inode, so that they are counted once.
    var unreadable: Set<UInt64> = []
    var isFirstListing = true

    init(_ source: LogSource, rows: [Checkpoints.Row]) {
        self.source = source
        self.rows = rows
    }

    func remember(_ file: FollowedFile) {
        finished.append((file.identity.fingerprint, file.beginning, file.originKey, file.offset))
        if finished.count > 64 { finished.removeFirst() }
    }

    func origin(_ file: FollowedFile, _ stream: CRILine.Stream) -> String {
        let run = source.naming == .runs ? "\(file.name.run)/" : ""
        return "\(source.origin)/\(run)\(file.originKey)/\(stream.name)"
    }

    func labels(run: Int, stream: CRILine.Stream, node: String) -> Labels {
        var labels = source.labels
        if source.naming == .runs { labels["restart"] = "\(run)" }
        if source.form != .plain { labels["stream"] = stream.name }
        labels["node"] = node
        return labels
    }
}
