import LogQL
import Runtime

extension LogArchive {
    /// Deletes lines: they are gone from all answers when this returns, and from the disk when `isDone` says so and the
    /// replaced chunks have been purged, some twenty minutes later. Returns the deletion's number.
    public func delete(_ deletion: LogDeletion) async throws -> Int64 {
        try checkWritable()
        return try await writer.delete(deletion, now: options.clock.nanoseconds)
    }

    /// All deletions of the last thirty days, oldest first.
    public func deletions() async throws -> [LogDeletionStatus] { try await writer.deletions() }

    /// Takes a deletion back. False if it is unknown or done.
    public func cancelDeletion(_ id: Int64) async throws -> Bool {
        try checkWritable()
        return try await writer.cancel(id)
    }

    /// How many lines a deletion would take.
    public func preview(_ deletion: LogDeletion) async throws -> Int {
        let selection = LogSelection(deletion.matchers, in: deletion.range, filters: try deletion.lineFilters())
        let (partials, _) = try await scan(selection, into: { 0 }) { $0 += $1.count }
        return partials.reduce(0, +)
    }
}
