import JSON
import Objects
import Runtime

/// All controllers of the cluster and the scheduler, on one set of caches.
///
/// `run` is its whole life: it fills the caches, then reconciles until it is cancelled.
public struct ControlPlane: Sendable {
    private let world: World
    private let reconcilers: [Reconciler]
    private let informers: [Informer]

    /// - Parameters:
    ///   - finalizer: how a namespace that is empty is taken away.
    ///   - rootCertificate: PEM of the cluster's certificate authority, published as `kube-root-ca.crt`; nil for none.
    ///   - isScheduling: false if another scheduler binds the pods.
    public init(
        client: any ObjectClient, finalizer: any NamespaceFinalizing, events: any EventSink, metrics: MetricRegistry,
        registry: KindRegistry = .standard, rootCertificate: String? = nil, clock: any WallClock = SystemClock(), isScheduling: Bool = true
    ) {
        let kinds = ResourceInfo.all(of: registry)
        let world = World(client: client, resources: Self.resources(kinds), events: events, clock: clock)
        self.world = world
        let controllers = Self.controllers(
            world, kinds: kinds, finalizer: finalizer, rootCertificate: rootCertificate, metrics: metrics, isScheduling: isScheduling)
        reconcilers = controllers.map { Reconciler($0, world: world, metrics: metrics) }
        informers = world.caches.values.map { Informer($0, client: client, metrics: metrics) }
    }

    /// What must be cached whatever the registry holds; events are not, being many and nobody's concern here.
    package static func resources(_ kinds: [ResourceInfo]) -> [Resource] {
        let needed: [Resource] = [
            .pods, .services, .endpoints, .endpointSlices, .nodes, .namespaces, .deployments, .replicaSets, .serviceAccounts, .leases, .configMaps,
        ]
        return needed + kinds.map(\.resource).filter { $0.name != "events" }
    }

    package static func controllers(
        _ world: World, kinds: [ResourceInfo], finalizer: any NamespaceFinalizing, rootCertificate: String?, metrics: MetricRegistry, isScheduling: Bool
    ) -> [any Controller] {
        var controllers: [any Controller] = [
            ReplicaSetController(world), DeploymentController(world), EndpointsController(world),
            NamespaceController(world, kinds: kinds, finalizer: finalizer), GarbageCollector(world, kinds: kinds),
            NodeLifecycleController(world), ServiceAccountController(world, rootCertificate: rootCertificate),
        ]
        if isScheduling { controllers.append(SchedulerLoop(world, metrics: metrics)) }
        return controllers
    }

    /// The newest error of each controller that has had one, for a person who asks why nothing moves.
    public var lastErrors: [String: String] {
        Dictionary(uniqueKeysWithValues: reconcilers.compactMap { reconciler in reconciler.lastError.map { (reconciler.controller.name, $0) } })
    }

    /// Whether every cache has been filled once: before that no controller acts, for it would take what it has not seen for gone.
    public var isSynced: Bool { world.caches.values.allSatisfy(\.isSynced) }

    /// Returns only when cancelled.
    public func run() async {
        let synced = Signal()
        for cache in world.caches.values { cache.onSync { synced.wake() } }
        await withDiscardingTaskGroup { group in
            for informer in informers { group.addTask { await informer.run() } }
            if !isSynced {
                for await _ in synced.waits where isSynced { break }
            }
            for reconciler in reconcilers where !Task.isCancelled { group.addTask { await reconciler.run() } }
        }
    }
}
