import CSQLite

/// Reads ranges of many rows' blobs of one column: opening a handle costs more than reading a few kilobytes.
///
/// While the handle is open the connection stays in its read transaction, so `close` before that is to end.
@safe public final class BlobReader {
    private let database: Database
    private let table: String
    private let column: String
    private var blob: OpaquePointer?
    private var row: Int64 = 0

    public init(_ database: Database, table: String, column: String) {
        self.database = database
        self.table = table
        self.column = column
    }

    deinit { close() }

    public func close() {
        if unsafe blob != nil { unsafe sqlite3_blob_close(blob) }
        unsafe blob = nil
    }

    /// A range of the bytes of the row's blob, without reading the rest of it.
    public func read(_ row: Int64, _ range: Range<Int>) throws(SQLiteError) -> [UInt8] {
        try open(row)
        guard range.lowerBound >= 0, range.upperBound <= Int(unsafe sqlite3_blob_bytes(blob)) else {
            throw SQLiteError(code: SQLITE_CORRUPT, message: "the blob \(column) of \(table) \(row) is too short", sql: nil, path: database.path)
        }
        var failure = SQLITE_OK
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: range.count) { buffer, used in
            failure = unsafe sqlite3_blob_read(blob, buffer.baseAddress, Int32(range.count), Int32(range.lowerBound))
            used = failure == SQLITE_OK ? range.count : 0
        }
        guard failure == SQLITE_OK else { throw database.error(failure, "read the blob \(column) of \(table) \(row)") }
        return bytes
    }

    private func open(_ wanted: Int64) throws(SQLiteError) {
        if unsafe blob != nil {
            if row == wanted { return }
            if unsafe sqlite3_blob_reopen(blob, wanted) == SQLITE_OK {
                row = wanted
                return
            }
            // A handle that could not be moved is of no further use.
            close()
        }
        let code = unsafe sqlite3_blob_open(database.handle, "main", table, column, wanted, 0, &blob)
        guard code == SQLITE_OK else {
            let failure = database.error(code, "open the blob \(column) of \(table) \(wanted)")
            close()
            throw failure
        }
        row = wanted
    }
}
