import JSON
import Runtime
import Telemetry

/// Containers whose logs lie in a directory of their own by their id: Docker's json-file driver
/// (`ROOT/ID/ID-json.log`) and Podman's k8s-file driver (`ROOT/ID/userdata/ctr.log`).
final class ContainerDirectories: SourceFinder {
    enum Runtime: String, Hashable, Sendable { case docker, podman }

    private let root: String
    private let runtime: Runtime
    private let startsAtEnd: Bool
    private var modified: Int64?
    private var sources: [String: LogSource] = [:]
    private var isWatched = false

    init(_ runtime: Runtime, root: String, startsAtEnd: Bool = false) {
        self.runtime = runtime
        self.root = root
        self.startsAtEnd = startsAtEnd
    }

    func find(_ context: FinderContext) -> [LogSource]? {
        if !isWatched {
            context.hint.watch(root)
            isWatched = true
        }
        guard let names = context.changedEntries(root, &modified) else { return nil }
        let present = Set(names.filter { id in id.utf8.count == 64 && id.utf8.allSatisfy { $0 &- 48 < 10 || $0 &- 97 < 6 } })
        guard present != Set(sources.keys) else { return nil }
        for id in present where sources[id] == nil { sources[id] = source(id, context) }
        for id in sources.keys where !present.contains(id) { sources[id] = nil }
        return Array(sources.values)
    }

    private func source(_ id: String, _ context: FinderContext) -> LogSource {
        let directory = runtime == .docker ? "\(root)/\(id)" : "\(root)/\(id)/userdata"
        let (name, image, settings) = describe(id, directory, context)
        let labels = Labels([
            ("runtime", runtime.rawValue), ("container_id", String(id.prefix(12))), ("container", name.isEmpty ? String(id.prefix(12)) : name),
            ("image", image),
        ])
        return LogSource(
            key: "\(runtime.rawValue)/\(id)", directory: directory, naming: .named(runtime == .docker ? "\(id)-json.log" : "ctr.log"),
            form: runtime == .docker ? .docker : .cri, labels: labels, origin: "\(runtime.rawValue)/\(id)", options: context.resolve(labels, settings),
            startsAtEnd: startsAtEnd)
    }

    /// The name and image that the runtime's own file beside the log has, and the settings of its labels `logs.binnacle.dev/…`;
    /// empty if it cannot be read.
    private func describe(_ id: String, _ directory: String, _ context: FinderContext) -> (name: String, image: String, settings: [String: String]) {
        let file = runtime == .docker ? "\(directory)/config.v2.json" : "\(directory)/config.json"
        guard let status = try? context.fileSystem.status(file), status.isRegular, status.size < 4 << 20, let bytes = try? context.fileSystem.read(file),
            let document = try? JSON.parse(bytes)
        else { return ("", "", [:]) }
        if runtime == .docker {
            let name = document["Name"].string ?? ""
            let settings = LogTailConfiguration.settings(document["Config"]["Labels"].stringMap)
            return (name.hasPrefix("/") ? String(name.dropFirst()) : name, document["Config"]["Image"].string ?? "", settings)
        }
        let annotations = document["annotations"].stringMap
        return (
            annotations["io.podman.annotations.name"] ?? document["hostname"].string ?? "", annotations["org.opencontainers.image.ref.name"] ?? "",
            LogTailConfiguration.settings(annotations)
        )
    }
}
