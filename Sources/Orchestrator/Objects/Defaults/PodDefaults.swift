import JSON

/// Defaults of pods and pod templates that depend on more than one field.
enum PodDefaults {
    static func container(_ container: inout JSONObject) -> Bool {
        guard (container["imagePullPolicy"]?.string ?? "").isEmpty, let image = container["image"]?.string, !image.isEmpty else { return false }
        container["imagePullPolicy"] = .string(pullPolicy(image: image))
        return true
    }

    /// A tag that moves is fetched each time; a digest or a fixed tag once.
    static func pullPolicy(image: String) -> String {
        if image.contains("@") { return "IfNotPresent" }
        // A colon after the last slash starts the tag; before it, a registry's port.
        let name = image.utf8.lastIndex(of: UInt8(ascii: "/")).map { image[image.utf8.index(after: $0)...] } ?? image[...]
        guard let colon = name.utf8.lastIndex(of: UInt8(ascii: ":")) else { return "Always" }
        return name[name.utf8.index(after: colon)...] == "latest" ? "Always" : "IfNotPresent"
    }

    static func volume(_ volume: inout JSONObject) -> Bool {
        guard volume.allSatisfy({ $0.key == "name" || $0.value.isNull }) else { return false }
        volume["emptyDir"] = [:]
        return true
    }

    static func podSpec(_ spec: inout JSONObject) -> Bool {
        var isChanged = false
        // The account has two names; both are kept equal.
        let account = spec["serviceAccountName"]?.string ?? spec["serviceAccount"]?.string
        if let account, !account.isEmpty {
            for name in ["serviceAccountName", "serviceAccount"] where spec[name]?.string != account {
                spec[name] = .string(account)
                isChanged = true
            }
        }
        if spec["hostNetwork"]?.bool == true {
            for list in ["containers", "initContainers"] {
                guard let containers = spec[list], let changed = withHostPorts(containers) else { continue }
                spec[list] = changed
                isChanged = true
            }
        }
        return isChanged
    }

    /// On the node's network every container port is a port of the node.
    private static func withHostPorts(_ containers: JSON) -> JSON? {
        var result = containers.elements
        var isChanged = false
        for index in result.indices {
            var ports = result[index]["ports"].elements
            for port in ports.indices where (ports[port]["hostPort"].int ?? 0) == 0 {
                ports[port]["hostPort"] = ports[port]["containerPort"]
                result[index]["ports"] = .array(ports)
                isChanged = true
            }
        }
        return isChanged ? .array(result) : nil
    }

    /// What holds for pods but not for templates: set by defaulting and by Kubernetes' admission plugins.
    static func pod(_ pod: inout JSON) {
        let old = pod["spec"]
        guard case .object(var spec) = old else { return }
        func set(_ name: String, _ value: JSON) {
            if spec[name] == nil { spec[name] = value }
        }
        set("enableServiceLinks", true)
        set("serviceAccountName", "default")
        set("serviceAccount", spec["serviceAccountName"] ?? "default")
        set("preemptionPolicy", "PreemptLowerPriority")
        set("priority", 0)
        for list in ["containers", "initContainers"] {
            if let containers = spec[list], let changed = withRequestsFromLimits(containers) { spec[list] = changed }
        }
        if let changed = withNodeTolerations(spec["tolerations"] ?? []) { spec["tolerations"] = changed }
        pod["spec"] = .object(spec)
        if pod["status"]["qosClass"].isNull { pod["status"]["qosClass"] = .string(QoSClass(pod: pod).rawValue) }
    }

    private static func withRequestsFromLimits(_ containers: JSON) -> JSON? {
        var result = containers.elements
        var isChanged = false
        for index in result.indices {
            guard case .object(let limits) = result[index]["resources"]["limits"] else { continue }
            for (name, limit) in limits where result[index]["resources"]["requests"][name].isNull {
                result[index]["resources"]["requests"][name] = limit
                isChanged = true
            }
        }
        return isChanged ? .array(result) : nil
    }

    /// A pod stays five minutes on a node that is not ready or cannot be reached.
    private static func withNodeTolerations(_ tolerations: JSON) -> JSON? {
        var result = tolerations.elements
        for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
            let isCovered = result.contains {
                let effect = $0["effect"].string ?? ""
                let tolerated = $0["key"].string ?? ""
                return (tolerated == key || tolerated.isEmpty) && (effect == "NoExecute" || effect.isEmpty)
            }
            if isCovered { continue }
            result.append(["key": .string(key), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300])
        }
        return result.count == tolerations.elements.count ? nil : .array(result)
    }
}
