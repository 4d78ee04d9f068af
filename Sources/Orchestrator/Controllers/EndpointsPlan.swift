import JSON
import Objects

/// Who serves a Service, as a function of the Service and its pods.
package struct EndpointsPlan: Sendable {
    package struct Port: Hashable, Sendable, Comparable {
        package let name: String
        package let number: Int
        package let transport: String
        package let application: String

        package static func < (left: Port, right: Port) -> Bool { (left.name, left.number, left.transport) < (right.name, right.number, right.transport) }
    }

    package struct Endpoint: Hashable, Sendable, Comparable {
        package let address: String
        package let node: String?
        package let hostname: String?
        /// Null for addresses that a person wrote down.
        package let target: JSON
        package let isReady: Bool
        package let isServing: Bool
        package let isTerminating: Bool

        package static func < (left: Endpoint, right: Endpoint) -> Bool { left.address < right.address }
    }

    /// Endpoints by the ports at which they can be reached. Pods may resolve a named port differently.
    package private(set) var groups: [(ports: [Port], endpoints: [Endpoint])]

    package static let maximumAddresses = 1000
    package static let maximumPerSlice = 100

    /// Of a service with a selector. `pods` are those that its selector matches.
    package init(service: JSON, pods: [CachedObject]) {
        let isUnreadyPublished = service["spec"]["publishNotReadyAddresses"].bool ?? false
        let servicePorts = service["spec"]["ports"].elements
        var byPorts: [[Port]: [Endpoint]] = [:]
        for pod in pods {
            let json = pod.json
            guard let address = json["status"]["podIP"].string, !address.isEmpty, !json.isTerminal else { continue }
            let ports = servicePorts.compactMap { Self.resolve($0, in: json) }.sorted()
            // A pod that has none of the ports serves nobody, unless the service names no port at all.
            guard !ports.isEmpty || servicePorts.isEmpty else { continue }
            let hostname = json["spec"]["hostname"].string.flatMap { json["spec"]["subdomain"].string == service.metadataName ? $0 : nil }
            var target = json.objectReference()
            // The kind is known and the version would change with every heartbeat.
            target["kind"] = "Pod"
            target.remove("resourceVersion")
            target.remove("apiVersion")
            byPorts[ports, default: []].append(
                Endpoint(
                    address: address, node: pod.node, hostname: hostname, target: target,
                    isReady: isUnreadyPublished || (json.isReady && !pod.isTerminating), isServing: json.isReady, isTerminating: pod.isTerminating))
        }
        groups = byPorts.map { (ports: $0, endpoints: $1.sorted()) }.sorted { $0.ports.lexicographicallyPrecedes($1.ports) }
    }

    /// Of a service without a selector: what a person wrote into its Endpoints object.
    package init(mirroring endpoints: JSON) {
        groups = endpoints["subsets"].elements.map { subset in
            let ports = subset["ports"].elements.map {
                Port(
                    name: $0["name"].string ?? "", number: $0["port"].int ?? 0, transport: $0["protocol"].string ?? "TCP",
                    application: $0["appProtocol"].string ?? "")
            }
            func read(_ field: String, isReady: Bool) -> [Endpoint] {
                subset[field].elements.compactMap { address in
                    address["ip"].string.map {
                        Endpoint(
                            address: $0, node: address["nodeName"].string, hostname: address["hostname"].string, target: address["targetRef"],
                            isReady: isReady, isServing: isReady, isTerminating: false)
                    }
                }
            }
            return (ports: ports.sorted(), endpoints: (read("addresses", isReady: true) + read("notReadyAddresses", isReady: false)).sorted())
        }
    }

    /// The port of the pod that a port of the service means; nil if it is a name that the pod does not have.
    private static func resolve(_ port: JSON, in pod: JSON) -> Port? {
        let transport = port["protocol"].string ?? "TCP"
        func made(_ number: Int) -> Port {
            Port(name: port["name"].string ?? "", number: number, transport: transport, application: port["appProtocol"].string ?? "")
        }
        let target = port["targetPort"]
        if let number = target.int, number > 0 { return made(number) }
        guard let name = target.string, !name.isEmpty else { return port["port"].int.map(made) }
        for container in pod["spec"]["containers"].elements {
            for candidate in container["ports"].elements
            where candidate["name"].string == name && (candidate["protocol"].string ?? "TCP") == transport {
                return candidate["containerPort"].int.map(made)
            }
        }
        return nil
    }

    // MARK: Documents

    /// `subsets` of the Endpoints object. Terminating pods are left out, as they may stop at any moment.
    package var subsets: [JSON] {
        var room = Self.maximumAddresses
        return groups.compactMap { group in
            var ready: [JSON] = []
            var unready: [JSON] = []
            for endpoint in group.endpoints where room > 0 {
                guard endpoint.isReady || !endpoint.isTerminating else { continue }
                room -= 1
                var address: JSON = ["ip": .string(endpoint.address)]
                if let hostname = endpoint.hostname { address["hostname"] = .string(hostname) }
                if let node = endpoint.node { address["nodeName"] = .string(node) }
                if !endpoint.target.isNull { address["targetRef"] = endpoint.target }
                if endpoint.isReady { ready.append(address) } else { unready.append(address) }
            }
            guard !ready.isEmpty || !unready.isEmpty else { return nil }
            var subset: JSON = [:]
            if !ready.isEmpty { subset["addresses"] = .array(ready) }
            if !unready.isEmpty { subset["notReadyAddresses"] = .array(unready) }
            if !group.ports.isEmpty { subset["ports"] = .array(group.ports.map { Self.document($0, always: false) }) }
            return subset
        }
    }

    private static func document(_ port: Port, always: Bool) -> JSON {
        var document: JSON = [:]
        if always || !port.name.isEmpty { document["name"] = .string(port.name) }
        document["port"] = JSON(port.number)
        document["protocol"] = .string(port.transport)
        if !port.application.isEmpty { document["appProtocol"] = .string(port.application) }
        return document
    }

    /// What to write so that `slices` tell the same. An endpoint stays in the slice that has it, so that a change of
    /// one pod rewrites one slice.
    package func sliceChanges(service: JSON, slices: [CachedObject], manager: String) -> (create: [JSON], update: [JSON], delete: [CachedObject]) {
        var left = slices.filter { !$0.isTerminating }.sorted { $0.key < $1.key }
        var create: [JSON] = []
        var update: [JSON] = []
        for group in groups where !group.endpoints.isEmpty {
            let ports = JSON.array(group.ports.map { Self.document($0, always: true) })
            var waiting = Dictionary(group.endpoints.map { ($0.address, $0) }, uniquingKeysWith: { first, _ in first })
            var filled: [(slice: CachedObject, endpoints: [Endpoint])] = []
            for slice in left where slice.json["ports"] == ports {
                let kept = slice.json["endpoints"].elements.compactMap { $0["addresses"][0].string.flatMap { waiting.removeValue(forKey: $0) } }
                filled.append((slice, kept))
            }
            left.removeAll { $0.json["ports"] == ports }
            var rest = waiting.values.sorted()[...]
            for (slice, kept) in filled {
                let added = rest.prefix(max(0, Self.maximumPerSlice - kept.count))
                rest = rest.dropFirst(added.count)
                let endpoints = kept + added
                guard !endpoints.isEmpty else {
                    left.append(slice)
                    continue
                }
                var json = slice.json
                json["endpoints"] = .array(endpoints.map(Self.document))
                if json != slice.json { update.append(json) }
            }
            while !rest.isEmpty {
                create.append(Self.slice(of: service, ports: ports, endpoints: rest.prefix(Self.maximumPerSlice), manager: manager))
                rest = rest.dropFirst(Self.maximumPerSlice)
            }
        }
        return (create, update, left)
    }

    private static func slice(of service: JSON, ports: JSON, endpoints: ArraySlice<Endpoint>, manager: String) -> JSON {
        var labels = service.labels
        labels["kubernetes.io/service-name"] = service.metadataName
        labels["endpointslice.kubernetes.io/managed-by"] = manager
        if service["spec"]["clusterIP"].string == "None" { labels["service.kubernetes.io/headless"] = "" }
        var owner = service.ownerReference()
        owner["apiVersion"] = "v1"
        owner["kind"] = "Service"
        return [
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": [
                "generateName": .string(service.metadataName + "-"), "namespace": .string(service.namespace), "labels": .strings(labels),
                "ownerReferences": [owner],
            ],
            "addressType": "IPv4", "endpoints": .array(endpoints.map(document)), "ports": ports,
        ]
    }

    private static func document(_ endpoint: Endpoint) -> JSON {
        var document: JSON = [
            "addresses": [.string(endpoint.address)],
            "conditions": [
                "ready": .bool(endpoint.isReady), "serving": .bool(endpoint.isServing), "terminating": .bool(endpoint.isTerminating),
            ],
        ]
        if let hostname = endpoint.hostname { document["hostname"] = .string(hostname) }
        if !endpoint.target.isNull { document["targetRef"] = endpoint.target }
        if let node = endpoint.node { document["nodeName"] = .string(node) }
        return document
    }
}
