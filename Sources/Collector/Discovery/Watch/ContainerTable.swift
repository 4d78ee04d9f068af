import NodeStats
import Synchronization

/// What an owner knows now, for the Collector's round to look up under a lock that is held for a dictionary look-up.
final class ContainerTable: Sendable {
    private struct State {
        var byID: [String: RuntimeContainer] = [:]
        /// Cgroup path to id, for containers whose path holds no id that can be told.
        var byPath: [String: String] = [:]
        /// Pod uid to the id of its sandbox.
        var sandboxes: [String: String] = [:]
        var generation: UInt64 = 0
        /// Made when first asked for after a change.
        var list: [ContainerReference]?
    }

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    var count: Int { state.withLock { $0.byID.count } }
    var generation: UInt64 { state.withLock { $0.generation } }

    /// False if the table is full.
    func set(_ container: RuntimeContainer) -> Bool {
        state.withLock { state in
            let id = container.key
            if let old = state.byID[id] {
                state.byPath[old.reference.cgroupPath] = nil
            } else if state.byID.count >= limit {
                return false
            }
            var container = container
            // A pod's network is counted in the pod's own row.
            if container.isSandbox, !container.reference.podUID.isEmpty { container.reference.networkPID = 0 }
            state.byID[id] = container
            if !container.reference.cgroupPath.isEmpty { state.byPath[container.reference.cgroupPath] = id }
            if container.isSandbox, !container.reference.podUID.isEmpty { state.sandboxes[container.reference.podUID] = id }
            state.generation += 1
            state.list = nil
            return true
        }
    }

    func remove(_ id: String) {
        state.withLock { state in
            guard let old = state.byID.removeValue(forKey: id) else { return }
            if state.byPath[old.reference.cgroupPath] == id { state.byPath[old.reference.cgroupPath] = nil }
            if state.sandboxes[old.reference.podUID] == id { state.sandboxes[old.reference.podUID] = nil }
            state.generation += 1
            state.list = nil
        }
    }

    func reference(for path: String, identity: CgroupIdentity) -> ContainerReference? {
        state.withLock { state in
            var found: ContainerReference?
            if let id = state.byPath[path] {
                found = state.byID[id]?.reference
            } else if case .container(let id) = identity.subject {
                found = state.byID[id]?.reference
            } else if case .pod(let uid) = identity.subject, let id = state.sandboxes[uid], let sandbox = state.byID[id] {
                found = Self.podRow(sandbox)
            }
            found?.cgroupPath = path
            return found
        }
    }

    /// Everything whose cgroup is known, and the rows of pods, which lie above their sandboxes'.
    func references() -> [ContainerReference] {
        state.withLock { state in
            if let list = state.list { return list }
            var list: [ContainerReference] = []
            for container in state.byID.values where !container.reference.cgroupPath.isEmpty {
                list.append(container.reference)
                guard container.isSandbox, let slash = container.reference.cgroupPath.lastIndex(of: "/") else { continue }
                let parent = String(container.reference.cgroupPath[..<slash])
                guard case .pod = CgroupIdentity(path: parent).subject else { continue }
                var row = Self.podRow(container)
                row.cgroupPath = parent
                list.append(row)
            }
            state.list = list
            return list
        }
    }

    /// A pod's own row has the pod's network and no container; its sandbox's row has neither.
    private static func podRow(_ sandbox: RuntimeContainer) -> ContainerReference {
        var row = sandbox.reference
        row.name = ""
        row.image = ""
        row.container = ""
        row.containerID = ""
        row.aliases = []
        row.logDirectory = ""
        row.writableLayer = ""
        row.networkPID = sandbox.pid
        return row
    }
}
