import Synchronization

/// A value that is set once or seldom and read from anywhere.
final class LockedValue<Value: Sendable>: Sendable {
    private let state: Mutex<Value>
    init(_ value: Value) { state = Mutex(value) }
    func get() -> Value { state.withLock { $0 } }
    func set(_ value: Value) { state.withLock { $0 = value } }
    func change(_ body: (inout Value) -> Void) { state.withLock { body(&$0) } }
}
