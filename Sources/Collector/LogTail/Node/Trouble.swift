import Synchronization

/// What keeps sources of log lines from being read at this moment, by source, in words for who looks at the program's health.
public final class Trouble: Sendable {
    private let state = Mutex<[String: String]>([:])

    public init() {}

    /// nil is that all is well with it again.
    public func set(_ source: String, _ problem: String?) {
        state.withLock { if $0[source] != problem { $0[source] = problem } }
    }

    /// All of it in one text; nil if there is none.
    public var text: String? {
        let problems = state.withLock { $0.sorted { $0.key < $1.key } }
        return problems.isEmpty ? nil : problems.map { "\($0.key): \($0.value)" }.joined(separator: "; ")
    }
}
