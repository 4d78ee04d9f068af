/// Runs work that must end within `limit`, cancelling it and throwing `failure` when the time has passed first.
func withDeadline<Result: Sendable>(
    _ limit: Duration?, else failure: any Error, _ work: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    guard let limit else { return try await work() }
    return try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask { try await work() }
        group.addTask {
            try await Task.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let result = first else { throw failure }
        return result
    }
}
