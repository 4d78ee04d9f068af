import JSON
import Objects

extension ObjectService {
    /// Gives a pod its node, once.
    /// - Parameter binding: `v1 Binding`; its `target.name` is the node.
    func bind(pod name: String, namespace: String, binding: JSON, options: WriteOptions = WriteOptions()) async throws(StatusError) {
        guard let kind = registry.kind(for: .pods) else { throw .notFound(.pods, name) }
        let target = binding["target"]
        guard let node = target["name"].string, !node.isEmpty else {
            throw StatusError(.invalid, "Binding \"\(name)\" is invalid: target.name: Required value")
        }
        guard (target["kind"].string ?? "").isEmpty || target["kind"].string == "Node" else {
            throw StatusError(
                .invalid, "Binding \"\(name)\" is invalid: target.kind: Unsupported value: \(target["kind"]): supported values: \"Node\"")
        }
        let now = now
        func refusal(_ why: String) -> StatusError {
            var error = StatusError.conflict(Resource("pods/binding"), name)
            error.message = "Operation cannot be fulfilled on pods/binding \"\(name)\": \(why)"
            return error
        }
        _ = try await modify(kind, namespace: namespace, name: name, options) { (pod) throws(StatusError) in
            if let uid = binding["metadata"]["uid"].string, !uid.isEmpty, uid != pod.uid {
                throw refusal("Precondition failed: UID in precondition: \(uid), UID in object meta: \(pod.uid)")
            }
            guard !pod.isBeingDeleted else { throw refusal("pod \(name) is being deleted, cannot be assigned to a host") }
            guard pod.nodeName.isEmpty else { throw refusal("pod \(name) is already assigned to node \"\(pod.nodeName)\"") }
            var next = pod
            next["spec"]["nodeName"] = .string(node)
            for (key, value) in binding.annotations { next["metadata"]["annotations"][key] = .string(value) }
            next.setCondition("PodScheduled", status: "True", now: now)
            return next
        }
    }
}
