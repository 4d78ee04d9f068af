import APIServer
import Controllers
import Exposition
import Kubelet
import LogTail
import Runtime

/// How the program's parts are, for `/healthz` and `kubectl get cs`.
final class Health: ComponentHealth {
    let stores: Stores
    let controlPlane = LockedValue<ControlPlane?>(nil)
    /// Why the newest samples and lines could not be stored; nil while they are.
    let problems = LockedValue(Problems())
    /// What keeps log lines from being read.
    let collecting = LockedValue<Trouble?>(nil)

    struct Problems: Sendable {
        var samples: String?
        var logs: String?
    }

    init(stores: Stores) { self.stores = stores }

    func components() async -> [ComponentCondition] {
        let isSynced = controlPlane.get()?.isSynced ?? false
        let controllers = ComponentCondition(name: "controller-manager", isHealthy: isSynced, message: isSynced ? "ok" : "filling its caches")
        let scheduler = ComponentCondition(name: "scheduler", isHealthy: isSynced, message: isSynced ? "ok" : "filling its caches")
        return [controllers, scheduler]
    }

    /// Runs a write to a store and keeps whether it went well.
    func watching(_ part: any WritableKeyPath<Problems, String?> & Sendable, _ write: () async throws -> Void) async throws {
        do {
            try await write()
            problems.change { $0[keyPath: part] = nil }
        } catch {
            problems.change { $0[keyPath: part] = "\(error)" }
            throw error
        }
    }

    /// The kubelet's loop is well if it can say which pods it has.
    func kubeletProblem(_ kubelet: KubeletService) async -> String? {
        _ = await kubelet.runningPods()
        return nil
    }
}

enum ExpositionText {
    static func print(_ registry: MetricRegistry) -> [UInt8] { TextFormat.prometheus.print(registry.collect()) }
}
