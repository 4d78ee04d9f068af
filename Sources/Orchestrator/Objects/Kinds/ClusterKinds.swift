import JSON

struct NodeKind: KindBehaviour {
    let keepsStatusOnCreate = true
    let columns: [Column] = [
        .name,
        Column("Status", "Ready or not, and whether new pods are kept away."),
        Column("Roles", "From labels node-role.kubernetes.io/ROLE."),
        .age,
        Column("Version", "The kubelet's version."),
        Column("Internal-IP", priority: 1, "The address in the cluster."),
        Column("External-IP", priority: 1, "The address outside."),
        Column("OS-Image", priority: 1, "The operating system."),
        Column("Kernel-Version", priority: 1, "The kernel."),
        Column("Container-Runtime", priority: 1, "What runs the containers."),
    ]

    func cells(_ node: JSON, now: Int64) -> [JSON] {
        let status = node["status"]
        var words: [String] = []
        switch node.condition("Ready")?["status"].string {
        case "True"?: words.append("Ready")
        case nil: words.append("Unknown")
        default: words.append("NotReady")
        }
        if node["spec"]["unschedulable"].bool == true { words.append("SchedulingDisabled") }
        func address(_ type: String) -> JSON { Cells.text(status["addresses"].elements.first { $0["type"].string == type }?["address"] ?? .null) }
        let info = status["nodeInfo"]
        return [
            .string(node.metadataName), .string(words.joined(separator: ",")), Cells.list(roles(node)), .string(node.age(now: now)),
            .string(info["kubeletVersion"].string ?? ""), address("InternalIP"), address("ExternalIP"),
            Cells.text(info["osImage"], or: Cells.unknown), Cells.text(info["kernelVersion"], or: Cells.unknown),
            Cells.text(info["containerRuntimeVersion"], or: Cells.unknown),
        ]
    }

    private func roles(_ node: JSON) -> [String] {
        let prefix = "node-role.kubernetes.io/"
        var roles = Set<String>()
        for (key, value) in node["metadata"]["labels"].members {
            if key.hasPrefix(prefix), key.utf8.count > prefix.utf8.count { roles.insert(String(key.dropFirst(prefix.count))) }
            if key == "kubernetes.io/role", let role = value.string, !role.isEmpty { roles.insert(role) }
        }
        return roles.sorted()
    }

    let fieldLabels = ["spec.unschedulable"]
    func selectableFields(_ node: JSON) -> [String: String] {
        ["spec.unschedulable": node["spec"]["unschedulable"].bool == true ? "true" : "false"]
    }

    func validate(_ node: JSON, _ errors: inout FieldErrors) { errors.at("spec") { NodeValidator.taints(node["spec"], &$0) } }

    func validateUpdate(_ node: JSON, replacing old: JSON, _ errors: inout FieldErrors) {
        for field in ["podCIDR", "providerID"] {
            let before = old["spec"][field].string ?? ""
            guard !before.isEmpty, node["spec"][field].string != before else { continue }
            errors.at("spec", .name(field)) { $0.forbidden("node updates may not change \(field) except from \"\" to valid") }
        }
    }
}

struct NamespaceKind: KindBehaviour {
    let nameRule = NameRule.label
    let columns: [Column] = [.name, Column("Status", "Active or Terminating."), .age]
    func cells(_ namespace: JSON, now: Int64) -> [JSON] {
        [.string(namespace.metadataName), .string(namespace["status"]["phase"].string ?? ""), .string(namespace.age(now: now))]
    }

    let fieldLabels = ["status.phase", "name"]
    func selectableFields(_ namespace: JSON) -> [String: String] {
        ["status.phase": namespace["status"]["phase"].string ?? "", "name": namespace.metadataName]
    }

    func applyDefaults(to namespace: inout JSON) {
        let name = namespace.metadataName
        if !name.isEmpty, namespace["metadata"]["labels"]["kubernetes.io/metadata.name"].string != name {
            namespace["metadata"]["labels"]["kubernetes.io/metadata.name"] = .string(name)
        }
    }

    /// The `kubernetes` finalizer keeps a namespace until all in it is gone.
    func prepareForCreate(_ namespace: inout JSON) {
        let finalizers = namespace["spec"]["finalizers"].elements
        if !finalizers.contains("kubernetes") { namespace["spec"]["finalizers"] = .array(finalizers + ["kubernetes"]) }
    }

    /// Only the `finalize` subresource changes `spec.finalizers`.
    func prepareForUpdate(_ namespace: inout JSON, replacing old: JSON) {
        if !old["spec"].isNull { namespace["spec"] = old["spec"] }
    }

    func merge(_ namespace: JSON, into old: JSON, subresource: String) -> JSON? {
        guard subresource == "finalize" else { return nil }
        var result = old
        result["spec"] = namespace["spec"].isNull ? [:] : namespace["spec"]
        return result
    }
}

struct EventKind: KindBehaviour {
    let columns: [Column] = [
        Column("Last Seen", "How long ago it happened last."),
        Column("Type", "Normal or Warning."),
        Column("Reason", "One word for programs."),
        Column("Object", "KIND/NAME of the object it happened to."),
        Column("Subobject", priority: 1, "The part of the object."),
        Column("Source", priority: 1, "Who saw it."),
        Column("Message", "A sentence for people."),
        Column("First Seen", priority: 1, "How long ago it happened first."),
        Column("Count", priority: 1, "How often it happened."),
        Column("Name", format: "name", priority: 1, "The event's own name."),
    ]

    func cells(_ event: JSON, now: Int64) -> [JSON] {
        let series = event["series"]
        let first = event["firstTimestamp"].isNull ? event["eventTime"] : event["firstTimestamp"]
        let last = !series.isNull ? series["lastObservedTime"] : event["lastTimestamp"].isNull ? first : event["lastTimestamp"]
        let object = event["involvedObject"]
        let source = event["source"]
        let component = source["component"].string ?? event["reportingComponent"].string ?? ""
        let host = source["host"].string ?? event["reportingInstance"].string ?? ""
        let message = (event["message"].string ?? "").utf8.reversed().drop { $0 == 0x0A || $0 == 0x20 }.reversed()
        let reference = "\(object["kind"].string?.lowercased() ?? "")/\(object["name"].string ?? "")"
        let count = series["count"].int ?? event["count"].int ?? 1
        return [
            .string(last.timeAgo(now: now)), .string(event["type"].string ?? ""), .string(event["reason"].string ?? ""),
            .string(reference), .string(object["fieldPath"].string ?? ""), .string(host.isEmpty ? component : "\(component), \(host)"),
            .string(String(decoding: message, as: UTF8.self)), .string(first.timeAgo(now: now)), JSON(max(count, 1)),
            .string(event.metadataName),
        ]
    }

    let fieldLabels = [
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "involvedObject.apiVersion",
        "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type",
    ]

    func selectableFields(_ event: JSON) -> [String: String] {
        var fields: [String: String] = [:]
        let object = event["involvedObject"]
        for field in ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"] {
            fields["involvedObject." + field] = object[field].string ?? ""
        }
        let component = event["reportingComponent"].string ?? ""
        fields["reason"] = event["reason"].string ?? ""
        fields["reportingComponent"] = component
        fields["source"] = event["source"]["component"].string ?? component
        fields["type"] = event["type"].string ?? ""
        return fields
    }

    func validate(_ event: JSON, _ errors: inout FieldErrors) {
        let namespace = event["involvedObject"]["namespace"].string ?? ""
        // Events about cluster-scoped objects live in `default`.
        guard namespace.isEmpty ? event.namespace != "default" && event.namespace != "kube-system" : namespace != event.namespace else { return }
        errors.at("involvedObject", "namespace") { $0.invalid(.string(namespace), "does not match event.namespace") }
    }
}

struct ServiceAccountKind: KindBehaviour {
    let columns: [Column] = [.name, Column("Secrets", "How many secrets belong to the account."), .age]
    func cells(_ account: JSON, now: Int64) -> [JSON] {
        [.string(account.metadataName), JSON(account["secrets"].elements.count), .string(account.age(now: now))]
    }
}

struct ComponentStatusKind: KindBehaviour {
    let columns: [Column] = [
        .name, Column("Status", "Healthy, Unhealthy or Unknown."), Column("Message", "What the part says of itself."),
        Column("Error", "What is wrong."),
    ]
    func cells(_ status: JSON, now: Int64) -> [JSON] {
        let condition = status["conditions"].elements.first { $0["type"].string == "Healthy" } ?? .null
        let word = condition["status"].string == "True" ? "Healthy" : condition["status"].string == "False" ? "Unhealthy" : "Unknown"
        return [
            .string(status.metadataName), .string(word), .string(condition["message"].string ?? ""), .string(condition["error"].string ?? ""),
        ]
    }
}

struct LeaseKind: KindBehaviour {
    let columns: [Column] = [.name, Column("Holder", "Who holds the lease."), .age]
    func cells(_ lease: JSON, now: Int64) -> [JSON] {
        [.string(lease.metadataName), .string(lease["spec"]["holderIdentity"].string ?? ""), .string(lease.age(now: now))]
    }
}
