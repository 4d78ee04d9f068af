import Glibc
import Runtime
import SQLite

extension LogArchive {
    /// Copies the store as it is now into `target`, an empty or missing directory, while it goes on. The copy is opened like any
    /// store. Returns the bytes written.
    ///
    /// The log is copied before the days: what is flushed in between is in the log's copy, in the day's, or in both,
    /// and then the day's `flushed_sequence` tells.
    @concurrent @discardableResult
    public func snapshot(to target: String, progress: @Sendable (String) -> Void = { _ in }) async throws -> Int {
        try Self.copy(options.directory, to: target, progress)
    }

    /// Copies a snapshot into `directory`, which must be empty or missing and of no running store. The copy is checked when it is opened.
    public static func restore(_ snapshot: String, to directory: String, progress: (String) -> Void = { _ in }) throws {
        _ = try copy(snapshot, to: directory, progress)
    }

    private static func copy(_ directory: String, to target: String, _ progress: (String) -> Void) throws -> Int {
        let files = HostFileSystem()
        do {
            try files.makeDirectory(target, mode: 0o750)
            guard try files.list(target).isEmpty else {
                throw LogStoreError.cannotOpen(path: target, reason: "it holds files already; choose an empty directory")
            }
            var bytes = 0
            for name in ["wal.db"] + (try files.list(directory).filter { DayFile.day(named: $0) != nil }.sorted()) {
                progress(name)
                do {
                    let database = try Database(path: "\(directory)/\(name)", durability: .readOnly)
                    try database.run("VACUUM INTO ?", .text("\(target)/\(name)"))
                } catch {
                    // Retention may remove a day meanwhile.
                    guard files.exists("\(directory)/\(name)") else { continue }
                    throw error
                }
                try HostFile("\(target)/\(name)", flags: O_RDONLY).sync()
                bytes += Int(try files.status("\(target)/\(name)").size)
            }
            try HostFile(target, flags: O_RDONLY).sync()
            return bytes
        } catch let error as LogStoreError {
            throw error
        } catch {
            throw LogStoreError.storage(reason: "the copy to \(target) failed: \(error)")
        }
    }
}
