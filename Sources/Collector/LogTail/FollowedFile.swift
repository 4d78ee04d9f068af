import Runtime
import Telemetry

/// A file that is followed. Owned by the tailer.
final class FollowedFile {
    let number: Int
    var name: ContainerLogName
    var nameText: String
    let identity: FileIdentity
    var generation: Int
    /// nil once a rotated file was read to its end and left alone.
    var handle: (any ReadableFile)?
    /// How far it was read.
    var offset: Int64
    /// Its size when it was last looked at.
    var size: Int64
    /// For each stream where the next batch begins.
    var sent: [Int64]
    /// How far all records are durable; what the checkpoint says.
    var acknowledged: Int64
    var isGone = false
    /// When it last had something new.
    var grown: Int64

    init(
        number: Int, name: ContainerLogName, nameText: String, identity: FileIdentity, generation: Int, handle: any ReadableFile, offset: Int64,
        size: Int64, now: Int64
    ) {
        self.number = number
        self.name = name
        self.nameText = nameText
        self.identity = identity
        self.generation = generation
        self.handle = handle
        self.offset = offset
        self.size = size
        sent = [offset, offset]
        acknowledged = offset
        grown = now
    }

    /// Begins anew after the file was cut in place.
    func restart() {
        generation += 1
        offset = 0
        acknowledged = 0
        sent = [0, 0]
    }

    /// What the store knows the file's stream by. It rests on the file's own text, not on the tailer's state, so that a tailer
    /// that lost its checkpoints sends everything again and the store keeps each line once.
    func origin(_ container: ContainerLogDirectory, _ stream: CRILine.Stream) -> String {
        let fingerprint = String(identity.fingerprint, radix: 16)
        return "\(container.uid)/\(container.container)/\(name.restart)/\(identity.inode)-\(fingerprint)-\(generation)/\(stream.name)"
    }
}

/// A container's directory and its files. Owned by the tailer.
final class FollowedContainer {
    let directory: ContainerLogDirectory
    let path: String
    /// Sorted from oldest to newest.
    var files: [FollowedFile] = []
    /// By restart.
    var assemblers: [Int: LineAssembler] = [:]
    var modified: Int64?
    /// A file's size or beginning is not what it should be: list even if the directory did not change.
    var isSuspect = false
    var isGone = false
    /// Rows of checkpoints that no file has claimed yet.
    var rows: [Checkpoints.Row]
    /// By inode, for files that were overwritten in place.
    var generations: [UInt64: Int] = [:]
    /// Plain names that were followed, to know which compressed files hold nothing new.
    var readNames: Set<String> = []
    var isFirstListing = true

    init(directory: ContainerLogDirectory, path: String, rows: [Checkpoints.Row]) {
        self.directory = directory
        self.path = path
        self.rows = rows
        readNames = Set(rows.map(\.name))
    }

    func labels(restart: Int, stream: CRILine.Stream, node: String) -> Labels {
        Labels([
            ("namespace", directory.namespace), ("pod", directory.pod), ("pod_uid", directory.uid), ("container", directory.container),
            ("restart", "\(restart)"), ("stream", stream.name), ("node", node),
        ])
    }
}
