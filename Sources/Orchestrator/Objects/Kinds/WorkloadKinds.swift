import JSON

struct DeploymentKind: KindBehaviour {
    let countsGenerations = true
    let columns: [Column] =
        [
            .name,
            Column("Ready", "Pods that are ready, of those wanted."),
            Column("Up-to-date", type: "integer", "Pods made from the present template."),
            Column("Available", type: "integer", "Pods that have been ready long enough."),
            .age,
        ] + Cells.workloadColumns

    func cells(_ deployment: JSON, now: Int64) -> [JSON] {
        let status = deployment["status"]
        return [
            .string(deployment.metadataName), .string("\(status["readyReplicas"].int ?? 0)/\(deployment["spec"]["replicas"].int ?? 0)"),
            Cells.count(status["updatedReplicas"]), Cells.count(status["availableReplicas"]), .string(deployment.age(now: now)),
        ] + Cells.workload(deployment)
    }

    func validate(_ deployment: JSON, _ errors: inout FieldErrors) {
        WorkloadValidator.check(deployment, name: "deployment", &errors)
        let spec = deployment["spec"]
        if let deadline = spec["progressDeadlineSeconds"].int, deadline <= spec["minReadySeconds"].int ?? 0 {
            errors.at("spec", "progressDeadlineSeconds") { $0.invalid(JSON(deadline), "must be greater than minReadySeconds") }
        }
    }
}

struct ReplicaSetKind: KindBehaviour {
    let countsGenerations = true
    let columns: [Column] =
        [
            .name,
            Column("Desired", type: "integer", "How many pods are wanted."),
            Column("Current", type: "integer", "How many pods there are."),
            Column("Ready", type: "integer", "How many pods are ready."),
            .age,
        ] + Cells.workloadColumns

    func cells(_ set: JSON, now: Int64) -> [JSON] {
        [
            .string(set.metadataName), Cells.count(set["spec"]["replicas"]), Cells.count(set["status"]["replicas"]),
            Cells.count(set["status"]["readyReplicas"]), .string(set.age(now: now)),
        ] + Cells.workload(set)
    }

    let fieldLabels = ["status.replicas"]
    func selectableFields(_ set: JSON) -> [String: String] { ["status.replicas": String(set["status"]["replicas"].int ?? 0)] }

    func validate(_ set: JSON, _ errors: inout FieldErrors) { WorkloadValidator.check(set, name: "deployment", &errors) }
}

struct ReplicationControllerKind: KindBehaviour {
    private let replicaSet = ReplicaSetKind()
    let countsGenerations = true
    var columns: [Column] { replicaSet.columns }
    func cells(_ controller: JSON, now: Int64) -> [JSON] { replicaSet.cells(controller, now: now) }
    var fieldLabels: [String] { replicaSet.fieldLabels }
    func selectableFields(_ controller: JSON) -> [String: String] { replicaSet.selectableFields(controller) }

    /// Selector and labels come from the template's labels.
    func applyDefaults(to controller: inout JSON) {
        let labels = controller["spec"]["template"]["metadata"]["labels"]
        guard !labels.members.isEmpty else { return }
        if controller["spec"]["selector"].members.isEmpty { controller["spec"]["selector"] = labels }
        if controller["metadata"]["labels"].members.isEmpty { controller["metadata"]["labels"] = labels }
    }

    func validate(_ controller: JSON, _ errors: inout FieldErrors) {
        let spec = controller["spec"]
        errors.at("spec") { errors in
            if spec["selector"].members.isEmpty { errors.at("selector") { $0.required() } }
            guard !spec["template"].isNull else { return }
            WorkloadValidator.template(spec["template"], restartPolicies: ["Always"], &errors)
            let labels = spec["template"]["metadata"]["labels"]
            if !LabelSelector(map: spec["selector"].stringMap).matches(labels) {
                errors.at("template", "metadata", "labels") {
                    $0.invalid(labels.isNull ? [:] : labels, "`selector` does not match template `labels`")
                }
            }
        }
    }
}

struct DaemonSetKind: KindBehaviour {
    let countsGenerations = true
    let columns: [Column] =
        [
            .name, Column("Desired", type: "integer"), Column("Current", type: "integer"), Column("Ready", type: "integer"),
            Column("Up-to-date", type: "integer"), Column("Available", type: "integer"), Column("Node Selector"), .age,
        ] + Cells.workloadColumns

    func cells(_ set: JSON, now: Int64) -> [JSON] {
        let status = set["status"]
        return [
            .string(set.metadataName), Cells.count(status["desiredNumberScheduled"]), Cells.count(status["currentNumberScheduled"]),
            Cells.count(status["numberReady"]), Cells.count(status["updatedNumberScheduled"]), Cells.count(status["numberAvailable"]),
            Cells.selector(set["spec"]["template"]["spec"]["nodeSelector"]), .string(set.age(now: now)),
        ] + Cells.workload(set)
    }

    func validate(_ set: JSON, _ errors: inout FieldErrors) { WorkloadValidator.check(set, name: "daemonset", &errors) }
}

struct StatefulSetKind: KindBehaviour {
    let countsGenerations = true
    let columns: [Column] = [.name, Column("Ready", "Pods that are ready, of those wanted."), .age] + Cells.workloadColumns.prefix(2)

    func cells(_ set: JSON, now: Int64) -> [JSON] {
        [
            .string(set.metadataName), .string("\(set["status"]["readyReplicas"].int ?? 0)/\(set["spec"]["replicas"].int ?? 0)"),
            .string(set.age(now: now)),
        ] + Cells.workload(set).prefix(2)
    }

    func validate(_ set: JSON, _ errors: inout FieldErrors) { WorkloadValidator.check(set, name: "statefulset", &errors) }

    func validateUpdate(_ set: JSON, replacing old: JSON, _ errors: inout FieldErrors) {
        let mayChange: Set = [
            "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "persistentVolumeClaimRetentionPolicy",
            "minReadySeconds",
        ]
        let keys = Set(set["spec"].members.keys + old["spec"].members.keys).subtracting(mayChange)
        guard keys.contains(where: { set["spec"][$0] != old["spec"][$0] }) else { return }
        errors.at("spec") {
            $0.forbidden(
                "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
                    + "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden")
        }
    }
}

struct JobKind: KindBehaviour {
    let countsGenerations = true
    let columns: [Column] =
        [.name, Column("Status"), Column("Completions"), Column("Duration"), .age] + Cells.workloadColumns

    func cells(_ job: JSON, now: Int64) -> [JSON] {
        let (spec, status) = (job["spec"], job["status"])
        let word =
            job.isConditionTrue("Complete")
            ? "Complete"
            : job.isConditionTrue("Failed")
                ? "Failed" : job.isBeingDeleted ? "Terminating" : job.isConditionTrue("Suspended") ? "Suspended" : "Running"
        let succeeded = status["succeeded"].int ?? 0
        let completions =
            spec["completions"].int.map { "\(succeeded)/\($0)" }
            ?? ((spec["parallelism"].int ?? 1) > 1 ? "\(succeeded)/1 of \(spec["parallelism"].int ?? 1)" : "\(succeeded)/1")
        var duration = ""
        if let start = status["startTime"].string.flatMap(RFC3339.parse) {
            duration = shortDuration(seconds: (status["completionTime"].string.flatMap(RFC3339.parse) ?? now) - start)
        }
        return [.string(job.metadataName), .string(word), .string(completions), .string(duration), .string(job.age(now: now))] + Cells.workload(job)
    }

    let fieldLabels = ["status.successful"]
    func selectableFields(_ job: JSON) -> [String: String] { ["status.successful": String(job["status"]["succeeded"].int ?? 0)] }

    /// Every job gets a selector of its own, by its uid, unless the user brings one.
    func prepareForCreate(_ job: inout JSON) {
        guard job["spec"]["manualSelector"].bool != true else { return }
        let labels = [
            ("batch.kubernetes.io/controller-uid", job.uid), ("controller-uid", job.uid), ("batch.kubernetes.io/job-name", job.metadataName),
            ("job-name", job.metadataName),
        ]
        for (key, value) in labels { job["spec"]["template"]["metadata"]["labels"][key] = .string(value) }
        job["spec"]["selector"]["matchLabels"]["batch.kubernetes.io/controller-uid"] = .string(job.uid)
    }

    func validate(_ job: JSON, _ errors: inout FieldErrors) {
        WorkloadValidator.check(job, name: "job", restartPolicies: ["OnFailure", "Never"], &errors)
    }
}

struct CronJobKind: KindBehaviour {
    let countsGenerations = true
    let columns: [Column] =
        [
            .name, Column("Schedule"), Column("Timezone"), Column("Suspend", type: "boolean"), Column("Active", type: "integer"),
            Column("Last Schedule"), .age,
        ] + Cells.workloadColumns

    func cells(_ job: JSON, now: Int64) -> [JSON] {
        let (spec, status) = (job["spec"], job["status"])
        let template = spec["jobTemplate"]["spec"]
        return [
            .string(job.metadataName), .string(spec["schedule"].string ?? ""), Cells.text(spec["timeZone"]),
            spec["suspend"].bool == true ? "True" : "False", JSON(status["active"].elements.count),
            status["lastScheduleTime"].isNull ? Cells.none : .string(status["lastScheduleTime"].timeAgo(now: now)), .string(job.age(now: now)),
            Cells.containerNames(template["template"]), Cells.images(template["template"]), Cells.selector(template["selector"]),
        ]
    }
}
