import HTTP
import JSON
import Objects

/// Paths below one object.
extension APIServer {
    func subresource(
        _ request: HTTPRequest, _ info: RequestInfo, kind: Kind, name: String, _ subresource: String
    ) async throws(StatusError) -> HTTPResponse {
        guard kind.isNamespaced == (info.namespace != nil) else { return Self.notFound }
        switch (subresource, info.verb) {
        case ("status", .get):
            return Self.json(try renderer(request, kind).object(try await service.get(kind, namespace: info.namespace, name: name)))
        case ("status", .update): return try await replace(request, info, kind, name: name, subresource: "status")
        case ("status", .patch): return try await patch(request, info, kind, name: name, subresource: "status")
        case ("scale", .get), ("scale", .update), ("scale", .patch): return try await scale(request, info, kind, name: name)
        case ("binding", .create): return try await bind(request, info, name: name)
        case ("eviction", .create): return try await evict(request, info, kind, name: name)
        case ("finalize", .update): return try await finalize(request, info, kind, name: name)
        case ("log", .get): return try await log(request, info, kind, name: name)
        default: throw Self.methodNotAllowed
        }
    }

    // MARK: Scale

    private func scale(_ request: HTTPRequest, _ info: RequestInfo, _ kind: Kind, name: String) async throws(StatusError) -> HTTPResponse {
        guard info.verb != .get else {
            return .json(Scale.of(try await service.get(kind, namespace: info.namespace, name: name).json))
        }
        let options = try WriteOptions(request)
        let patch = info.verb == .patch ? try Patch(request, kind: kind) : nil
        let body = patch == nil ? try RequestBody(request, kindName: "Scale", registry: registry).document : .null
        let retries = patch.map { !$0.namesResourceVersion } ?? body.resourceVersion.isEmpty
        let written = try await service.update(kind, namespace: info.namespace, name: name, subresource: nil, options, retries: retries) {
            (current) throws(StatusError) in
            var scale = body
            if let patch {
                guard patch.form != .apply else { throw StatusError(.unsupportedMediaType, "apply is not supported for scale; use a merge patch") }
                // Scale has no lists, so a strategic patch is a merge patch.
                scale =
                    patch.form == .json
                    ? try patch.apply(to: Scale.of(current.json), kind: kind) : MergePatch.apply(patch.document, to: Scale.of(current.json))
            }
            try Self.checkNames(scale, name: name, namespace: info.namespace)
            let replicas = scale["spec"]["replicas"]
            guard replicas.isNull || replicas.int != nil else {
                throw StatusError(
                    .badRequest,
                    "Scale in version \"v1\" cannot be handled as a Scale: json: cannot unmarshal \(replicas.typeName) into Go struct field ScaleSpec.spec.replicas of type int32"
                )
            }
            if let count = replicas.int, count < 0 {
                let message = "Invalid value: \(count): must be greater than or equal to 0"
                throw StatusError(
                    .invalid, "Scale.autoscaling \"\(name)\" is invalid: spec.replicas: \(message)",
                    details: [
                        "name": .string(name), "group": "autoscaling", "kind": "Scale",
                        "causes": [["reason": "FieldValueInvalid", "message": .string(message), "field": "spec.replicas"]],
                    ])
            }
            return Scale.apply(scale, to: current.json)
        }
        return .json(Scale.of(written.json))
    }

    // MARK: Pods

    private func bind(_ request: HTTPRequest, _ info: RequestInfo, name: String) async throws(StatusError) -> HTTPResponse {
        let body = try RequestBody(request, kindName: "Binding", registry: registry).document
        guard body.metadataName.isEmpty || body.metadataName == name else {
            throw StatusError(.badRequest, "the name of the binding (\(body.metadataName)) does not match the name on the URL (\(name))")
        }
        try await service.bind(
            pod: name, namespace: info.namespace ?? "", binding: body, options: try WriteOptions(request))
        return Self.success(.null, code: 201)
    }

    private func evict(_ request: HTTPRequest, _ info: RequestInfo, _ kind: Kind, name: String) async throws(StatusError) -> HTTPResponse {
        let body = try RequestBody(request, kindName: "Eviction", registry: registry).document
        guard body.metadataName.isEmpty || body.metadataName == name else {
            throw StatusError(.badRequest, "name in URL does not match name in Eviction object")
        }
        var options = try DeleteOptions(body["deleteOptions"])
        if try WriteOptions(request).isDryRun { options.isDryRun = true }
        _ = try await service.delete(kind, namespace: info.namespace, name: name, options)
        return Self.success(.null, code: 201)
    }

    private func log(_ request: HTTPRequest, _ info: RequestInfo, _ kind: Kind, name: String) async throws(StatusError) -> HTTPResponse {
        let pod = try await service.get(kind, namespace: info.namespace, name: name).json
        let options = try PodLogOptions(request, pod: pod)
        // Nobody has it yet: an empty log, as Kubernetes gives.
        guard !pod.nodeName.isEmpty else { return .text("") }
        try options.checkHasLog(pod: pod)
        guard let logs else {
            throw StatusError(.serviceUnavailable, "this server has no node whose logs it could read")
        }
        let write = try await logs.open(pod: pod, options: options)
        return HTTPResponse(fields: ["Content-Type": "text/plain"], body: metrics.longRunning(write))
    }

    // MARK: Namespaces

    private func finalize(_ request: HTTPRequest, _ info: RequestInfo, _ kind: Kind, name: String) async throws(StatusError) -> HTTPResponse {
        let body = try RequestBody(request, kindName: kind.kind, registry: registry).document
        try Self.checkNames(body, name: name, namespace: nil)
        let written = try await service.modify(kind, namespace: nil, name: name, try WriteOptions(request)) { (current) throws(StatusError) in
            guard body.resourceVersion.isEmpty || body.resourceVersion == current.resourceVersion else { throw .conflict(kind.resource, name) }
            var next = current
            let finalizers = body["spec"]["finalizers"]
            if finalizers.elements.isEmpty { next["spec"].remove("finalizers") } else { next["spec"]["finalizers"] = finalizers }
            return next
        }
        return Self.json(try renderer(request, kind).object(written))
    }
}
