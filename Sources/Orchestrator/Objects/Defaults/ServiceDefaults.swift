import JSON

/// Defaults of services that depend on more than one field.
enum ServiceDefaults {
    static func port(_ port: inout JSONObject) -> Bool {
        switch port["targetPort"] {
        case nil, .null, .integer(0), .string(""):
            guard let number = port["port"] else { return false }
            port["targetPort"] = number
            return true
        default: return false
        }
    }

    static func spec(_ spec: inout JSONObject) -> Bool {
        var isChanged = false
        func set(_ name: String, _ value: JSON) {
            guard spec[name] == nil else { return }
            spec[name] = value
            isChanged = true
        }
        let type = spec["type"]?.string ?? "ClusterIP"
        if spec["sessionAffinity"]?.string == "ClientIP", spec["sessionAffinityConfig"]?["clientIP"]["timeoutSeconds"].isNull ?? true {
            spec["sessionAffinityConfig"] = ["clientIP": ["timeoutSeconds": 10_800]]
            isChanged = true
        }
        guard type != "ExternalName" else { return isChanged }
        if let address = spec["clusterIP"], address.string?.isEmpty == false { set("clusterIPs", [address]) }
        if spec["clusterIP"] == nil, let first = spec["clusterIPs"]?[0], !first.isNull { set("clusterIP", first) }
        set("internalTrafficPolicy", "Cluster")
        set("ipFamilies", ["IPv4"])
        set("ipFamilyPolicy", "SingleStack")
        if type == "NodePort" || type == "LoadBalancer" { set("externalTrafficPolicy", "Cluster") }
        if type == "LoadBalancer" { set("allocateLoadBalancerNodePorts", true) }
        return isChanged
    }
}
