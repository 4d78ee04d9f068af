import Logging
import ServiceLifecycle

/// One part of the program as a service: its life, and what to do when the program stops.
struct Part: Service {
    let name: String
    let body: @Sendable () async throws -> Void
    /// Runs after the body has ended or was told to stop: flushing, closing.
    var onStop: (@Sendable () async -> Void)?
    /// Runs when the program is told to stop, before the body is cancelled.
    var beforeStop: (@Sendable () async -> Void)?

    func run() async throws {
        do {
            try await withGracefulShutdownStream { stopping in
                try await withThrowingTaskGroup(of: Bool.self) { group in
                    group.addTask {
                        try await body()
                        return false
                    }
                    group.addTask {
                        for await _ in stopping { break }
                        return true
                    }
                    // A body that ends by itself leaves its part idle, not failed.
                    var isTold = false
                    while !isTold, let told = try await group.next() { isTold = told }
                    await beforeStop?()
                    group.cancelAll()
                    try await group.waitForAll()
                }
            }
        } catch is CancellationError {
            // How shutdown arrives: a normal end.
        }
        await onStop?()
    }
}

/// Hands `body` a stream that yields once when the program is told to stop, or the task is cancelled.
private func withGracefulShutdownStream(_ body: (AsyncStream<Void>) async throws -> Void) async throws {
    let (stream, tell) = AsyncStream.makeStream(of: Void.self)
    try await withGracefulShutdownHandler {
        try await withTaskCancellationHandler {
            try await body(stream)
        } onCancel: {
            tell.yield()
        }
    } onGracefulShutdown: {
        tell.yield()
    }
}
