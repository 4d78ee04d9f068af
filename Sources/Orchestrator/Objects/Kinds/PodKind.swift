import JSON

struct PodKind: KindBehaviour {
    let columns: [Column] = [
        .name,
        Column("Ready", "How many of the containers are ready."),
        Column("Status", "What the pod is doing, or why it is not."),
        Column("Restarts", "How often containers have been started again, and when last."),
        .age,
        Column("IP", priority: 1, "The pod's address."),
        Column("Node", priority: 1, "The node the pod is bound to."),
        Column("Nominated Node", priority: 1, "A node on which room is being made for the pod."),
        Column("Readiness Gates", priority: 1, "How many of the further conditions are True."),
    ]

    func cells(_ pod: JSON, now: Int64) -> [JSON] {
        let summary = PodSummary(pod)
        let status = pod["status"]
        var restarts = String(summary.restarts)
        if summary.restarts > 0, let last = summary.lastRestart { restarts += " (\(shortDuration(seconds: now - last)) ago)" }
        let address = status["podIPs"][0]["ip"].string ?? status["podIP"].string ?? ""
        let gates = pod["spec"]["readinessGates"].elements
        let open = gates.count { gate in
            status["conditions"].elements.contains { $0["type"] == gate["conditionType"] && $0["status"].string == "True" }
        }
        return [
            .string(pod.metadataName), .string("\(summary.ready)/\(summary.total)"), .string(summary.status), .string(restarts),
            .string(pod.age(now: now)), Cells.text(.string(address)), Cells.text(pod["spec"]["nodeName"]),
            Cells.text(status["nominatedNodeName"]), gates.isEmpty ? Cells.none : .string("\(open)/\(gates.count)"),
        ]
    }

    let fieldLabels = [
        "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork", "status.phase",
        "status.podIP", "status.podIPs", "status.nominatedNodeName",
    ]

    func selectableFields(_ pod: JSON) -> [String: String] {
        let (spec, status) = (pod["spec"], pod["status"])
        return [
            "spec.nodeName": spec["nodeName"].string ?? "", "spec.restartPolicy": spec["restartPolicy"].string ?? "",
            "spec.schedulerName": spec["schedulerName"].string ?? "", "spec.serviceAccountName": spec["serviceAccountName"].string ?? "",
            "spec.hostNetwork": spec["hostNetwork"].bool == true ? "true" : "false", "status.phase": status["phase"].string ?? "",
            "status.podIP": status["podIP"].string ?? "", "status.podIPs": status["podIP"].string ?? "",
            "status.nominatedNodeName": status["nominatedNodeName"].string ?? "",
        ]
    }

    let countsGenerations = true

    func applyDefaults(to pod: inout JSON) { PodDefaults.pod(&pod) }

    func validateUpdate(_ pod: JSON, replacing old: JSON, _ errors: inout FieldErrors) {
        let (spec, oldSpec) = (pod["spec"], old["spec"])
        guard spec != oldSpec else { return }
        errors.at("spec") { errors in
            deadline(spec, oldSpec, &errors)
            tolerations(spec, oldSpec, &errors)
            let masked = mutable(spec, as: oldSpec)
            guard masked != oldSpec else { return }
            let changed = Set(masked.members.keys + oldSpec.members.keys).filter { masked[$0] != oldSpec[$0] }.sorted()
            errors.forbidden(
                "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
                    + "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
                    + "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative); changed: "
                    + changed.map { "spec.\($0)" }.joined(separator: ", "))
        }
    }

    private func deadline(_ spec: JSON, _ old: JSON, _ errors: inout FieldErrors) {
        guard let before = old["activeDeadlineSeconds"].int else { return }
        errors.at("activeDeadlineSeconds") { errors in
            guard let after = spec["activeDeadlineSeconds"].int else {
                errors.invalid(nil, "must not update from a positive integer to nil value")
                return
            }
            if after > before { errors.invalid(JSON(after), "must be less than or equal to previous value") }
        }
    }

    private func tolerations(_ spec: JSON, _ old: JSON, _ errors: inout FieldErrors) {
        let new = spec["tolerations"].elements
        // `tolerationSeconds` of one that was there may change.
        func core(_ toleration: JSON) -> JSON {
            var copy = toleration
            copy.remove("tolerationSeconds")
            return copy
        }
        let kept = new.map(core)
        guard !old["tolerations"].elements.allSatisfy({ kept.contains(core($0)) }) else { return }
        errors.at("tolerations") { $0.forbidden("existing toleration can not be modified except its tolerationSeconds") }
    }

    /// `spec` with all that may change set back to what it was.
    private func mutable(_ spec: JSON, as old: JSON) -> JSON {
        var result = spec.members
        // Binding has a path of its own; gates may go, ephemeral containers have a subresource.
        for field in ["activeDeadlineSeconds", "tolerations"] { result[field] = old.members[field] }
        if old["terminationGracePeriodSeconds"].int ?? 0 < 0, spec["terminationGracePeriodSeconds"].int == 1 {
            result["terminationGracePeriodSeconds"] = old["terminationGracePeriodSeconds"]
        }
        if spec["schedulingGates"].elements.allSatisfy({ old["schedulingGates"].elements.contains($0) }) {
            result["schedulingGates"] = old.members["schedulingGates"]
        }
        for list in ["containers", "initContainers"] {
            var containers = spec[list].elements
            for index in containers.indices where !old[list][index]["image"].isNull { containers[index]["image"] = old[list][index]["image"] }
            if !spec[list].isNull { result[list] = .array(containers) }
        }
        return .object(result)
    }

    func validateCreate(_ pod: JSON, _ errors: inout FieldErrors) {
        if !pod["spec"]["ephemeralContainers"].elements.isEmpty {
            errors.at("spec", "ephemeralContainers") { $0.forbidden("cannot be set on create") }
        }
    }

    func merge(_ pod: JSON, into old: JSON, subresource: String) -> JSON? {
        var result = old
        switch subresource {
        case "ephemeralcontainers":
            // They are only added: one that runs cannot be taken back or changed.
            let present = old["spec"]["ephemeralContainers"].elements
            let added = pod["spec"]["ephemeralContainers"].elements.filter { new in !present.contains { $0["name"] == new["name"] } }
            if !added.isEmpty { result["spec"]["ephemeralContainers"] = .array(present + added) }
        case "resize":
            var containers = old["spec"]["containers"].elements
            for index in containers.indices {
                guard let new = pod["spec"]["containers"].elements.first(where: { $0["name"] == containers[index]["name"] }) else { continue }
                containers[index]["resources"] = new["resources"]
            }
            result["spec"]["containers"] = .array(containers)
        default: return nil
        }
        return result
    }

    func validate(_ pod: JSON, _ errors: inout FieldErrors) {
        if pod["spec"]["nodeName"].string?.isEmpty == false,
            !pod["spec"]["schedulingGates"].elements.isEmpty
        {
            errors.at("spec", "nodeName") { $0.forbidden("cannot be set until all schedulingGates have been cleared") }
        }
    }
}
