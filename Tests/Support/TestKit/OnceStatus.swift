import Synchronization

/// The exit status of a process, collected once.
final class OnceStatus: Sendable {
    private let state = Mutex<Int32?>(nil)
    var value: Int32? { state.withLock { $0 } }
    func set(_ collect: () -> Int32?) -> Int32? {
        state.withLock { known in
            if known == nil { known = collect() }
            return known
        }
    }
}
