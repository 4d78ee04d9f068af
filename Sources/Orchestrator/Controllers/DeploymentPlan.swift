import JSON
import Objects

/// The next writes that move a Deployment on, as a function of its sets.
///
/// Invariants, whatever the order in which pods become ready: pods that exist or will are at most
/// `replicas + maxSurge`, and a step never lets available pods fall below `replicas - maxUnavailable`.
package struct DeploymentPlan: Sendable {
    package enum Action: Sendable {
        case create(JSON)
        /// `from` and `to` differ if the write scales.
        case update(JSON, from: Int, to: Int)
        case delete(CachedObject)
        /// The Deployment itself, for its revision annotation.
        case annotate(JSON)
    }
    package private(set) var actions: [Action] = []

    private let facts: DeploymentFacts

    /// - Parameter oldPodsRemain: a pod of an old set has not ended yet; Recreate waits for it.
    package init(_ facts: DeploymentFacts, oldPodsRemain: Bool) {
        self.facts = facts
        guard !facts.deployment.isBeingDeleted else { return }
        if facts.isPaused {
            scale()
            return
        }
        guard let new = facts.new else {
            if facts.isRecreate, !stopOld() || oldPodsRemain { return }
            actions.append(.create(newSet(replicas: facts.isRecreate ? facts.replicas : min(facts.replicas, room(beside: 0)))))
            return
        }
        if let marked = marked(new) {
            actions.append(.update(marked, from: new.replicas, to: new.replicas))
            return
        }
        if let deployment = withRevision(of: new) {
            actions.append(.annotate(deployment))
        }
        if isScaling, !facts.isRecreate {
            scale()
        } else if facts.isRecreate {
            if stopOld(), !oldPodsRemain { set(new, to: facts.replicas) }
        } else {
            roll(new)
        }
        if actions.isEmpty, isComplete(new) { prune() }
    }

    // MARK: Rolling

    /// How many pods a set may add when `own` is what it has already.
    private func room(beside own: Int) -> Int { max(0, facts.limit - own - facts.old.reduce(0) { $0 + $1.footprint }) }

    private mutating func roll(_ new: RevisionSet) {
        if new.replicas > facts.replicas {
            set(new, to: facts.replicas)
            return
        }
        let growth = min(room(beside: new.footprint), facts.replicas - new.replicas)
        if growth > 0 {
            set(new, to: new.replicas + growth)
            return
        }
        shrinkOld(new)
    }

    private mutating func shrinkOld(_ new: RevisionSet) {
        let floor = facts.replicas - facts.maxUnavailable
        var replicas = Dictionary(uniqueKeysWithValues: facts.old.map { ($0.object.key, $0.replicas) })
        let total = new.replicas + facts.old.reduce(0) { $0 + $1.replicas }
        // New pods that are not up yet will need the places that we keep for them.
        var removable = total - floor - (new.replicas - new.lasting)
        guard removable > 0 else { return }
        // Unready old pods serve nobody, so they go first and cost no availability.
        for set in facts.old where removable > 0 {
            let cut = min(set.replicas - set.lasting, removable)
            replicas[set.object.key]! -= cut
            removable -= cut
        }
        var spare = facts.all.reduce(0) { $0 + $1.lasting } - floor
        for set in facts.old where spare > 0 && removable > 0 {
            let cut = min(min(set.lasting, replicas[set.object.key]!), spare, removable)
            replicas[set.object.key]! -= cut
            spare -= cut
            removable -= cut
        }
        for set in facts.old { self.set(set, to: replicas[set.object.key]!) }
    }

    /// Recreate: every old set to zero. Returns whether all were there already.
    private mutating func stopOld() -> Bool {
        let running = facts.old.filter { $0.replicas > 0 }
        for set in running { self.set(set, to: 0) }
        return running.isEmpty
    }

    // MARK: Scaling

    /// The Deployment's replicas changed since its sets were last sized.
    private var isScaling: Bool {
        facts.all.contains { set in
            guard set.replicas > 0, let desired = set.object.json["metadata"]["annotations"][RolloutAnnotation.desiredReplicas].string.flatMap(Int.init)
            else { return false }
            return desired != facts.replicas
        }
    }

    /// Shares a change of size among the sets of a rollout in proportion, so that scaling keeps its progress.
    private mutating func scale() {
        let active = facts.all.filter { $0.replicas > 0 }
        if active.count <= 1 {
            if let only = active.first ?? facts.new ?? facts.old.last { set(only, to: facts.replicas) }
            return
        }
        if let new = facts.new, new.replicas == facts.replicas, new.available == facts.replicas {
            for old in facts.old where old.replicas > 0 { set(old, to: 0) }
            set(new, to: facts.replicas)
            return
        }
        guard !facts.isRecreate else { return }
        for (set, size) in Self.shares(of: active, replicas: facts.replicas, maxSurge: facts.maxSurge, recorded: recordedMaximum) { self.set(set, to: size) }
    }

    private func recordedMaximum(_ set: RevisionSet) -> Int {
        set.object.json["metadata"]["annotations"][RolloutAnnotation.maxReplicas].string.flatMap(Int.init)
            ?? facts.deployment["status"]["replicas"].int ?? 0
    }

    /// Each set's new size: its size times the growth of the limit, rounded, larger sets first, what rounding
    /// leaves going to the first. `recorded` is the limit for which a set was last sized.
    package static func shares(
        of sets: [RevisionSet], replicas: Int, maxSurge: Int, recorded: (RevisionSet) -> Int
    ) -> [(RevisionSet, Int)] {
        let limit = replicas > 0 ? replicas + maxSurge : 0
        let change = limit - sets.reduce(0) { $0 + $1.replicas }
        // When growing, the newer of two equal sets is favoured; when shrinking the older is cut first.
        let ordered = sets.sorted { left, right in
            if left.replicas != right.replicas { return left.replicas > right.replicas }
            return change > 0 ? left.created > right.created : left.created < right.created
        }
        var sizes: [Int] = []
        var given = 0
        for set in ordered {
            let maximum = recorded(set)
            var share = 0
            if change != 0, given != change {
                let ideal = replicas == 0 ? 0 : maximum > 0 ? Int((Double(set.replicas * limit) / Double(maximum)).rounded()) : set.replicas
                let wanted = ideal - set.replicas
                share = change > 0 ? max(0, min(wanted, change - given)) : min(0, max(wanted, change - given))
            }
            sizes.append(set.replicas + share)
            given += share
        }
        if !sizes.isEmpty, given != change { sizes[0] = max(0, sizes[0] + change - given) }
        return Array(zip(ordered, sizes))
    }

    // MARK: The sets themselves

    private mutating func set(_ set: RevisionSet, to replicas: Int) {
        var json = set.object.json
        json["spec"]["replicas"] = JSON(replicas)
        json["metadata"]["annotations"][RolloutAnnotation.desiredReplicas] = .string(String(facts.replicas))
        json["metadata"]["annotations"][RolloutAnnotation.maxReplicas] = .string(String(facts.limit))
        let isNoted = json["metadata"]["annotations"] == set.object.json["metadata"]["annotations"]
        // A set of no pods keeps old notes: they say nothing until it grows again.
        if replicas != set.replicas || (replicas > 0 && !isNoted) { actions.append(.update(json, from: set.replicas, to: replicas)) }
    }

    private var nextRevision: Int { (facts.old.map(\.revision).max() ?? 0) + 1 }

    private func newSet(replicas: Int) -> JSON {
        let deployment = facts.deployment
        let hash = templateHash(deployment["spec"]["template"], collisionCount: deployment["status"]["collisionCount"].int ?? 0)
        var template = deployment["spec"]["template"]
        template["metadata"]["labels"][RolloutAnnotation.templateHashLabel] = .string(hash)
        var selector = deployment["spec"]["selector"]
        selector["matchLabels"][RolloutAnnotation.templateHashLabel] = .string(hash)
        var annotations = copiedAnnotations
        annotations[RolloutAnnotation.revision] = String(nextRevision)
        annotations[RolloutAnnotation.desiredReplicas] = String(facts.replicas)
        annotations[RolloutAnnotation.maxReplicas] = String(facts.limit)
        var spec: JSON = ["replicas": JSON(replicas), "selector": selector, "template": template]
        if let seconds = deployment["spec"]["minReadySeconds"].int, seconds > 0 { spec["minReadySeconds"] = JSON(seconds) }
        return [
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": [
                "name": .string("\(deployment.metadataName)-\(hash)"), "namespace": .string(deployment.namespace),
                "labels": template["metadata"]["labels"], "annotations": .strings(annotations),
                "ownerReferences": [deployment.ownerReference()],
            ],
            "spec": spec,
        ]
    }

    private var copiedAnnotations: [String: String] {
        facts.deployment.annotations.filter { !RolloutAnnotation.notCopied.contains($0.key) }
    }

    /// The new set with the newest revision, the Deployment's annotations and minReadySeconds; nil if it has them.
    /// A set that a rollback brings back keeps its former numbers in `revision-history`.
    private func marked(_ new: RevisionSet) -> JSON? {
        var json = new.object.json
        for (name, value) in copiedAnnotations { json["metadata"]["annotations"][name] = .string(value) }
        if new.revision < nextRevision {
            json["metadata"]["annotations"][RolloutAnnotation.revision] = .string(String(nextRevision))
            if new.revision > 0 {
                let history = json["metadata"]["annotations"][RolloutAnnotation.revisionHistory].string
                json["metadata"]["annotations"][RolloutAnnotation.revisionHistory] = .string((history.map { $0 + "," } ?? "") + String(new.revision))
            }
        }
        let seconds = facts.deployment["spec"]["minReadySeconds"].int ?? 0
        if (json["spec"]["minReadySeconds"].int ?? 0) != seconds { json["spec"]["minReadySeconds"] = JSON(seconds) }
        // Not `? nil :`, which would make a JSON null of the nil.
        if json == new.object.json { return nil }
        return json
    }

    private func withRevision(of new: RevisionSet) -> JSON? {
        guard new.revision > 0, facts.deployment.annotations[RolloutAnnotation.revision] != String(new.revision) else { return nil }
        var deployment = facts.deployment
        deployment["metadata"]["annotations"][RolloutAnnotation.revision] = .string(String(new.revision))
        return deployment
    }

    private func isComplete(_ new: RevisionSet) -> Bool {
        new.replicas == facts.replicas && new.available == facts.replicas && facts.old.allSatisfy { $0.footprint == 0 }
    }

    /// Old sets beyond the history limit go, the lowest revision first.
    private mutating func prune() {
        guard let limit = facts.deployment["spec"]["revisionHistoryLimit"].int else { return }
        let idle = facts.old.filter { $0.footprint == 0 && $0.isSettled && !$0.object.isTerminating }
            .sorted { ($0.revision, $0.created) < ($1.revision, $1.created) }
        for set in idle.prefix(max(0, idle.count - limit)) { actions.append(.delete(set.object)) }
    }
}
