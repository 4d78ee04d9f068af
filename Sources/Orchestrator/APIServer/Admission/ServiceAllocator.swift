import InternetAddresses
import JSON
import Objects
import Synchronization

/// Gives Services their cluster addresses and node ports, in the same write that stores them.
///
/// What is taken follows from the stored Services alone: it is read from them at the start and kept in memory,
/// so there is no second record that could disagree with them.
final class ServiceAllocator: Sendable {
    /// What one write took; given back if the write does not happen.
    struct Reservation: Sendable {
        var address: IPv4Address?
        var ports: [Int] = []
    }
    private struct State {
        var addresses: Set<IPv4Address> = []
        var ports: Set<Int> = []
        /// Where the next search begins, so that a freed address is not handed out at once.
        var nextAddress: IPv4Address
        var nextPort: Int
    }

    let network: IPv4Network
    let nodePorts: ClosedRange<Int>
    private let state: Mutex<State>

    init(network: IPv4Network, nodePorts: ClosedRange<Int> = 30_000...32_767) {
        self.network = network
        self.nodePorts = nodePorts
        // The lower band stays free for addresses that people choose (DNS at .10), as in Kubernetes since 1.26.
        let band = UInt32(min(max(16, network.count / 16), 256, network.count / 2))
        state = Mutex(State(nextAddress: network.base + band, nextPort: nodePorts.lowerBound))
    }

    /// Takes note of the Services that are stored already.
    func adopt(_ services: [JSON]) {
        state.withLock { state in
            for service in services {
                if let address = Self.address(of: service) { state.addresses.insert(address) }
                state.ports.formUnion(Self.ports(of: service))
            }
        }
    }

    /// Fills in the address and node ports that a Service needs and does not name. Other kinds pass untouched.
    /// - Throws: 422 for an address or port that is taken or outside the range.
    func admit(_ service: inout JSON, kind: Kind, replacing old: JSON?) throws(StatusError) -> Reservation {
        guard kind.resource == .services else { return Reservation() }
        if let old { Self.carryOver(from: old, to: &service) }
        let type = service["spec"]["type"].string ?? "ClusterIP"
        if type == "ExternalName" {
            service["spec"].remove("clusterIP")
            service["spec"].remove("clusterIPs")
            return Reservation()
        }
        let taken = old.map { (Self.address(of: $0), Set(Self.ports(of: $0))) } ?? (nil, [])
        var errors: [FieldError] = []
        let reservation = state.withLock { state in
            var reservation = Reservation()
            admitAddress(&service, owned: taken.0, state: &state, &reservation, &errors)
            if type == "NodePort" || type == "LoadBalancer" {
                admitPorts(&service, owned: taken.1, state: &state, &reservation, &errors)
            }
            if !errors.isEmpty { Self.release(reservation, in: &state) }
            return reservation
        }
        guard errors.isEmpty else { throw .invalid(kind, name: service.metadataName, errors: errors) }
        return reservation
    }

    func release(_ reservation: Reservation) { state.withLock { Self.release(reservation, in: &$0) } }

    /// Frees what `old` had and `new` (nil: deleted) has not.
    func settle(replacing old: JSON, by new: JSON?, kind: Kind) {
        guard kind.resource == .services else { return }
        state.withLock { state in
            if let address = Self.address(of: old), address != new.flatMap(Self.address) { state.addresses.remove(address) }
            state.ports.subtract(Set(Self.ports(of: old)).subtracting(new.map(Self.ports) ?? []))
        }
    }

    // MARK: Parts

    private func admitAddress(
        _ service: inout JSON, owned: IPv4Address?, state: inout State, _ reservation: inout Reservation, _ errors: inout [FieldError]
    ) {
        let asked = service["spec"]["clusterIP"].string ?? service["spec"]["clusterIPs"][0].string ?? ""
        let text: String
        if asked == "None" {
            text = asked
        } else if asked.isEmpty {
            guard let address = nextFree(&state) else {
                errors.append(FieldError(.invalid, "spec.clusterIPs", "Invalid value: []: failed to allocate a serviceIP: range is full"))
                return
            }
            state.addresses.insert(address)
            reservation.address = address
            text = "\(address)"
        } else {
            text = asked
            // Another text is not ours to judge: the kind's validation does.
            if let address = IPv4Address(asked), address != owned {
                let problem =
                    !network.containsHost(address)
                    ? "the provided IP (\(asked)) is not in the valid range. The range of valid IPs is \(network)"
                    : state.addresses.contains(address) ? "provided IP is already allocated" : nil
                if let problem {
                    errors.append(
                        FieldError(.invalid, "spec.clusterIPs", "Invalid value: [\"\(asked)\"]: failed to allocate IP \(asked): \(problem)"))
                    return
                }
                state.addresses.insert(address)
                reservation.address = address
            }
        }
        service["spec"]["clusterIP"] = .string(text)
        service["spec"]["clusterIPs"] = [.string(text)]
    }

    private func nextFree(_ state: inout State) -> IPv4Address? {
        for _ in 0..<network.count {
            let candidate = state.nextAddress
            state.nextAddress = candidate + 1 < network.last ? candidate + 1 : network.base + 2
            if network.containsHost(candidate), candidate != network.base + 1, !state.addresses.contains(candidate) { return candidate }
        }
        return nil
    }

    private func admitPorts(
        _ service: inout JSON, owned: Set<Int>, state: inout State, _ reservation: inout Reservation, _ errors: inout [FieldError]
    ) {
        var ports = service["spec"]["ports"].elements
        // One number may serve TCP and UDP of the same Service.
        var mine = owned
        for position in ports.indices {
            let path = "spec.ports[\(position)].nodePort"
            if let port = ports[position]["nodePort"].int, port != 0 {
                if mine.contains(port) { continue }
                guard nodePorts.contains(port) else {
                    errors.append(
                        FieldError(
                            .invalid, path,
                            "Invalid value: \(port): provided port is not in the valid range. The range of valid ports is "
                                + "\(nodePorts.lowerBound)-\(nodePorts.upperBound)"))
                    continue
                }
                guard !state.ports.contains(port) else {
                    errors.append(FieldError(.invalid, path, "Invalid value: \(port): provided port is already allocated"))
                    continue
                }
                mine.insert(port)
                state.ports.insert(port)
                reservation.ports.append(port)
            } else {
                guard let port = nextFreePort(&state) else {
                    errors.append(FieldError(.invalid, path, "Invalid value: 0: failed to allocate a nodePort: range is full"))
                    continue
                }
                mine.insert(port)
                state.ports.insert(port)
                reservation.ports.append(port)
                ports[position]["nodePort"] = JSON(port)
            }
        }
        service["spec"]["ports"] = .array(ports)
    }

    private func nextFreePort(_ state: inout State) -> Int? {
        for _ in nodePorts {
            let candidate = state.nextPort
            state.nextPort = candidate < nodePorts.upperBound ? candidate + 1 : nodePorts.lowerBound
            if !state.ports.contains(candidate) { return candidate }
        }
        return nil
    }

    private static func release(_ reservation: Reservation, in state: inout State) {
        if let address = reservation.address { state.addresses.remove(address) }
        state.ports.subtract(reservation.ports)
    }

    private static func address(of service: JSON) -> IPv4Address? { service["spec"]["clusterIP"].string.flatMap { IPv4Address($0) } }

    private static func ports(of service: JSON) -> [Int] { service["spec"]["ports"].elements.compactMap { $0["nodePort"].int } }

    /// An update that leaves out what the server had chosen keeps it (`kubectl replace` with the original file).
    private static func carryOver(from old: JSON, to service: inout JSON) {
        let type = service["spec"]["type"].string ?? "ClusterIP"
        guard type != "ExternalName" else { return }
        if service["spec"]["clusterIP"].string ?? "" == "", old["spec"]["type"].string != "ExternalName" {
            service["spec"]["clusterIP"] = old["spec"]["clusterIP"]
            service["spec"]["clusterIPs"] = old["spec"]["clusterIPs"]
        }
        var ports = service["spec"]["ports"].elements
        for position in ports.indices {
            if type == "ClusterIP" {
                // Node ports end with the type that needs them.
                if old["spec"]["type"].string != "ClusterIP" { ports[position].remove("nodePort") }
                continue
            }
            guard ports[position]["nodePort"].int ?? 0 == 0 else { continue }
            let same = old["spec"]["ports"].elements.first {
                $0["port"] == ports[position]["port"] && $0["protocol"] == ports[position]["protocol"] && ($0["nodePort"].int ?? 0) != 0
            }
            if let same { ports[position]["nodePort"] = same["nodePort"] }
        }
        if !ports.isEmpty { service["spec"]["ports"] = .array(ports) }
    }
}
