import SQLite

extension LogWAL {
    struct StoredDeletion: Sendable {
        var id: Int64
        var deletion: LogDeletion
        var created: Int64
        /// Records from this sequence on came later and stay.
        var bound: Int64
        var isDone: Bool
        var lines: Int64
    }

    func add(_ deletion: LogDeletion, bound: Int64, now: Int64) throws -> Int64 {
        try database.run(
            "INSERT INTO deletion(body, created, bound, done, lines) VALUES(?, ?, ?, 0, 0)", .blob(deletion.encoded), .integer(now), .integer(bound))
        return database.lastInsertedRow
    }

    /// True if there was such a deletion that was not done.
    func removeDeletion(_ id: Int64) throws -> Bool { try database.run("DELETE FROM deletion WHERE id=? AND done=0", .integer(id)) > 0 }

    func finishDeletion(_ id: Int64, lines: Int64) throws {
        try database.run("UPDATE deletion SET done=1, lines=lines+? WHERE id=?", .integer(lines), .integer(id))
    }

    func removeDeletions(createdBefore time: Int64) throws { try database.run("DELETE FROM deletion WHERE done=1 AND created<?", .integer(time)) }

    func deletions() throws -> [StoredDeletion] {
        let statement = try database.prepare("SELECT id, body, created, bound, done, lines FROM deletion ORDER BY id")
        defer { statement.reset() }
        var found: [StoredDeletion] = []
        while try statement.step() {
            found.append(
                StoredDeletion(
                    id: statement.integer(0), deletion: try LogDeletion(encoded: statement.blob(1)), created: statement.integer(2),
                    bound: statement.integer(3), isDone: statement.integer(4) == 1, lines: statement.integer(5)))
        }
        return found
    }
}
