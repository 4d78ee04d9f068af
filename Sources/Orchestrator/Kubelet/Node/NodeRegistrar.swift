import ContainerRuntime
import JSON
import Objects
import Runtime

/// Keeps this node's Node object and Lease alive.
struct NodeRegistrar: Sendable {
    static let leaseInterval = Duration.seconds(10)
    static let statusInterval = Duration.seconds(10)
    /// A status that does not change is written this often all the same.
    static let heartbeatInterval: Int64 = 300 * .second

    let client: any ObjectClient
    let time: any Timekeeper
    let recorder: EventRecorder
    let failures: Counter
    /// Reads the machine anew.
    let node: @Sendable () -> NodeObject

    /// Creates the node, or takes over the one that is there, and reports it ready. Tries until it succeeds.
    func register() async throws {
        var backoff = Backoff(first: .milliseconds(200), limit: .seconds(5))
        while true {
            do throws(StatusError) {
                return try await registerOnce()
            } catch {
                // The API server may not be up yet.
                failures.increment()
                try await time.sleep(backoff.next())
            }
        }
    }

    private func registerOnce() async throws(StatusError) {
        let own = node()
        var stored: JSON
        do throws(StatusError) {
            stored = try await client.create(.nodes, namespace: nil, own.object)
        } catch {
            guard error.reason == .alreadyExists else { throw error }
            stored = try await client.get(.nodes, namespace: nil, name: own.name)
            if let labelled = own.labelled(stored) { stored = try await client.update(.nodes, namespace: nil, labelled) }
        }
        let wasReady = stored.isConditionTrue("Ready")
        let bootID = stored["status"]["nodeInfo"]["bootID"].string ?? ""
        _ = try await client.updateStatus(.nodes, namespace: nil, own.withStatus(stored, now: time.nanoseconds.wholeSeconds))
        try await renewLease()
        let reference = Self.reference(own.name)
        recorder.record(reference, .normal, "Starting", "Starting kubelet.")
        if !bootID.isEmpty, bootID != own.facts.bootID {
            recorder.record(reference, .warning, "Rebooted", "Node \(own.name) has been rebooted, boot id: \(own.facts.bootID)")
        }
        if !wasReady { recorder.record(reference, .normal, "NodeReady", "Node \(own.name) status is now: NodeReady") }
    }

    /// Events about a node carry its name as uid: so kubectl looks them up.
    static func reference(_ name: String) -> JSON { ["kind": "Node", "apiVersion": "v1", "name": .string(name), "uid": .string(name)] }

    func keepLease() async throws {
        while true {
            try await time.sleep(Self.leaseInterval)
            do throws(StatusError) { try await renewLease() } catch { failures.increment() }
        }
    }

    private func renewLease() async throws(StatusError) {
        let own = node()
        let now = time.nanoseconds
        let lease = own.lease(now: now.wholeSeconds, microseconds: Int(now % .second / 1000))
        do throws(StatusError) {
            var stored = try await client.get(.leases, namespace: "kube-node-lease", name: own.name)
            stored["spec"] = lease["spec"]
            _ = try await client.update(.leases, namespace: "kube-node-lease", stored)
        } catch {
            guard error.reason == .notFound else { throw error }
            _ = try await client.create(.leases, namespace: "kube-node-lease", lease)
        }
    }

    func keepStatus() async throws {
        var lastWrite = time.nanoseconds
        while true {
            try await time.sleep(Self.statusInterval)
            let own = node()
            do throws(StatusError) {
                let stored = try await client.get(.nodes, namespace: nil, name: own.name)
                let now = time.nanoseconds
                let wanted = own.withStatus(stored, now: now.wholeSeconds)
                if NodeObject.isSameStatus(stored, wanted), now - lastWrite < Self.heartbeatInterval { continue }
                _ = try await client.updateStatus(.nodes, namespace: nil, wanted)
                lastWrite = now
            } catch {
                failures.increment()
                // Somebody deleted the node: it is made again.
                if error.reason == .notFound { try? await registerOnce() }
            }
        }
    }
}
