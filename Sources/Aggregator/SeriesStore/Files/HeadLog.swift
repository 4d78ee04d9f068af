import SQLite

/// `head.db`: the log of what is acknowledged but in no day file yet. One row a commit.
final class HeadLog {
    static let schema = "CREATE TABLE log(seq INTEGER PRIMARY KEY, record BLOB NOT NULL) STRICT;"

    let database: Database
    private(set) var lastSequence: Int64
    let path: String

    init(path: String) throws {
        self.path = path
        database = try StoreFile.open(path, schema: HeadLog.schema)
        lastSequence = try database.scalar("SELECT max(seq) FROM log")?.integer ?? 0
    }

    /// Numbers never go back, even if the log was lost: day files remember how far they are.
    func continueAfter(_ sequence: Int64) { lastSequence = max(lastSequence, sequence) }

    /// Durable when it returns.
    func append(_ record: [UInt8]) throws -> Int64 {
        do {
            // A single statement is its own transaction.
            try database.run("INSERT INTO log VALUES(?, ?)", .integer(lastSequence + 1), .blob(record))
        } catch {
            // A commit that failed late may be in the file all the same: its number must not be given out again.
            if let last = try? database.scalar("SELECT max(seq) FROM log")?.integer { continueAfter(last) }
            throw error
        }
        lastSequence += 1
        return lastSequence
    }

    func forEach(_ body: (_ sequence: Int64, _ record: [UInt8]) throws -> Void) throws {
        let rows = try database.prepare("SELECT seq, record FROM log ORDER BY seq")
        while try rows.step() { try body(rows.integer(0), rows.blob(1)) }
        rows.reset()
    }

    /// Removes the rows up to `sequence`. The newest of all stays, emptied: it keeps the numbering.
    func trim(through sequence: Int64) throws {
        let sequence = min(sequence, lastSequence)
        try database.transaction {
            try database.run("DELETE FROM log WHERE seq <= ? AND seq < (SELECT max(seq) FROM log)", .integer(sequence))
            try database.run("UPDATE log SET record = zeroblob(0) WHERE seq <= ?", .integer(sequence))
        }
    }

    /// Gives the pages of trimmed rows back to the file system.
    func shrink() throws {
        try database.execute("PRAGMA incremental_vacuum")
        try database.checkpoint(truncating: true)
    }

    func checkpoint() throws { try database.checkpoint(truncating: true) }
}
