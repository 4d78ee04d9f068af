import Synchronization

/// Fails the nth step of a name, once: the place of a crash or of a full disk.
final class FaultPlan: Sendable {
    struct Stop: Error {}
    private let state: Mutex<(name: String?, left: Int, error: any Error)>

    init(_ name: String? = nil, nth: Int = 1, error: any Error = Stop()) { state = Mutex((name, nth, error)) }

    func arm(_ name: String, nth: Int = 1, error: any Error = Stop()) { state.withLock { $0 = (name, nth, error) } }
    /// Whether the failure has happened.
    var faulted: Bool { state.withLock { $0.name == nil } }

    var step: @Sendable (String) throws -> Void {
        { name in
            let error: (any Error)? = self.state.withLock { state in
                guard state.name == name else { return nil }
                state.left -= 1
                guard state.left == 0 else { return nil }
                state.name = nil
                return state.error
            }
            if let error { throw error }
        }
    }
}
