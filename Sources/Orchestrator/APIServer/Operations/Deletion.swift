import JSON
import Objects

/// What a DELETE does to one object (contract 3.3). Pure: facts and the time in, a step out.
enum Deletion: Sendable {
    /// Take it out of the store.
    case remove
    /// Store this: the object with its deletion begun, or moved forward.
    case mark(JSON)
    /// It is being deleted already, and this request changes nothing.
    case unchanged

    /// Finalizers by which a propagation policy waits; the garbage collector takes them away.
    static let foreground = "foregroundDeletion"
    static let orphan = "orphan"

    /// - Parameter now: seconds since 1970.
    static func plan(_ object: JSON, kind: Kind, options: DeleteOptions, now: Int64) throws(StatusError) -> Deletion {
        try checkPreconditions(object, kind: kind, options: options)
        let grace = gracePeriod(of: object, kind: kind, asked: options.gracePeriodSeconds)
        let finalizers = finalizers(of: object, propagation: options.propagation)
        let waits = !finalizers.isEmpty || hasNamespaceFinalizers(object, kind)
        if object.isBeingDeleted {
            return continued(object, kind: kind, grace: grace, finalizers: finalizers, waits: waits, now: now)
        }
        guard waits || grace > 0 else { return .remove }
        return .mark(marked(object, kind: kind, grace: grace, finalizers: finalizers, now: now))
    }

    /// Whether an object that is being deleted has nothing left to wait for.
    static func isComplete(_ object: JSON, kind: Kind) -> Bool {
        object.isBeingDeleted && object.finalizers.isEmpty && !hasNamespaceFinalizers(object, kind)
            && (object["metadata"]["deletionGracePeriodSeconds"].int ?? 0) == 0
    }

    private static func marked(_ object: JSON, kind: Kind, grace: Int, finalizers: [String], now: Int64) -> JSON {
        var marked = object
        marked["metadata"]["deletionTimestamp"] = .string(RFC3339.format(now + Int64(grace)))
        marked["metadata"]["deletionGracePeriodSeconds"] = JSON(grace)
        if object.generation > 0 { marked["metadata"]["generation"] = JSON(object.generation + 1) }
        setFinalizers(finalizers, of: &marked)
        if kind.resource == .namespaces { marked["status"]["phase"] = "Terminating" }
        return marked
    }

    private static func continued(_ object: JSON, kind: Kind, grace: Int, finalizers: [String], waits: Bool, now: Int64) -> Deletion {
        let oldGrace = object["metadata"]["deletionGracePeriodSeconds"].int ?? 0
        // A grace period may only get shorter.
        let newGrace = min(grace, oldGrace)
        if newGrace == 0, !waits { return .remove }
        var changed = object
        if newGrace < oldGrace {
            // Counted from the first request, so asking again does not give more time.
            let began = (object.deletionTimestamp ?? now) - Int64(oldGrace)
            changed["metadata"]["deletionGracePeriodSeconds"] = JSON(newGrace)
            changed["metadata"]["deletionTimestamp"] = .string(RFC3339.format(max(now, began + Int64(newGrace))))
        }
        setFinalizers(finalizers, of: &changed)
        return changed == object ? .unchanged : .mark(changed)
    }

    private static func checkPreconditions(_ object: JSON, kind: Kind, options: DeleteOptions) throws(StatusError) {
        let what = "Operation cannot be fulfilled on \(kind.resource) \"\(object.metadataName)\": "
        if let uid = options.uid, uid != object.uid {
            throw .deletionConflict(
                kind, object,
                what + "the UID in the precondition (\(uid)) does not match the UID in record (\(object.uid)). "
                    + "The object might have been deleted and then recreated")
        }
        if let version = options.resourceVersion, version != object.resourceVersion {
            throw .deletionConflict(
                kind, object,
                what + "the ResourceVersion in the precondition (\(version)) does not match the ResourceVersion in record "
                    + "(\(object.resourceVersion)). The object might have been modified")
        }
        if kind.resource == .namespaces, ["default", "kube-system", "kube-public"].contains(object.metadataName) {
            throw .forbidden(kind.resource, object.metadataName, "this namespace may not be deleted")
        }
    }

    /// Seconds that the object may live on. Only pods have any: somebody must stop their containers first.
    private static func gracePeriod(of object: JSON, kind: Kind, asked: Int?) -> Int {
        guard kind.resource == .pods else { return 0 }
        // Nothing runs yet, or nothing any more.
        if object.nodeName.isEmpty || object.isTerminal { return 0 }
        let grace = asked ?? object["spec"]["terminationGracePeriodSeconds"].int ?? 30
        return grace < 0 ? 1 : grace
    }

    private static func finalizers(of object: JSON, propagation: String?) -> [String] {
        var finalizers = object.finalizers
        guard let propagation else { return finalizers }
        finalizers.removeAll { $0 == foreground || $0 == orphan }
        if propagation == "Foreground" { finalizers.append(foreground) }
        if propagation == "Orphan" { finalizers.append(orphan) }
        return finalizers
    }

    private static func setFinalizers(_ finalizers: [String], of object: inout JSON) {
        if finalizers.isEmpty {
            object["metadata"].remove("finalizers")
        } else {
            object["metadata"]["finalizers"] = .array(finalizers.map { .string($0) })
        }
    }

    private static func hasNamespaceFinalizers(_ object: JSON, _ kind: Kind) -> Bool {
        kind.resource == .namespaces && !object["spec"]["finalizers"].elements.isEmpty
    }
}

extension StatusError {
    static func deletionConflict(_ kind: Kind, _ object: JSON, _ message: String) -> StatusError {
        var error = StatusError.conflict(kind.resource, object.metadataName)
        error.message = message
        return error
    }

    static func forbidden(_ resource: Resource, _ name: String, _ why: String) -> StatusError {
        var error = StatusError.notFound(resource, name)
        error.reason = .forbidden
        error.message = "\(resource) \"\(name)\" is forbidden: \(why)"
        return error
    }
}
