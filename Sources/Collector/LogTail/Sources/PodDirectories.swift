import Telemetry

/// A container's log directory, `NAMESPACE_POD_UID/CONTAINER`. Names of namespaces and pods hold no `_`.
struct ContainerLogDirectory: Hashable, Sendable {
    var namespace: String
    var pod: String
    var uid: String
    var container: String

    /// nil if the pod directory's name has not three parts.
    init?(podDirectory: String, container: String) {
        let parts = podDirectory.split(separator: "_", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }), !container.isEmpty else { return nil }
        (namespace, pod, uid) = (parts[0], parts[1], parts[2])
        self.container = container
    }

    /// Below the root.
    var path: String { "\(namespace)_\(pod)_\(uid)/\(container)" }
}

/// The containers below a directory such as /var/log/pods.
final class PodDirectories: SourceFinder {
    private struct Container {
        var source: LogSource
        /// What its options and labels come from.
        var metadata: LogMetadata?
    }

    private struct Pod {
        var modified: Int64?
        var containers: [String: Container] = [:]
        /// Not begun yet, for nobody knows their pod's annotations, of which one may be to redact; by when they were found.
        var waiting: [String: Int64] = [:]
    }

    /// How long the first lines of a pod wait for who knows it, in nanoseconds. Directories of pods that are gone wait as long.
    static let patience: Int64 = 5_000_000_000

    private let root: String
    private let startsAtEnd: Bool
    private var modified: Int64?
    private var pods: [String: Pod] = [:]
    private var isWatched = false

    init(root: String, startsAtEnd: Bool = false) {
        self.root = root
        self.startsAtEnd = startsAtEnd
    }

    func find(_ context: FinderContext) -> [LogSource]? {
        if !isWatched {
            context.hint.watch(root)
            isWatched = true
        }
        var changed = false
        if let names = context.changedEntries(root, &modified) {
            let present = Set(names.filter { $0.contains("_") })
            for name in present where pods[name] == nil {
                pods[name] = Pod()
                context.hint.watch("\(root)/\(name)")
            }
            for name in pods.keys where !present.contains(name) {
                pods[name] = nil
                changed = true
            }
        }
        for name in pods.keys where look(name, context) { changed = true }
        return changed ? pods.values.flatMap { $0.containers.values.map(\.source) } : nil
    }

    private func look(_ name: String, _ context: FinderContext) -> Bool {
        guard var pod = pods[name] else { return false }
        var changed = false
        if let entries = context.changedEntries("\(root)/\(name)", &pod.modified) {
            for entry in entries where pod.containers[entry] == nil && pod.waiting[entry] == nil { pod.waiting[entry] = context.now }
            let present = Set(entries)
            for entry in pod.containers.keys where !present.contains(entry) {
                pod.containers[entry] = nil
                changed = true
            }
            pod.waiting = pod.waiting.filter { present.contains($0.key) }
        }
        for (entry, since) in pod.waiting {
            guard let directory = ContainerLogDirectory(podDirectory: name, container: entry) else { continue }
            let known = metadata(directory, context)
            guard known != nil || context.metadata == nil || !(0..<Self.patience).contains(context.now - since) else { continue }
            pod.waiting[entry] = nil
            pod.containers[entry] = Container(source: source(directory, known, context), metadata: known)
            changed = true
        }
        if context.metadata != nil {
            for (entry, container) in pod.containers {
                guard let directory = ContainerLogDirectory(podDirectory: name, container: entry), let known = metadata(directory, context),
                    known != container.metadata
                else { continue }
                var source = self.source(directory, known, context)
                source.version = container.source.version + (known.annotations == (container.metadata?.annotations ?? [:]) ? 0 : 1)
                pod.containers[entry] = Container(source: source, metadata: known)
                changed = true
            }
        }
        pods[name] = pod
        return changed
    }

    private func metadata(_ directory: ContainerLogDirectory, _ context: FinderContext) -> LogMetadata? {
        context.metadata?.metadata(namespace: directory.namespace, pod: directory.pod, uid: directory.uid, container: directory.container)
    }

    private func source(_ directory: ContainerLogDirectory, _ known: LogMetadata?, _ context: FinderContext) -> LogSource {
        let own = Labels([
            ("namespace", directory.namespace), ("pod", directory.pod), ("pod_uid", directory.uid), ("container", directory.container),
        ])
        // What the path says wins.
        let labels = Labels((known?.labels.list ?? []).map { ($0.name, $0.value) } + own.list.map { ($0.name, $0.value) })
        return LogSource(
            key: directory.path, directory: "\(root)/\(directory.path)", naming: .runs, form: .cri, labels: labels,
            origin: "\(directory.uid)/\(directory.container)", options: context.resolve(labels, known?.annotations ?? [:]), startsAtEnd: startsAtEnd)
    }
}
