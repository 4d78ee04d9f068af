import Synchronization
import UnixSignals

/// SIGTERM and SIGINT as they arrive.
enum TerminationSignal {
    /// `SIGTERM` or `SIGINT`, each time one comes.
    static func stream() -> AsyncStream<String> {
        AsyncStream { continuation in
            let task = Task {
                for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
                    continuation.yield(signal == .sigterm ? "SIGTERM" : "SIGINT")
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }
}

/// Raised once, from any task.
final class StopFlag: Sendable {
    private let flag = Atomic(false)
    var isRaised: Bool { flag.load(ordering: .acquiring) }
    func raise() { flag.store(true, ordering: .releasing) }
}
