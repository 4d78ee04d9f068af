import Serving

@testable import Discovery

/// Makes pods by the CRI, as a kubelet does.
struct CRIDriver: Sendable {
    let client: GRPCClient

    init(socket: String) { client = GRPCClient(socket: socket) }

    /// A sandbox in the node's network, which needs no CNI.
    func runSandbox(name: String, namespace: String, uid: String, cgroupParent: String, logDirectory: String) async throws -> String {
        var request = ProtoBuilder()
        request.add(1, message: sandboxConfig(name, namespace, uid, cgroupParent, logDirectory))
        let id = try firstText(try await call("RunPodSandbox", request.bytes))
        configs.withLock { $0[id] = sandboxConfig(name, namespace, uid, cgroupParent, logDirectory) }
        return id
    }

    func runContainer(sandbox: String, name: String, image: String) async throws -> String {
        var request = ProtoBuilder()
        request.add(1, sandbox)
        var config = ProtoBuilder()
        config.add(
            1,
            message: message {
                $0.add(1, name); $0.add(2, 2)
            })
        config.add(2, message: message { $0.add(1, image) })
        for word in ["/bin/sleep", "600"] { config.add(3, message: Array(word.utf8)) }
        for (key, value) in [("REGION", "eu"), ("PASSWORD", "x")] {
            config.add(
                6,
                message: message {
                    $0.add(1, key); $0.add(2, value)
                })
        }
        let labels = [
            ("io.kubernetes.pod.name", "web-0"), ("io.kubernetes.pod.namespace", "shop"), ("io.kubernetes.pod.uid", CgroupIdentityTests.uid),
            ("io.kubernetes.container.name", name), ("com.example.team", "shop"),
        ]
        for (key, value) in labels {
            config.add(
                9,
                message: message {
                    $0.add(1, key); $0.add(2, value)
                })
        }
        config.add(11, "\(name)/0.log")
        let resources = message {
            $0.add(1, 100_000); $0.add(2, 50_000); $0.add(3, 256); $0.add(4, 64 << 20)
        }
        config.add(15, message: message { $0.add(1, message: resources) })
        request.add(2, message: config.bytes)
        request.add(3, message: configs.withLock { $0[sandbox] ?? [] })
        let id = try firstText(try await call("CreateContainer", request.bytes))
        _ = try await call("StartContainer", message { $0.add(1, id) })
        return id
    }

    func removeSandbox(_ id: String) async throws {
        _ = try await call("StopPodSandbox", message { $0.add(1, id) })
        _ = try await call("RemovePodSandbox", message { $0.add(1, id) })
        configs.withLock { $0[id] = nil }
    }

    func removeAll() async throws { for id in configs.withLock({ Array($0.keys) }) { try await removeSandbox(id) } }

    private let configs = LockedValue<[String: [UInt8]]>([:])

    private func sandboxConfig(_ name: String, _ namespace: String, _ uid: String, _ cgroupParent: String, _ logDirectory: String) -> [UInt8] {
        message { config in
            config.add(
                1,
                message: message {
                    $0.add(1, name); $0.add(2, uid); $0.add(3, namespace)
                })
            config.add(3, logDirectory)
            let options = message { $0.add(1, 2) }
            let security = message { $0.add(1, message: options) }
            config.add(
                8,
                message: message {
                    $0.add(1, cgroupParent); $0.add(2, message: security)
                })
        }
    }

    private func message(_ build: (inout ProtoBuilder) -> Void) -> [UInt8] {
        var builder = ProtoBuilder()
        build(&builder)
        return builder.bytes
    }

    private func call(_ method: String, _ message: [UInt8]) async throws -> [UInt8] {
        try await client.call("/runtime.v1.RuntimeService/\(method)", message, timeout: .seconds(30))
    }

    private func firstText(_ message: [UInt8]) throws -> String {
        var fields = ProtoFields(message)
        while let (number, value) = try fields.next() { if number == 1 { return value.string() } }
        return ""
    }
}
