import Logging
import NodeStats
import Runtime
import Synchronization

/// Everybody who runs containers on this node, as one source: the first who knows a cgroup is its owner.
///
/// Our own kubelet comes first, then Docker and Podman, CRI-O and containerd by the CRI, containerd by its own
/// interface, and systemd's names last. A cgroup that looks like a container's is never named by its path alone while
/// nobody knows it: it stays unowned, and gets its labels when its owner tells of it.
public final class Owners: ContainerSource {
    private struct State {
        var owners: [any Owner]
        /// The list of the last round, while the owners have not changed.
        var generations: [UInt64] = []
        var list: [ContainerReference] = []
    }

    private let kubelet: any ContainerSource
    private let state: Mutex<State>
    /// Finds owners that have appeared since, such as the engines of users who have logged in.
    private let newcomers: (@Sendable (_ known: Set<String>) -> [any Owner])?
    private let rescanEvery: Duration

    /// - Parameters:
    ///   - owners: in the order of their priority.
    ///   - kubelet: our own, asked first.
    ///   - newcomers: given the endpoints that have an owner, makes owners for others; asked once in `rescanEvery`.
    public init(
        _ owners: [any Owner], kubelet: any ContainerSource = NoContainers(), rescanEvery: Duration = .seconds(30),
        newcomers: (@Sendable (_ known: Set<String>) -> [any Owner])? = nil
    ) {
        self.kubelet = kubelet
        self.rescanEvery = rescanEvery
        self.newcomers = newcomers
        state = Mutex(State(owners: owners))
    }

    /// Most owners that rescanning adds.
    static let limit = 64

    private var owners: [any Owner] { state.withLock { $0.owners } }

    /// For the status page, in the order of priority.
    public var statuses: [OwnerStatus] { owners.map(\.status) }

    // MARK: ContainerSource

    /// What the kubelet and the runtimes know to run, with what they say of it now. Where two tell of one cgroup, the
    /// first is right.
    public func containers() async -> [ContainerReference] {
        let own = await kubelet.containers()
        let foreign = foreignContainers()
        guard !own.isEmpty else { return foreign }
        let paths = Set(own.map(\.cgroupPath))
        return own + foreign.filter { !paths.contains($0.cgroupPath) }
    }

    public func owners(of paths: [String]) async -> [ContainerReference] {
        let owners = owners
        var found: [ContainerReference] = await kubelet.owners(of: paths)
        let known = Set(found.map(\.cgroupPath))
        for path in paths where !known.contains(path) {
            if let reference = Self.reference(for: path, owners) { found.append(reference) }
        }
        return found
    }

    /// Who owns the cgroup, by what is known now.
    public func reference(for path: String) -> ContainerReference? { Self.reference(for: path, owners) }

    private static func reference(for path: String, _ owners: [any Owner]) -> ContainerReference? {
        let identity = CgroupIdentity(path: path)
        for owner in owners {
            if let reference = owner.reference(for: path, identity: identity) { return reference }
        }
        return nil
    }

    private func foreignContainers() -> [ContainerReference] {
        state.withLock { state in
            // Read before the lists: a change between the two is told again in the next round.
            let generations = state.owners.map(\.generation)
            if generations == state.generations { return state.list }
            var seen = Set<String>()
            state.list = state.owners.flatMap { $0.containers() }.filter { seen.insert($0.cgroupPath).inserted }
            state.generations = generations
            return state.list
        }
    }

    // MARK: Life

    /// Runs all owners until the task is cancelled.
    public func run() async {
        await withTaskGroup(of: Void.self) { group in
            for owner in owners { group.addTask { await owner.run() } }
            while let newcomers, !Task.isCancelled {
                for owner in newcomers(Set(owners.map(\.status.endpoint))).prefix(max(0, Self.limit - owners.count)) {
                    // Before the last, which is systemd's.
                    state.withLock { $0.owners.insert(owner, at: max(0, $0.owners.count - 1)) }
                    group.addTask { await owner.run() }
                }
                try? await Task.sleep(for: rescanEvery)
            }
        }
    }
}
