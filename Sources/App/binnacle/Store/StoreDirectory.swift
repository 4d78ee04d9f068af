import Glibc
import HTTP
import JSON
import Runtime
import SeriesStore
import Serving

/// The metric store in a directory that a person names: a data directory, a backup, or the store's own directory.
struct StoreDirectory: Sendable {
    /// Of the store's files.
    let series: String
    /// The data directory around it, if it is in one.
    let data: String?

    static func find(_ path: String) throws -> StoreDirectory {
        let files = HostFileSystem()
        func holdsStore(_ place: String) -> Bool { ["catalog.db", "head.db"].contains { files.exists("\(place)/\($0)") } }
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        if holdsStore("\(path)/series") { return StoreDirectory(series: "\(path)/series", data: path) }
        if holdsStore(path) {
            let parent = path.hasSuffix("/series") ? String(path.dropLast(7)) : nil
            return StoreDirectory(series: path, data: parent)
        }
        let isThere = files.exists(path)
        throw CommandFailure(
            message: isThere ? "\(path) holds no metric store" : "there is no \(path)",
            hint: "name a data directory, a backup or a directory with catalog.db", exitCode: 2)
    }

    /// Of the log store's files, if the data directory has one.
    var logs: String? {
        guard let data, HostFileSystem().exists("\(data)/logs/wal.db") else { return nil }
        return "\(data)/logs"
    }

    /// Whether another process has the store open.
    var isInUse: Bool {
        guard let lock = try? HostFile("\(series)/lock", flags: O_RDONLY) else { return false }
        return flock(lock.descriptor, LOCK_SH | LOCK_NB) != 0
    }

    /// Asks the process that has the store open to do something; returns its last line.
    func ask(_ target: String, _ progress: (String) -> Void) async throws -> JSON {
        guard let data, let access = AdminAccess.read(from: data) else {
            throw CommandFailure(
                message: "\(series) is open in another process, and there is no readable admin.json beside it",
                hint: "name the data directory as its owner, or stop the process first")
        }
        guard var address = HTTPAddress("http://127.0.0.1:\(access.port)") else { throw CommandFailure(message: "\(data)/admin.json has no port") }
        address.target = target
        var pending: [UInt8] = []
        var last: JSON = .null
        var status = 0
        do {
            try await HTTPClient().stream("POST", address, fields: ["Authorization": "Bearer \(access.token)"]) { answer in
                status = answer.status
            } onBody: { bytes in
                pending += bytes
                while let end = pending.firstIndex(of: 0x0A) {
                    last = (try? JSON.parse(Array(pending[..<end]))) ?? .null
                    pending.removeFirst(end + 1)
                    if let file = last["file"].string { progress(file) }
                }
            }
        } catch let error as ServingError {
            throw CommandFailure(
                message: "the process that has \(series) open cannot be reached: \(error)", hint: "is it starting or stopping? try again in a moment",
                exitCode: 5)
        }
        if !pending.isEmpty { last = (try? JSON.parse(pending)) ?? last }
        if let error = last["error"].string { throw CommandFailure(message: error) }
        guard status == 200, last["done"] == true else { throw CommandFailure(message: "the server answered \(status) and broke off") }
        return last
    }

    /// Opens the store for work in this process: nothing that is in it is too old.
    func open() throws -> SeriesStore {
        var configuration = SeriesStoreConfiguration()
        configuration.retention = SeriesStoreConfiguration.unlimited
        configuration.outOfOrderWindow = SeriesStoreConfiguration.unlimited
        do {
            return try SeriesStore.open(directory: series, configuration: configuration, metrics: MetricRegistry())
        } catch {
            throw CommandFailure(message: "\(error)")
        }
    }
}
