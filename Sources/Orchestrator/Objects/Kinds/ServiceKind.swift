import JSON

struct ServiceKind: KindBehaviour {
    let nameRule = NameRule.service
    let columns: [Column] = [
        .name,
        Column("Type", "Who can reach the service."),
        Column("Cluster-IP", "The service's own address."),
        Column("External-IP", "Addresses outside the cluster."),
        Column("Port(s)", "PORT/PROTOCOL, with the node's port after a colon."),
        .age,
        Column("Selector", priority: 1, "Which pods are meant."),
    ]

    func cells(_ service: JSON, now: Int64) -> [JSON] {
        let spec = service["spec"]
        let type = spec["type"].string ?? "ClusterIP"
        let external = spec["externalIPs"].elements.compactMap(\.string)
        let outside: JSON
        switch type {
        case "ExternalName": outside = Cells.text(spec["externalName"])
        case "LoadBalancer":
            let ingress = service["status"]["loadBalancer"]["ingress"].elements.compactMap { $0["ip"].string ?? $0["hostname"].string }
            outside = Cells.list(ingress + external, or: "<pending>")
        default: outside = Cells.list(external)
        }
        let ports = spec["ports"].elements.map { port in
            let node = port["nodePort"].int ?? 0
            return "\(port["port"].int ?? 0)\(node > 0 ? ":\(node)" : "")/\(port["protocol"].string ?? "TCP")"
        }
        return [
            .string(service.metadataName), .string(type), Cells.text(spec["clusterIP"]), outside, Cells.list(ports),
            .string(service.age(now: now)), Cells.selector(spec["selector"]),
        ]
    }

    let fieldLabels = ["spec.clusterIP", "spec.type"]
    func selectableFields(_ service: JSON) -> [String: String] {
        ["spec.clusterIP": service["spec"]["clusterIP"].string ?? "", "spec.type": service["spec"]["type"].string ?? ""]
    }

    /// Addresses and ports that the server has given stay with the service when a client does not repeat them.
    func prepareForUpdate(_ service: inout JSON, replacing old: JSON) {
        let oldSpec = old["spec"]
        guard case .object(var spec) = service["spec"] else { return }
        let type = spec["type"]?.string ?? "ClusterIP"
        let oldType = oldSpec["type"].string ?? "ClusterIP"
        if type == "ExternalName", oldType != "ExternalName" {
            for field in ["clusterIP", "clusterIPs"] where spec[field] == oldSpec.members[field] { spec.remove(field) }
            for field in ["internalTrafficPolicy", "ipFamilies", "ipFamilyPolicy"] { spec.remove(field) }
        } else if type != "ExternalName" {
            for field in ["clusterIP", "clusterIPs"] where spec[field] == nil { spec[field] = oldSpec.members[field] }
        }
        let hasNodePorts = type == "NodePort" || type == "LoadBalancer"
        let oldPorts = oldSpec["ports"].elements
        var ports = spec["ports"]?.elements ?? []
        for index in ports.indices {
            let port = ports[index]
            let before = oldPorts.first { $0["port"] == port["port"] && ($0["protocol"].string ?? "TCP") == (port["protocol"].string ?? "TCP") }
            guard let number = before?["nodePort"], !number.isNull else { continue }
            if hasNodePorts, port["nodePort"].isNull {
                ports[index]["nodePort"] = number
            } else if !hasNodePorts, oldType != type, port["nodePort"] == number {
                ports[index].remove("nodePort")
            }
        }
        if !ports.isEmpty { spec["ports"] = .array(ports) }
        if !hasNodePorts, oldType != type, spec["externalTrafficPolicy"] == oldSpec.members["externalTrafficPolicy"] {
            spec.remove("externalTrafficPolicy")
        }
        if type != "LoadBalancer", oldType == "LoadBalancer" {
            for field in ["allocateLoadBalancerNodePorts", "loadBalancerClass", "healthCheckNodePort"] where spec[field] == oldSpec.members[field] {
                spec.remove(field)
            }
        }
        service["spec"] = .object(spec)
    }

    func validateUpdate(_ service: JSON, replacing old: JSON, _ errors: inout FieldErrors) {
        let (address, before) = (service["spec"]["clusterIP"].string ?? "", old["spec"]["clusterIP"].string ?? "")
        guard !before.isEmpty, address != before, service["spec"]["type"].string != "ExternalName" else { return }
        errors.at("spec", "clusterIPs", 0) { $0.invalid([.string(address)], "may not change once set") }
    }
}

struct EndpointsKind: KindBehaviour {
    let columns: [Column] = [.name, Column("Endpoints", "ADDRESS:PORT of what is ready."), .age]

    func cells(_ endpoints: JSON, now: Int64) -> [JSON] {
        var shown: [String] = []
        var count = 0
        for subset in endpoints["subsets"].elements {
            let addresses = subset["addresses"].elements.compactMap { $0["ip"].string }
            let ports = subset["ports"].elements.compactMap { $0["port"].int }
            let pairs = ports.isEmpty ? addresses : ports.flatMap { port in addresses.map { "\($0):\(port)" } }
            count += pairs.count
            shown += pairs.prefix(max(0, 3 - shown.count))
        }
        var text = shown.joined(separator: ",")
        if count > shown.count { text += " + \(count - shown.count) more..." }
        return [.string(endpoints.metadataName), Cells.text(.string(text)), .string(endpoints.age(now: now))]
    }
}

struct EndpointSliceKind: KindBehaviour {
    let columns: [Column] = [
        .name, Column("AddressType", "IPv4, IPv6 or FQDN."), Column("Ports", "The ports of all endpoints."),
        Column("Endpoints", "The addresses."), .age,
    ]

    func cells(_ slice: JSON, now: Int64) -> [JSON] {
        func shortened(_ items: [String], or missing: JSON) -> JSON {
            guard items.count > 3 else { return Cells.list(items, or: missing) }
            return .string(items.prefix(3).joined(separator: ",") + " + \(items.count - 3) more...")
        }
        let ports = slice["ports"].elements.map { $0["port"].int.map(String.init) ?? $0["name"].string ?? "*" }
        let addresses = slice["endpoints"].elements.flatMap { $0["addresses"].elements.compactMap(\.string) }
        return [
            .string(slice.metadataName), Cells.text(slice["addressType"]), shortened(ports, or: "<unset>"),
            shortened(addresses, or: "<unset>"), .string(slice.age(now: now)),
        ]
    }
}
