import ContainerRuntime

/// The runtime's sandboxes by pod uid, as they are after the question was asked.
///
/// Pods that ask at the same time share one call: whoever comes while a call is under way waits for the next one,
/// since the present one may have looked too early.
actor RuntimeView {
    typealias Sandboxes = [String: [SandboxStatus]]
    private enum Turn {
        case answer(Sandboxes?)
        case lead([CheckedContinuation<Turn, Never>])
    }

    private let runtime: any ContainerRuntime
    private var isAsking = false
    private var waiting: [CheckedContinuation<Turn, Never>] = []
    private(set) var callCount = 0

    init(runtime: any ContainerRuntime) { self.runtime = runtime }

    /// Nil if the runtime did not answer.
    func fresh() async -> Sandboxes? {
        var followers: [CheckedContinuation<Turn, Never>] = []
        if isAsking {
            switch await withCheckedContinuation({ waiting.append($0) }) {
            case .answer(let sandboxes): return sandboxes
            case .lead(let others): followers = others
            }
        }
        isAsking = true
        callCount += 1
        let answer = (try? await runtime.sandboxes()).map { Dictionary(grouping: $0) { $0.config.uid } }
        for follower in followers { follower.resume(returning: .answer(answer)) }
        if waiting.isEmpty {
            isAsking = false
        } else {
            let next = waiting.removeFirst()
            let others = waiting
            waiting = []
            next.resume(returning: .lead(others))
        }
        return answer
    }
}
