public import InternetAddresses
import JSON
import Objects

/// Where clients of a Service connect to.
public struct Frontend: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let address: IPv4Address
    public let port: Int

    public init(_ address: IPv4Address, _ port: Int) {
        self.address = address
        self.port = port
    }
    public var description: String { "\(address):\(port)" }
    public static func < (left: Frontend, right: Frontend) -> Bool { (left.address, left.port) < (right.address, right.port) }
}

/// Where one pod, or one address that a person wrote down, serves.
public struct Backend: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let address: String
    public let port: Int

    public init(_ address: String, _ port: Int) {
        self.address = address
        self.port = port
    }
    public var description: String { "\(address):\(port)" }
    public static func < (left: Backend, right: Backend) -> Bool { (left.address, left.port) < (right.address, right.port) }
}

/// What the proxy should do for one Service, as a function of the Service and its Endpoints.
public struct ProxyPlan: Hashable, Sendable {
    /// One port of a Service.
    public struct Portal: Hashable, Sendable {
        /// `namespace/name`, or `namespace/name:port` for a named port, as kube-proxy writes it.
        public let name: String
        /// Ready ones, sorted.
        public var backends: [Backend]
        /// For how long one client's connections go to one back end; nil without affinity.
        public var affinity: Duration?
    }

    public private(set) var portals: [Frontend: Portal] = [:]
    /// Ports that this proxy does not carry, such as `53/UDP`.
    public private(set) var unsupportedPorts: [String] = []

    /// Nothing at all.
    public init() {}

    /// - Parameters:
    ///   - service: nil if it does not exist or is being deleted.
    ///   - endpoints: the Endpoints object of its name; nil if there is none yet.
    public init(service: JSON?, endpoints: JSON?) {
        // Headless and ExternalName services have no address of their own: DNS alone serves them.
        guard let service, !service.isBeingDeleted, service["spec"]["type"].string != "ExternalName",
            let address = service["spec"]["clusterIP"].string.flatMap(IPv4Address.init)
        else { return }
        let seconds = service["spec"]["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"].int ?? 10_800
        let affinity: Duration? = service["spec"]["sessionAffinity"].string == "ClientIP" ? .seconds(seconds) : nil
        for port in service["spec"]["ports"].elements {
            guard let number = port["port"].int else { continue }
            let transport = port["protocol"].string ?? "TCP"
            guard transport == "TCP" else {
                unsupportedPorts.append("\(number)/\(transport)")
                continue
            }
            let name = port["name"].string ?? ""
            let suffix = name.isEmpty ? "" : ":" + name
            portals[Frontend(address, number)] = Portal(
                name: service.namespacedName + suffix, backends: Self.backends(of: endpoints, portName: name), affinity: affinity)
        }
    }

    private static func backends(of endpoints: JSON?, portName: String) -> [Backend] {
        var backends: Set<Backend> = []
        for subset in endpoints?["subsets"].elements ?? [] {
            for port in subset["ports"].elements where (port["name"].string ?? "") == portName && (port["protocol"].string ?? "TCP") == "TCP" {
                guard let number = port["port"].int else { continue }
                for address in subset["addresses"].elements {
                    if let ip = address["ip"].string { backends.insert(Backend(ip, number)) }
                }
            }
        }
        return backends.sorted()
    }

    /// The addresses that clients use.
    public var addresses: Set<IPv4Address> { Set(portals.keys.map(\.address)) }

    public enum Action: Hashable, Sendable {
        /// Make the machine answer for an address.
        case addAddress(IPv4Address)
        case listen(Frontend, Portal)
        /// The listener stays; connections that are open stay.
        case change(Frontend, Portal)
        case close(Frontend)
        case removeAddress(IPv4Address)
    }

    /// What turns `old` into this plan, in the order in which it must be done.
    public func actions(from old: ProxyPlan) -> [Action] {
        var actions: [Action] = []
        for frontend in old.portals.keys.sorted() where portals[frontend] == nil { actions.append(.close(frontend)) }
        for address in old.addresses.subtracting(addresses).sorted() { actions.append(.removeAddress(address)) }
        for address in addresses.subtracting(old.addresses).sorted() { actions.append(.addAddress(address)) }
        for (frontend, portal) in portals.sorted(by: { $0.key < $1.key }) {
            if let known = old.portals[frontend] {
                if known != portal { actions.append(.change(frontend, portal)) }
            } else {
                actions.append(.listen(frontend, portal))
            }
        }
        return actions
    }
}
