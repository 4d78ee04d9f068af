import CSQLite

extension Database {
    /// A range of the bytes of one blob, without reading the rest of it.
    public func blob(table: String, column: String, row: Int64, _ range: Range<Int>) throws(SQLiteError) -> [UInt8] {
        var blob: OpaquePointer?
        let code = unsafe sqlite3_blob_open(handle, "main", table, column, row, 0, &blob)
        defer { unsafe sqlite3_blob_close(blob) }
        guard code == SQLITE_OK else { throw error(code, "open the blob \(column) of \(table) \(row)") }
        guard range.lowerBound >= 0, range.upperBound <= Int(unsafe sqlite3_blob_bytes(blob)) else {
            throw SQLiteError(code: SQLITE_CORRUPT, message: "the blob \(column) of \(table) \(row) is too short", sql: nil, path: path)
        }
        var failure = SQLITE_OK
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: range.count) { buffer, used in
            failure = unsafe sqlite3_blob_read(blob, buffer.baseAddress, Int32(range.count), Int32(range.lowerBound))
            used = failure == SQLITE_OK ? range.count : 0
        }
        guard failure == SQLITE_OK else { throw error(failure, "read the blob \(column) of \(table) \(row)") }
        return bytes
    }
}
