import APIServer
import Controllers
import Exposition
import Kubelet
import Runtime

/// How the program's parts are, for `/healthz` and `kubectl get cs`.
final class Health: ComponentHealth {
    let stores: Stores
    let controlPlane = LockedValue<ControlPlane?>(nil)

    init(stores: Stores) { self.stores = stores }

    func components() async -> [ComponentCondition] {
        let isSynced = controlPlane.get()?.isSynced ?? false
        let controllers = ComponentCondition(name: "controller-manager", isHealthy: isSynced, message: isSynced ? "ok" : "filling its caches")
        let scheduler = ComponentCondition(name: "scheduler", isHealthy: isSynced, message: isSynced ? "ok" : "filling its caches")
        return [controllers, scheduler]
    }

    func logProblem() async -> String? { nil }

    /// The kubelet's loop is well if it can say which pods it has.
    func kubeletProblem(_ kubelet: KubeletService) async -> String? {
        _ = await kubelet.runningPods()
        return nil
    }
}

enum ExpositionText {
    static func print(_ registry: MetricRegistry) -> [UInt8] { TextFormat.prometheus.print(registry.collect()) }
}
