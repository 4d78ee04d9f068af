import JSON
import NodeStats
import Serving
import Synchronization

/// containerd and CRI-O by the Container Runtime Interface, which kubelets speak: pods, attempts, log paths, limits.
final class CRIClient: RuntimeClient {
    let socket: String
    let labels: AllowList
    let environment: AllowList
    let timeout: Duration
    private let client: GRPCClient
    /// The version that the runtime has: `runtime.v1`, or `runtime.v1alpha2` before containerd 1.6 and CRI-O 1.20.
    private let interface = Mutex("runtime.v1")

    init(socket: String, labels: AllowList, environment: AllowList, timeout: Duration = .seconds(5)) {
        self.socket = socket
        self.labels = labels
        self.environment = environment
        self.timeout = timeout
        client = GRPCClient(socket: socket)
    }

    func hello() async throws -> (runtime: String, version: String) {
        interface.withLock { $0 = "runtime.v1" }
        let answer: [UInt8]
        do {
            answer = try await call("Version", [])
        } catch let error as GRPCStatus where error.code == .unimplemented {
            interface.withLock { $0 = "runtime.v1alpha2" }
            do {
                answer = try await call("Version", [])
            } catch let error as GRPCStatus where error.code == .unimplemented {
                // Docker's package of containerd comes with `disabled_plugins = ["cri"]`.
                throw DiscoveryError(.unsupported, "\(socket): the runtime has no CRI; for containerd see disabled_plugins in /etc/containerd/config.toml")
            }
        }
        let (name, version) = try CRIMessages.version(answer)
        return (name == "cri-o" ? "crio" : name == "containerd" ? "containerd" : name.isEmpty ? "cri" : name, version)
    }

    func list() async throws -> [String: String] {
        let containers = try CRIMessages.list(try await call("ListContainers", CRIMessages.listRequest(state: 1)), stateField: 6, runningState: 1)
        let sandboxes = try CRIMessages.list(try await call("ListPodSandbox", CRIMessages.listRequest(state: 0)), stateField: 3, runningState: 0)
        return containers.merging(sandboxes) { first, _ in first }
    }

    func inspect(_ id: String) async throws -> RuntimeContainer? {
        let request = CRIMessages.statusRequest(id: id)
        do {
            let status = try CRIMessages.status(try await call("ContainerStatus", request), isSandbox: false)
            return status.state == 1 ? CRIContainer.container(status, labels: labels, environment: environment) : nil
        } catch let error as GRPCStatus where error.saysAbsent {
            do {
                let status = try CRIMessages.status(try await call("PodSandboxStatus", request), isSandbox: true)
                return status.state == 0 ? CRIContainer.sandbox(status, labels: labels) : nil
            } catch let error as GRPCStatus where error.saysAbsent {
                return nil
            }
        }
    }

    func watch(_ onChange: @escaping @Sendable (RuntimeChange) -> Void) async throws {
        let method = "/\(interface.withLock { $0 }).RuntimeService/GetContainerEvents"
        try await client.stream(method, []) { message in
            if let change = try CRIMessages.event(message) { onChange(change) }
        }
    }

    private func call(_ method: String, _ message: [UInt8]) async throws -> [UInt8] {
        try await client.call("/\(interface.withLock { $0 }).RuntimeService/\(method)", message, timeout: timeout)
    }
}

extension GRPCStatus {
    /// The runtime has no such container. CRI-O of before 1.24 says so with code `unknown` and in words.
    var saysAbsent: Bool {
        code == .notFound || code == .unknown && (message.contains("not found") || message.contains("not exist") || message.contains("could not find"))
    }
}
