import SQLite
import Telemetry

/// What is never sent leaves a gap in what the store knows of its file, and the store bears a bounded number of them. So the next
/// batch of the file says that its bytes begin where the gap does.
extension LogSpool {
    func noteGap(_ batch: LogBatch) throws {
        guard let origin = batch.origin, origin.start < origin.end else { return }
        // The one that ends where this begins grows.
        let (node, file) = (SQLiteValue.text(origin.node), SQLiteValue.text(origin.file))
        let grown = try database.run(
            "UPDATE OR REPLACE gap SET end=? WHERE node=? AND file=? AND end=?", .integer(origin.end), node, file, .integer(origin.start))
        if grown == 0 { try database.run("INSERT OR REPLACE INTO gap VALUES(?, ?, ?, ?)", node, file, .integer(origin.start), .integer(origin.end)) }
    }

    func spanningGaps(_ batch: LogBatch) throws -> LogBatch {
        guard let origin = batch.origin, !batch.ends.isEmpty,
            let start = try database.scalar(
                "SELECT min(start) FROM gap WHERE node=? AND file=? AND end<=?", .text(origin.node), .text(origin.file), .integer(origin.start))?.integer
        else { return batch }
        var batch = batch
        // What lies between two gaps has been sent before.
        batch.origin?.start = min(origin.start, start)
        return batch
    }

    func forgetGaps(_ batch: LogBatch) throws {
        guard let origin = batch.origin else { return }
        try database.run(
            "DELETE FROM gap WHERE node=? AND file=? AND start>=? AND end<=?", .text(origin.node), .text(origin.file), .integer(origin.start),
            .integer(origin.end))
    }
}
