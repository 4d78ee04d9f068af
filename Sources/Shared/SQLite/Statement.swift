import CSQLite

/// A value as SQLite stores it.
public enum SQLiteValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])

    public init(_ value: Int64?) { self = value.map { .integer($0) } ?? .null }
    public init(_ value: String?) { self = value.map { .text($0) } ?? .null }

    public var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    public var text: String? { if case .text(let value) = self { value } else { nil } }
    public var blob: [UInt8]? { if case .blob(let value) = self { value } else { nil } }
}

extension SQLiteValue: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral, ExpressibleByNilLiteral {
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(stringLiteral value: String) { self = .text(value) }
    public init(nilLiteral: ()) { self = .null }
}

/// A prepared statement. Owned by its `Database`, which must outlive each use.
@safe public final class Statement {
    private var pointer: OpaquePointer?
    private let database: OpaquePointer
    private let sql: String
    private let path: String

    init(pointer: OpaquePointer, database: OpaquePointer, sql: String, path: String) {
        unsafe self.pointer = unsafe pointer
        unsafe self.database = unsafe database
        self.sql = sql
        self.path = path
    }

    func finalize() {
        unsafe sqlite3_finalize(pointer)
        unsafe pointer = nil
    }

    /// Makes the statement ready to be bound and stepped anew.
    public func reset() {
        unsafe sqlite3_reset(pointer)
        unsafe sqlite3_clear_bindings(pointer)
    }

    /// Binds the parameters from the first on.
    public func bind(_ values: [SQLiteValue]) throws(SQLiteError) {
        for (position, value) in values.enumerated() { try bind(value, at: position + 1) }
    }

    /// Binds one parameter; the first is 1.
    public func bind(_ value: SQLiteValue, at position: Int) throws(SQLiteError) {
        let position = Int32(position)
        let code =
            switch value {
            case .null: unsafe sqlite3_bind_null(pointer, position)
            case .integer(let value): unsafe sqlite3_bind_int64(pointer, position, value)
            case .real(let value): unsafe sqlite3_bind_double(pointer, position, value)
            case .text(let value): unsafe sqlite3_bind_text(pointer, position, value, -1, binnacle_sqlite_transient())
            case .blob(let value):
                // A null base address would bind NULL in place of an empty blob.
                value.isEmpty
                    ? unsafe sqlite3_bind_zeroblob(pointer, position, 0)
                    : unsafe value.withUnsafeBytes {
                        unsafe sqlite3_bind_blob64(pointer, position, $0.baseAddress, UInt64($0.count), binnacle_sqlite_transient())
                    }
            }
        guard code == SQLITE_OK else { throw error(code) }
    }

    /// Goes to the next row; false at the end.
    public func step() throws(SQLiteError) -> Bool {
        switch unsafe sqlite3_step(pointer) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code:
            let failure = error(code)
            unsafe sqlite3_reset(pointer)
            throw failure
        }
    }

    // The columns of the current row, from 0.
    public func isNull(_ column: Int) -> Bool { unsafe sqlite3_column_type(pointer, Int32(column)) == SQLITE_NULL }
    public func integer(_ column: Int) -> Int64 { unsafe sqlite3_column_int64(pointer, Int32(column)) }
    public func real(_ column: Int) -> Double { unsafe sqlite3_column_double(pointer, Int32(column)) }

    public func text(_ column: Int) -> String {
        guard let bytes = unsafe sqlite3_column_text(pointer, Int32(column)) else { return "" }
        return unsafe String(cString: bytes)
    }

    public func blob(_ column: Int) -> [UInt8] {
        let count = Int(unsafe sqlite3_column_bytes(pointer, Int32(column)))
        guard count > 0, let bytes = unsafe sqlite3_column_blob(pointer, Int32(column)) else { return [] }
        // SQLite keeps the column's bytes until the next step or reset; they are copied before that.
        return unsafe Array(UnsafeRawBufferPointer(start: bytes, count: count))
    }

    public func value(_ column: Int) -> SQLiteValue {
        switch unsafe sqlite3_column_type(pointer, Int32(column)) {
        case SQLITE_INTEGER: .integer(integer(column))
        case SQLITE_FLOAT: .real(real(column))
        case SQLITE_TEXT: .text(text(column))
        case SQLITE_BLOB: .blob(blob(column))
        default: .null
        }
    }

    private func error(_ code: Int32) -> SQLiteError {
        SQLiteError(code: code, message: unsafe String(cString: sqlite3_errmsg(database)), sql: sql, path: path)
    }
}
