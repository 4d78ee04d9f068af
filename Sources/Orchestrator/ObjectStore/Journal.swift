import Glibc
import Runtime
import SQLite

/// The file of the object store: one append-only table whose row id is the revision (docs/formats/objects.md).
/// Used on the writer's queue alone.
struct Journal {
    static let formatVersion: Int64 = 1
    /// "BinO": tells our file from other SQLite files.
    static let applicationID: Int64 = 0x4269_6E4F

    private let database: Database
    /// Held while the store is open: two processes would hand out the same revisions.
    private var lock: HostFile?
    /// States before this revision are no longer complete.
    private(set) var compactRevision: Int64
    let wasCreated: Bool

    /// Opens or makes the file; refuses one of a newer format and one that is not ours.
    init(path: String, maximumBytes: Int64?) throws(StoreError) {
        lock = try Self.takeLock(path)
        let wasStopped = try Self.prepareFile(path)
        let database = try StoreError.translating { () throws(SQLiteError) in try Database(path: path, durability: .full) }
        func integer(_ sql: String) throws(StoreError) -> Int64? {
            try StoreError.translating { () throws(SQLiteError) in try database.scalar(sql)?.integer }
        }
        wasCreated = try integer("SELECT count(*) FROM sqlite_schema") == 0
        if wasCreated {
            try StoreError.translating { () throws(SQLiteError) in try database.execute(Self.schema) }
        } else {
            guard try integer("PRAGMA application_id") == Self.applicationID else {
                throw .failed("\(path): this SQLite file is not an object store; move it away or name another data directory")
            }
            let version = try integer("PRAGMA user_version") ?? 0
            guard version <= Self.formatVersion else {
                throw .failed(
                    "\(path): the object store has format \(version), and this binnacle reads up to \(Self.formatVersion); "
                        + "run the newer binnacle that wrote it, or restore an older backup")
            }
        }
        compactRevision = try integer("SELECT value FROM facts WHERE name='compacted'") ?? 1
        if !wasStopped { try Self.checkWhole(database) }
        if let maximumBytes {
            let page = try integer("PRAGMA page_size") ?? 4096
            _ = try integer("PRAGMA max_page_count=\(max(8, maximumBytes / page))")
        }
        self.database = database
    }

    private static let schema = """
        BEGIN IMMEDIATE;
        CREATE TABLE revisions(
            revision INTEGER PRIMARY KEY, key TEXT NOT NULL, created INTEGER NOT NULL, previous INTEGER NOT NULL,
            deleted INTEGER NOT NULL, expires INTEGER, written INTEGER NOT NULL, value BLOB) STRICT;
        CREATE INDEX revisions_by_key ON revisions(key, revision);
        CREATE TABLE facts(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        INSERT INTO facts VALUES('compacted', 1);
        PRAGMA application_id=\(applicationID);
        PRAGMA user_version=\(formatVersion);
        COMMIT
        """

    /// A lock of its own file: SQLite's own locks end with each transaction.
    private static func takeLock(_ path: String) throws(StoreError) -> HostFile {
        let file: HostFile
        do { file = try HostFile(path + "-lock", flags: O_RDWR | O_CREAT, mode: 0o600) } catch {
            throw .failed("the object store cannot be opened: \(error); give binnacle a data directory that it may write to")
        }
        // A binnacle that is just ending gets a second.
        for attempt in 1... {
            if flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 { break }
            guard errno == EWOULDBLOCK || errno == EINTR, attempt < 100 else {
                throw .failed("\(path) is in use by another binnacle; stop that one, or name another data directory")
            }
            usleep(10_000)
        }
        return file
    }

    var isOpen: Bool { lock != nil }

    /// Lets another process open the file. Nothing may be written afterwards.
    mutating func unlock() { lock = nil }

    /// Makes the file readable for its owner alone: it holds Secrets. SQLite gives its companions the same mode.
    /// - Returns: whether the store was closed in order the last time: SQLite then leaves no log behind.
    private static func prepareFile(_ path: String) throws(StoreError) -> Bool {
        do {
            let file = try HostFile(path, flags: O_RDWR | O_CREAT, mode: 0o600)
            if try file.status().mode & 0o077 != 0 { fchmod(file.descriptor, 0o600) }
        } catch {
            throw .failed("the object store cannot be opened: \(error); give binnacle a data directory that it may write to")
        }
        return (try? HostFileSystem().status(path + "-wal"))?.size ?? 0 == 0
    }

    /// After a crash: the file's structure must hold before anyone builds on it.
    private static func checkWhole(_ database: Database) throws(StoreError) {
        let verdict = try StoreError.translating { () throws(SQLiteError) in try database.scalar("PRAGMA quick_check(1)")?.text }
        guard verdict == "ok" else { throw .damaged(database.path, verdict ?? "no verdict") }
    }

    /// The newest revision that the file holds.
    func newestRevision() throws(SQLiteError) -> Int64 {
        max(compactRevision, try database.scalar("SELECT max(revision) FROM revisions")?.integer ?? 0)
    }

    /// All objects that are there, in the order of their keys.
    func current(_ body: (StoredObject) -> Void) throws(SQLiteError) {
        try read(
            "\(Self.columns) WHERE revision IN (SELECT max(revision) FROM revisions GROUP BY key) AND deleted=0 ORDER BY key", []
        ) { body($0.object) }
    }

    // MARK: Writing

    func begin() throws(SQLiteError) { try database.execute("BEGIN IMMEDIATE") }
    func commit() throws(SQLiteError) { try database.execute("COMMIT") }
    func rollBack() {
        // Fails if SQLite has rolled back by itself, as it does when the disk is full: then there is nothing to do.
        try? database.execute("ROLLBACK")
    }

    /// - Parameter written: milliseconds since 1970.
    func append(_ event: StoreEvent, written: Int64) throws(SQLiteError) {
        let object = event.object
        try database.run(
            "INSERT INTO revisions(revision, key, created, previous, deleted, expires, written, value) VALUES(?,?,?,?,?,?,?,?)",
            .integer(event.revision), .text(object.key), .integer(object.createRevision),
            .integer(event.previous?.modRevision ?? 0), .integer(event.isDeletion ? 1 : 0),
            event.isDeletion ? .null : SQLiteValue(object.expires), .integer(written),
            event.isDeletion ? .null : .blob(object.value))
    }

    // MARK: History

    /// The changes after `revision` under a prefix, oldest first. The caller has checked `compactRevision`.
    func events(after revision: Int64, prefix: String) throws(SQLiteError) -> [StoreEvent] {
        var rows: [Row] = []
        try read(
            "\(Self.columns) WHERE revision > ? AND key >= ? AND key < ? ORDER BY revision",
            [.integer(revision), .text(prefix), .text(prefix.upperBoundOfPrefix)]
        ) { rows.append($0) }
        var events: [StoreEvent] = []
        events.reserveCapacity(rows.count)
        // Most predecessors are among the rows themselves.
        var seen: [Int64: StoredObject] = [:]
        for row in rows {
            var previous = seen[row.previous]
            if previous == nil, row.previous > 0 {
                try read("\(Self.columns) WHERE revision = ?", [.integer(row.previous)]) { previous = $0.object }
            }
            if row.isDeletion {
                // A tombstone carries no value: what went is the state before.
                guard let previous else { continue }
                events.append(
                    StoreEvent(
                        revision: row.object.modRevision, isDeletion: true, object: previous.deleted(at: row.object.modRevision),
                        previous: previous))
            } else {
                seen[row.object.modRevision] = row.object
                events.append(StoreEvent(revision: row.object.modRevision, isDeletion: false, object: row.object, previous: previous))
            }
        }
        return events
    }

    /// The objects under a prefix as they were at `revision`, in the order of their keys.
    func list(prefix: String, after last: String?, limit: Int?, at revision: Int64) throws(SQLiteError) -> StoredList {
        var objects: [StoredObject] = []
        var total = 0
        let lower = last ?? prefix
        try read(
            """
            \(Self.columns) WHERE revision IN (
                SELECT max(revision) FROM revisions WHERE key >= ? AND key < ? AND revision <= ? GROUP BY key
            ) AND deleted=0 ORDER BY key
            """, [.text(lower), .text(prefix.upperBoundOfPrefix), .integer(revision)]
        ) { row in
            guard row.object.key != last else { return }
            total += 1
            if objects.count < limit ?? .max { objects.append(row.object) }
        }
        return StoredList(objects: objects, revision: revision, remaining: total - objects.count)
    }

    /// The newest revision written before `time` (milliseconds since 1970) that leaves at least `keeping` newer ones.
    func revision(writtenBefore time: Int64, keeping: Int) throws(SQLiteError) -> Int64 {
        let newest = try newestRevision()
        let ceiling = newest - Int64(keeping)
        guard ceiling > compactRevision else { return compactRevision }
        // `written` follows the revision but for steps of the clock, so the search goes down from the ceiling.
        let statement = try database.prepare("SELECT revision FROM revisions WHERE revision <= ? AND written < ? ORDER BY revision DESC LIMIT 1")
        try statement.bind([.integer(ceiling), .integer(time)])
        defer { statement.reset() }
        return try statement.step() ? statement.integer(0) : compactRevision
    }

    /// Drops what no state at or after `revision` needs. One transaction.
    mutating func compact(to revision: Int64) throws(SQLiteError) {
        guard revision > compactRevision else { return }
        do {
            try database.transaction {
                // A state that a newer one up to `revision` replaced, and a deletion: neither is part of any state from `revision` on.
                try database.run(
                    """
                    DELETE FROM revisions WHERE revision <= ?1 AND (deleted=1 OR EXISTS(
                        SELECT 1 FROM revisions AS newer WHERE newer.key = revisions.key AND newer.revision > revisions.revision AND newer.revision <= ?1))
                    """, .integer(revision))
                try database.run("UPDATE facts SET value=? WHERE name='compacted'", .integer(revision))
            }
        } catch let error as SQLiteError {
            throw error
        } catch {
            preconditionFailure("only SQLite fails in there: \(error)")
        }
        compactRevision = revision
        // Gives pages back to the file system a few at a time.
        try database.execute("PRAGMA incremental_vacuum(256)")
    }

    // MARK: Rows

    private struct Row {
        var object: StoredObject
        var previous: Int64
        var isDeletion: Bool
    }

    private static let columns = "SELECT revision, key, created, previous, deleted, expires, value FROM revisions"

    private func read(_ sql: String, _ values: [SQLiteValue], _ body: (Row) -> Void) throws(SQLiteError) {
        let statement = try database.prepare(sql)
        try statement.bind(values)
        defer { statement.reset() }
        while try statement.step() {
            body(
                Row(
                    object: StoredObject(
                        key: statement.text(1), value: statement.blob(6), createRevision: statement.integer(2),
                        modRevision: statement.integer(0), expires: statement.isNull(5) ? nil : statement.integer(5)),
                    previous: statement.integer(3), isDeletion: statement.integer(4) != 0))
        }
    }
}

extension StoreError {
    static func damaged(_ path: String, _ how: String) -> StoreError {
        .failed(
            "\(path): the object store's file is damaged (\(how)); stop binnacle, keep a copy of the file, "
                + "and restore a backup or start with an empty file")
    }

    static func translating<Value>(_ body: () throws(SQLiteError) -> Value) throws(StoreError) -> Value {
        do { return try body() } catch { throw StoreError(error) }
    }

    init(_ error: SQLiteError) {
        if error.isFull {
            self = .full("\(error.path): the disk or the store's quota is full; free space, or raise the quota. Nothing was written")
        } else if error.isCorrupt {
            self = .damaged(error.path, error.message)
        } else {
            self = .failed(error.description)
        }
    }
}
