import ContainerRuntime
import Runtime
import Synchronization

@testable import Kubelet

/// A runtime whose containers are entries in a table; tests say when they end.
final class FakeRuntime: ContainerRuntime {
    struct State {
        var sandboxes: [String: SandboxStatus] = [:]
        var nextID = 1
        var calls: [String] = []
        var listeners: [Int: AsyncStream<RuntimeEvent>.Continuation] = [:]
        /// Errors of the next starts, by container name, first in first out.
        var startErrors: [String: [RuntimeError]] = [:]
        /// Containers that end at once with this code, by name, one for each start; then they run.
        var endsAtOnce: [String: [Int]] = [:]
        /// Containers that ignore SIGTERM.
        var stubborn: Set<String> = []
        /// What commands return, by their first word.
        var commands: [String: ExecResult] = [:]
        var configs: [ContainerConfig] = []
        var sandboxErrors = 0
    }
    let state = Mutex(State())
    let time: any Timekeeper
    let abilities = RuntimeAbilities(
        name: "host", version: "1", hasNamespaces: true, hasPodNetwork: true, hasWritableLayers: true, cgroupControllers: ["cpu", "memory"], missing: [])

    init(time: any Timekeeper) { self.time = time }

    var calls: [String] { state.withLock { $0.calls } }

    func runSandbox(_ config: SandboxConfig) async throws(RuntimeError) -> SandboxStatus {
        let status: SandboxStatus? = state.withLock { state in
            state.calls.append("sandbox \(config.name)")
            if state.sandboxErrors > 0 {
                state.sandboxErrors -= 1
                return nil
            }
            let number = state.nextID
            state.nextID += 1
            let status = SandboxStatus(
                id: "s\(number)", config: config, isReady: true, address: "10.88.0.\(number)", pid: Int32(number), created: time.nanoseconds, containers: [])
            state.sandboxes[status.id] = status
            return status
        }
        guard let status else { throw .failed("no more addresses") }
        return status
    }

    func removeSandbox(id: String) async throws(RuntimeError) {
        state.withLock { state in
            state.calls.append("remove \(id)")
            state.sandboxes[id] = nil
        }
    }

    func startContainer(_ config: ContainerConfig, sandbox id: String) async throws(RuntimeError) -> ContainerStatus {
        let result: Result<ContainerStatus, RuntimeError> = state.withLock { state in
            state.calls.append("start \(config.name)#\(config.restartCount)")
            state.configs.append(config)
            guard config.image == "host" else { return .failure(.unknownImage(config.image)) }
            if var errors = state.startErrors[config.name], !errors.isEmpty {
                let error = errors.removeFirst()
                state.startErrors[config.name] = errors
                return .failure(error)
            }
            guard state.sandboxes[id] != nil else { return .failure(.unknownSandbox(id)) }
            let number = state.nextID
            state.nextID += 1
            let logs = state.sandboxes[id]!.config.logDirectory
            var status = ContainerStatus(
                id: "c\(number)", sandboxID: id, config: config, pid: Int32(number), started: time.nanoseconds, state: .running,
                logPath: "\(logs)/\(config.name)/\(config.restartCount).log", cgroupPath: "/x/c\(number)")
            if var codes = state.endsAtOnce[config.name], !codes.isEmpty {
                let code = codes.removeFirst()
                state.endsAtOnce[config.name] = codes
                status.state = .exited(.init(code: code, signal: nil, outOfMemory: false, finished: time.nanoseconds, message: "ended \(code)"))
            }
            state.sandboxes[id]!.containers.append(status)
            return .success(status)
        }
        return try result.get()
    }

    func stopContainer(id: String, signal: Int32, gracePeriod: Duration) async throws(RuntimeError) {
        let name = state.withLock { state in
            state.calls.append("stop \(id)")
            return state.sandboxes.values.flatMap(\.containers).first { $0.id == id }?.config.name
        }
        guard let name else { throw .unknownContainer(id) }
        if state.withLock({ $0.stubborn.contains(name) }) {
            let deadline = time.nanoseconds + gracePeriod.nanosecondCount
            while isRunning(id), time.nanoseconds < deadline, !Task.isCancelled { try? await time.sleep(.milliseconds(500)) }
            exit(id: id, code: 137, signal: 9)
        } else {
            exit(id: id, code: 143, signal: 15)
        }
    }

    func removeContainer(id: String) async throws(RuntimeError) {
        state.withLock { state in
            state.calls.append("forget \(id)")
            for key in state.sandboxes.keys { state.sandboxes[key]!.containers.removeAll { $0.id == id } }
        }
    }

    func execute(container id: String, command: [String], timeout: Duration) async throws(RuntimeError) -> ExecResult {
        state.withLock { state in
            state.calls.append("exec \(command.joined(separator: " "))")
            return state.commands[command[0]] ?? ExecResult(exitCode: 0, output: [], timedOut: false)
        }
    }

    func sandboxes() async throws(RuntimeError) -> [SandboxStatus] { state.withLock { Array($0.sandboxes.values) } }

    func events() -> AsyncStream<RuntimeEvent> {
        let (stream, input) = AsyncStream<RuntimeEvent>.makeStream()
        state.withLock { state in
            state.listeners[state.nextID] = input
            state.nextID += 1
        }
        return stream
    }

    // MARK: For tests

    func exit(id: String, code: Int, signal: Int? = nil, outOfMemory: Bool = false, message: String = "", silently: Bool = false) {
        let (listeners, sandbox) = state.withLock { state -> ([AsyncStream<RuntimeEvent>.Continuation], String) in
            for key in state.sandboxes.keys {
                guard let position = state.sandboxes[key]!.containers.firstIndex(where: { $0.id == id }),
                    case .running = state.sandboxes[key]!.containers[position].state
                else { continue }
                state.sandboxes[key]!.containers[position].state = .exited(
                    .init(code: code, signal: signal, outOfMemory: outOfMemory, finished: time.nanoseconds, message: message))
                return (Array(state.listeners.values), key)
            }
            return ([], "")
        }
        if !silently { for listener in listeners { listener.yield(.containerExited(sandbox: sandbox, container: id)) } }
    }

    private func isRunning(_ id: String) -> Bool {
        state.withLock { state in state.sandboxes.values.flatMap(\.containers).contains { $0.id == id && $0.state == .running } }
    }

    /// The id of the newest instance of a container.
    func id(_ container: String) -> String? {
        state.withLock { state in
            state.sandboxes.values.flatMap(\.containers).filter { $0.config.name == container }.max { $0.config.restartCount < $1.config.restartCount }?.id
        }
    }

    func loseSandbox(_ id: String) {
        let listeners = state.withLock { state in
            state.sandboxes[id]!.isReady = false
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.yield(.sandboxLost(sandbox: id)) }
    }
}

/// A network whose answers are set by the test.
final class FakeTransport: ProbeTransport {
    let answers = Mutex<[String: ProbeOutcome]>([:])
    let asked = Mutex<[String]>([])

    func httpGet(
        host: String, port: Int, path: String, scheme: String, headers: [(name: String, value: String)], timeout: Duration
    ) async -> ProbeOutcome {
        asked.withLock { $0.append("\(scheme)://\(host):\(port)\(path)") }
        return answers.withLock { $0[path] } ?? .success
    }
    func tcpConnect(host: String, port: Int, timeout: Duration) async -> ProbeOutcome {
        asked.withLock { $0.append("tcp://\(host):\(port)") }
        return answers.withLock { $0["tcp"] } ?? .success
    }
}
