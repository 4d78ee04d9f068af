import HTTP
import JSON
import NodeStats
import Serving
import Synchronization

/// containerd by its own interface, for what runs outside of Kubernetes: nerdctl, `ctr`, buildkit, and Docker's containers
/// where Docker's own socket may not be opened.
///
/// containerd keeps clients apart by namespaces (`default`, `moby`, `k8s.io`); each request names one.
final class ContainerdClient: RuntimeClient {
    /// More namespaces than this are not looked at.
    static let namespaceLimit = 32

    let socket: String
    let labels: AllowList
    let environment: AllowList
    let timeout: Duration
    /// Namespaces that another owner answers for just now.
    let isLeftToOthers: @Sendable (_ namespace: String) -> Bool
    private let client: GRPCClient
    private let namespaces = Mutex<[String]>([])

    init(
        socket: String, labels: AllowList, environment: AllowList, timeout: Duration = .seconds(5),
        isLeftToOthers: @escaping @Sendable (_ namespace: String) -> Bool = { _ in false }
    ) {
        self.socket = socket
        self.labels = labels
        self.environment = environment
        self.timeout = timeout
        self.isLeftToOthers = isLeftToOthers
        client = GRPCClient(socket: socket)
    }

    func hello() async throws -> (runtime: String, version: String) {
        var (fields, version) = (ProtoFields(try await call("version.v1.Version/Version", [])), "")
        while let (number, value) = try fields.next() { if number == 1 { version = value.string(limit: 100) } }
        return ("containerd", version)
    }

    func list() async throws -> [String: String] {
        let names = try ContainerdMessages.namespaces(try await call("namespaces.v1.Namespaces/List", []))
            .filter { Self.isName($0) && !isLeftToOthers($0) }.sorted().prefix(Self.namespaceLimit)
        namespaces.withLock { $0 = Array(names) }
        var list: [String: String] = [:]
        for namespace in names {
            let tasks = try ContainerdMessages.tasks(try await call("tasks.v1.Tasks/List", [], namespace))
            for task in tasks where task.runs { list[Self.key(namespace, task.container)] = "\(task.pid)" }
        }
        return list
    }

    func inspect(_ key: String) async throws -> RuntimeContainer? {
        if let slash = key.firstIndex(of: "/") {
            return try await inspect(String(key[key.index(after: slash)...]), in: String(key[..<slash]))
        }
        // An id of 64 digits is unique, but does not say where it is.
        for namespace in namespaces.withLock({ $0 }) {
            if let found = try await inspect(key, in: namespace) { return found }
        }
        return nil
    }

    private func inspect(_ id: String, in namespace: String) async throws -> RuntimeContainer? {
        let container: ContainerdMessages.Container
        let task: ContainerdMessages.Task?
        do {
            let request = ContainerdMessages.request(id)
            container = try ContainerdMessages.container(try await call("containers.v1.Containers/Get", request, namespace))
            task = try ContainerdMessages.tasks(try await call("tasks.v1.Tasks/Get", request, namespace)).first
        } catch let error as GRPCStatus where error.code == .notFound || error.code == .invalidArgument {
            return nil
        }
        guard let task, task.runs else { return nil }
        var result = Self.container(container, task, namespace: namespace, labels: labels, environment: environment)
        if !container.snapshotKey.isEmpty, !result.isSandbox {
            let request = ContainerdMessages.mountsRequest(snapshotter: container.snapshotter, key: container.snapshotKey)
            // Without it the process's own mounts tell.
            if let answer = try? await call("snapshots.v1.Snapshots/Mounts", request, namespace) {
                result.reference.writableLayer = (try? ContainerdMessages.upperDirectory(answer)) ?? ""
            }
        }
        return result
    }

    func watch(_ onChange: @escaping @Sendable (RuntimeChange) -> Void) async throws {
        let method = "/containerd.services.events.v1.Events/Subscribe"
        try await client.stream(method, ContainerdMessages.subscribeRequest) { message in
            guard let (namespace, change) = try ContainerdMessages.event(message), Self.isName(namespace), !isLeftToOthers(namespace) else { return }
            switch change {
            case .changed(let id): onChange(.changed(id: Self.key(namespace, id)))
            case .removed(let id): onChange(.removed(id: Self.key(namespace, id)))
            case .everything: onChange(.everything)
            }
        }
    }

    static func key(_ namespace: String, _ id: String) -> String { CgroupIdentity.isContainerID(id) ? id : "\(namespace)/\(id)" }

    /// What containerd itself takes as the name of a namespace; it becomes a header field.
    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 76 && text.utf8.allSatisfy { $0.isASCIILetterOrDigit || ".-_".utf8.contains($0) }
    }

    static func container(
        _ container: ContainerdMessages.Container, _ task: ContainerdMessages.Task, namespace: String, labels: AllowList, environment: AllowList
    ) -> RuntimeContainer {
        let spec = container.spec
        var reference = ContainerReference(cgroupPath: "", name: container.labels["nerdctl/name"] ?? container.id)
        reference.containerID = container.id
        if reference.name != container.id { reference.aliases = [container.id] }
        reference.image = container.image
        reference.created = container.created
        reference.containerLabels = labels.select(container.labels.map { ($0.key, $0.value) })
        reference.environment = environment.select(environment: spec["process"]["env"].elements.compactMap(\.string))
        let resources = OCISpec.resources(spec)
        reference.cpuLimit = Kubernetes.cpuLimit(quota: resources.cpuQuota, period: resources.cpuPeriod)
        if resources.memoryLimit > 0, resources.memoryLimit < 1 << 60 { reference.memoryLimit = UInt64(resources.memoryLimit) }
        // No network namespace of its own in the specification is the node's.
        reference.sharesNodeNetwork = !spec.isNull && !spec["linux"]["namespaces"].elements.contains { $0["type"].string == "network" }
        reference.networkPID = task.pid
        var result = RuntimeContainer(reference: reference, key: key(namespace, container.id), pid: task.pid)
        result.declaredPath = OCISpec.cgroupPath(spec["linux"]["cgroupsPath"].string ?? "") ?? ""
        result.isSandbox = container.labels["io.cri-containerd.kind"] == "sandbox"
        Kubernetes.apply(container.labels, to: &result)
        if namespace == "k8s.io" { result.reference.cpuRequest = UInt64(exactly: resources.cpuShares).flatMap(Kubernetes.cpuRequest) }
        return result
    }

    private func call(_ method: String, _ message: [UInt8], _ namespace: String? = nil) async throws -> [UInt8] {
        let fields: HTTPFields = namespace.map { ["containerd-namespace": $0] } ?? [:]
        return try await client.call("/containerd.services.\(method)", message, fields: fields, timeout: timeout)
    }
}
