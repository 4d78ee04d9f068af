import CSQLite

/// What SQLite refused, with the statement it was given.
public struct SQLiteError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The extended result code.
    public var code: Int32
    public var message: String
    public var sql: String?
    public var path: String

    /// The result code without its extension: SQLITE_BUSY, SQLITE_FULL, SQLITE_CORRUPT, ...
    public var primaryCode: Int32 { code & 0xFF }
    public var isFull: Bool { primaryCode == SQLITE_FULL }
    public var isBusy: Bool { primaryCode == SQLITE_BUSY || primaryCode == SQLITE_LOCKED }
    public var isCorrupt: Bool { primaryCode == SQLITE_CORRUPT || primaryCode == SQLITE_NOTADB }
    public var isConstraint: Bool { primaryCode == SQLITE_CONSTRAINT }

    public var description: String { "\(path): \(message) (SQLite \(code))" + (sql.map { " in: \($0)" } ?? "") }
}

/// One connection to one SQLite file. Not Sendable: an actor or a lock owns it.
///
/// A thin wrapper of the C API with a cache of prepared statements; docs/decisions/sqlite.md says why not GRDB.
@safe public final class Database {
    public enum Durability: Sendable {
        /// WAL, synchronous=FULL: a commit that returned survives power loss. For what is acknowledged.
        case full
        /// WAL, synchronous=NORMAL: may lose the last commits at power loss. For what can be rebuilt.
        case normal
        /// Opened for reading only.
        case readOnly
    }

    public let path: String
    let handle: OpaquePointer
    private var statements: [String: Statement] = [:]

    /// Opens or makes the file. `:memory:` is a database of its own.
    public init(path: String, durability: Durability, pageSize: Int = 4096) throws(SQLiteError) {
        self.path = path
        var opened: OpaquePointer?
        let isReadOnly = durability == .readOnly
        let flags = (isReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) | SQLITE_OPEN_NOMUTEX
        let code = unsafe sqlite3_open_v2(path, &opened, flags, nil)
        guard code == SQLITE_OK, let opened = unsafe opened else {
            let message = unsafe opened.map { unsafe String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            unsafe sqlite3_close_v2(opened)
            throw SQLiteError(code: code, message: message, sql: nil, path: path)
        }
        unsafe handle = opened
        unsafe sqlite3_extended_result_codes(handle, 1)
        unsafe sqlite3_busy_timeout(handle, 5000)
        try execute("PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY")
        guard !isReadOnly else { return }
        // The page size binds only before the first table; auto_vacuum likewise.
        try execute("PRAGMA page_size=\(pageSize); PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL")
        try execute("PRAGMA synchronous=\(durability == .full ? "FULL" : "NORMAL"); PRAGMA journal_size_limit=67108864")
    }

    deinit {
        for (_, statement) in statements { statement.finalize() }
        unsafe sqlite3_close_v2(handle)
    }

    /// Runs statements that return nothing of interest.
    public func execute(_ sql: String) throws(SQLiteError) {
        let code = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw error(code, sql) }
    }

    /// The prepared statement for `sql`, reset and unbound; the same object for the same text.
    ///
    /// A statement that is still being stepped by a caller must not be asked for again.
    public func prepare(_ sql: String) throws(SQLiteError) -> Statement {
        if let known = statements[sql] {
            known.reset()
            return known
        }
        var pointer: OpaquePointer?
        let code = unsafe sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &pointer, nil)
        guard code == SQLITE_OK, let pointer = unsafe pointer else { throw error(code, sql) }
        let statement = unsafe Statement(pointer: pointer, database: handle, sql: sql, path: path)
        statements[sql] = statement
        return statement
    }

    /// Prepares, binds, runs to the end, and returns the number of rows changed.
    @discardableResult
    public func run(_ sql: String, _ values: SQLiteValue...) throws(SQLiteError) -> Int {
        let statement = try prepare(sql)
        try statement.bind(values)
        while try statement.step() {}
        statement.reset()
        return Int(unsafe sqlite3_changes64(handle))
    }

    /// The first column of the first row; nil without a row.
    public func scalar(_ sql: String, _ values: SQLiteValue...) throws(SQLiteError) -> SQLiteValue? {
        let statement = try prepare(sql)
        try statement.bind(values)
        defer { statement.reset() }
        return try statement.step() ? statement.value(0) : nil
    }

    /// BEGIN IMMEDIATE, `body`, COMMIT; ROLLBACK if `body` throws.
    public func transaction<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws -> Result {
        try execute("BEGIN IMMEDIATE")
        do {
            let result = try body()
            try execute("COMMIT")
            return result
        } catch {
            try? execute("ROLLBACK")
            throw error
        }
    }

    public var lastInsertedRow: Int64 { unsafe sqlite3_last_insert_rowid(handle) }

    /// Moves the write-ahead log into the file as far as readers allow, and cuts it to nothing if `truncating`.
    public func checkpoint(truncating: Bool = false) throws(SQLiteError) {
        let code = unsafe sqlite3_wal_checkpoint_v2(
            handle, nil, truncating ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, nil, nil)
        guard code == SQLITE_OK || code == SQLITE_BUSY else { throw error(code, "checkpoint") }
    }

    func error(_ code: Int32, _ sql: String) -> SQLiteError {
        SQLiteError(code: code, message: unsafe String(cString: sqlite3_errmsg(handle)), sql: sql, path: path)
    }
}
