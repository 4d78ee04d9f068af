import Glibc
import JSON
import Runtime
import Telemetry

/// The directory that holds all state: locked by one copy, and marked with its format's version.
final class DataDirectory: Sendable {
    /// Of the directory's layout; each store's files carry their own versions.
    static let formatVersion = 1

    let path: String
    private let lock: HostFile

    var objects: String { "\(path)/objects" }
    var series: String { "\(path)/series" }
    var logs: String { "\(path)/logs" }
    var tail: String { "\(path)/tail" }
    var runtime: String { "\(path)/runtime" }
    var pods: String { "\(path)/pods" }
    var podLogs: String { "\(path)/pod-logs" }
    var certificates: String { "\(path)/pki" }

    private init(path: String, lock: HostFile) {
        self.path = path
        self.lock = lock
    }

    /// Makes the directory if need be and locks it. Refuses, changing nothing, what another copy holds, what
    /// cannot be written and what a newer version wrote.
    static func open(_ path: String) throws -> DataDirectory {
        let files = HostFileSystem()
        do {
            try files.makeDirectory(path, mode: 0o700)
        } catch {
            throw CommandFailure(message: "\(error)", hint: "name a directory that can be written with --data-dir")
        }
        try checkVersion(path, files)
        let lock: HostFile
        do {
            lock = try HostFile("\(path)/lock", flags: O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
        } catch {
            throw CommandFailure(message: "\(error)", hint: "the data directory must be writable; name another with --data-dir")
        }
        guard flock(lock.descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = (try? files.text("\(path)/lock")).flatMap { $0.isEmpty ? nil : $0.split(separator: "\n").first.map(String.init) }
            throw CommandFailure(
                message: "the data directory \(path) is in use by another binnacle" + (holder.map { " (pid \($0))" } ?? ""),
                hint: "stop that one, or give this one its own with --data-dir and --port-offset")
        }
        guard ftruncate(lock.descriptor, 0) == 0 else { throw CommandFailure(message: "cannot write \(path)/lock: \(errnoText(errno))") }
        do {
            try lock.write(Array("\(getpid())\n".utf8))
            if !files.exists("\(path)/version.json") {
                let version: JSON = ["format": JSON(formatVersion), "binnacle": .string(Binnacle.version)]
                try files.replace("\(path)/version.json", version.bytes() + [0x0A], mode: 0o600)
            }
        } catch {
            throw CommandFailure(message: "\(error)", hint: "make room in the file system that holds \(path), or name another with --data-dir")
        }
        return DataDirectory(path: path, lock: lock)
    }

    private static func checkVersion(_ path: String, _ files: HostFileSystem) throws {
        guard files.exists("\(path)/version.json") else { return }
        let text = (try? files.read("\(path)/version.json")) ?? []
        guard let document = try? JSON.parse(text), let format = document["format"].int else {
            throw CommandFailure(
                message: "\(path)/version.json cannot be read", hint: "restore the file from a backup, or name another directory with --data-dir")
        }
        guard format <= formatVersion else {
            throw CommandFailure(
                message:
                    "the data directory \(path) was written by a newer binnacle (\(document["binnacle"].string ?? "?"), format \(format); this one knows \(formatVersion))",
                hint: "run that version, or name another directory with --data-dir; nothing was changed")
        }
    }
}
