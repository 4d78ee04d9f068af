public import InternetAddresses
import JSON
import NIOCore
import NIOPosix
import Objects
import Runtime

/// Where the proxy tells people of trouble: `kubectl describe service` shows it.
public protocol ProxyEventSink: Sendable {
    func record(_ object: JSON, type: String, reason: String, message: String)
}

/// The userspace proxy: listens on the virtual address of each Service and carries the bytes to a ready endpoint.
///
/// No packet filter is needed. The kernel answers for a service's address because the address is a /32
/// on `lo`, or because the service block lies inside 127.0.0.0/8, which needs no right at all.
/// `run` is its whole life; addresses that it added are gone when it has returned.
public actor ServiceProxy {
    private let client: any ObjectClient
    private let addresses: any AddressTable
    private let block: IPv4Network
    private let events: (any ProxyEventSink)?
    private let context: ProxyContext
    private let retryInterval: Duration

    private var services: [String: JSON] = [:]
    private var endpoints: [String: JSON] = [:]
    private var plans: [String: ProxyPlan] = [:]
    private var listeners: [Frontend: Listener] = [:]
    private var addressUsers: [IPv4Address: Int] = [:]
    /// Frontends that could not be opened, by service, to be tried again.
    private var failed: [String: Set<Frontend>] = [:]
    private var hasServices = false
    private var hasSwept = false

    private let listenerCount: Gauge
    private let bindFailures: Counter
    private let watchFailures: Counter

    /// - Parameters:
    ///   - serviceCIDR: where services' addresses come from. An address on `lo` inside it that no service has is a
    ///     left-over of a killed process, and is removed.
    ///   - addresses: nil chooses: nothing for a block inside 127.0.0.0/8, else `lo`.
    ///   - connectionLimit: connections at one time, two descriptors each.
    public init(
        client: any ObjectClient, serviceCIDR: IPv4Network, events: (any ProxyEventSink)?, metrics: MetricRegistry,
        addresses: (any AddressTable)? = nil, group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        connectionLimit: Int = 4096, retryInterval: Duration = .seconds(2)
    ) {
        self.client = client
        block = serviceCIDR
        self.addresses = addresses ?? (serviceCIDR.base.isLoopback ? NoAddresses() : LoopbackAddresses())
        self.events = events
        self.retryInterval = retryInterval
        let context = ProxyContext(group: group, connectionLimit: connectionLimit, metrics: metrics)
        self.context = context
        listenerCount = metrics.gauge("binnacle_proxy_listeners", "Service ports that are listened on.")
        bindFailures = metrics.counter("binnacle_proxy_listen_failures_total", "Service ports that could not be listened on; tried again.")
        watchFailures = metrics.counter("binnacle_proxy_watch_failures_total", "Lists and watches that ended by an error.")
        metrics.gauge("binnacle_proxy_open_connections", "Connections that are open.") { Double(context.openConnections) }
        metrics.gauge("binnacle_proxy_connection_limit", "Connections that may be open at one time.") { Double(connectionLimit) }
    }

    /// Returns only when cancelled, with all sockets closed and all addresses removed.
    public func run() async {
        await withDiscardingTaskGroup { group in
            let mirrors = [Resource.services, .endpoints].map { ObjectMirror(resource: $0, client: client, failures: watchFailures) }
            for mirror in mirrors { group.addTask { await mirror.run { await self.take($0, of: mirror.resource) } } }
            while !Task.isCancelled {
                try? await Task.sleep(for: retryInterval)
                if !Task.isCancelled { await retry() }
            }
        }
        await stop()
    }

    private func take(_ news: ObjectMirror.News, of resource: Resource) async {
        let isService = resource == .services
        var touched: Set<String> = []
        switch news {
        case .all(let objects):
            let map = Dictionary(objects.map { ($0.namespacedName, $0) }, uniquingKeysWith: { $1 })
            touched = Set(map.keys).union(isService ? services.keys : endpoints.keys)
            if isService {
                services = map
                hasServices = true
            } else {
                endpoints = map
            }
        case .changed(let object):
            touched = [object.namespacedName]
            if isService { services[object.namespacedName] = object } else { endpoints[object.namespacedName] = object }
        case .gone(let object):
            touched = [object.namespacedName]
            if isService { services[object.namespacedName] = nil } else { endpoints[object.namespacedName] = nil }
        }
        for key in touched.sorted() { await sync(key) }
        sweepOnce()
    }

    private func sync(_ key: String) async {
        let plan = ProxyPlan(service: services[key], endpoints: endpoints[key])
        let old = plans[key] ?? ProxyPlan()
        guard plan != old else { return }
        plans[key] = plan.portals.isEmpty ? nil : plan
        for action in plan.actions(from: old) { await perform(action, key) }
        listenerCount.value = Double(listeners.count)
    }

    private func perform(_ action: ProxyPlan.Action, _ key: String) async {
        switch action {
        case .addAddress(let address):
            // Counted here; made with each listen, so that a retry makes it again.
            addressUsers[address, default: 0] += 1
        case .removeAddress(let address):
            addressUsers[address, default: 1] -= 1
            guard addressUsers[address] == 0 else { return }
            addressUsers[address] = nil
            try? addresses.remove(address)
        case .listen(let frontend, let portal): await listen(frontend, portal, key)
        case .change(let frontend, let portal): listeners[frontend]?.change(portal)
        case .close(let frontend):
            failed[key]?.remove(frontend)
            // Those who are being served finish; the kernel refuses newcomers at once.
            await listeners.removeValue(forKey: frontend)?.close(endingConnections: false)
        }
    }

    private func listen(_ frontend: Frontend, _ portal: ProxyPlan.Portal, _ key: String) async {
        let listener = Listener(frontend, portal, context: context)
        do {
            if !frontend.address.isLoopback { try addresses.add(frontend.address) }
            try await listener.open()
        } catch {
            bindFailures.increment()
            let isNew = failed[key, default: []].insert(frontend).inserted
            if isNew, let service = services[key] {
                events?.record(
                    service, type: "Warning", reason: "FailedToListen",
                    message: "Cannot listen on \(frontend) for \(portal.name): \(error); it is tried again every \(retryInterval.components.seconds) s")
            }
            return
        }
        failed[key]?.remove(frontend)
        if failed[key]?.isEmpty ?? false { failed[key] = nil }
        // The world may have moved on while we were binding.
        guard let current = plans[key]?.portals[frontend] else {
            await listener.close(endingConnections: true)
            return
        }
        if current != portal { listener.change(current) }
        listeners[frontend] = listener
    }

    private func retry() async {
        for (key, frontends) in failed {
            for frontend in frontends where listeners[frontend] == nil {
                if let portal = plans[key]?.portals[frontend] { await listen(frontend, portal, key) } else { failed[key]?.remove(frontend) }
            }
        }
        listenerCount.value = Double(listeners.count)
    }

    /// Removes what a killed process left on `lo`, once all services are known.
    private func sweepOnce() {
        guard hasServices, !hasSwept else { return }
        hasSwept = true
        let known = (try? addresses.list()) ?? []
        for address in known where block.contains(address) && addressUsers[address] == nil { try? addresses.remove(address) }
    }

    private func stop() async {
        for listener in listeners.values { await listener.close(endingConnections: true) }
        listeners = [:]
        for address in addressUsers.keys where !address.isLoopback { try? addresses.remove(address) }
        addressUsers = [:]
        plans = [:]
        failed = [:]
        hasServices = false
        hasSwept = false
        listenerCount.value = 0
    }
}
