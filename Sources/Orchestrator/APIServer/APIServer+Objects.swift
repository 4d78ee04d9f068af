import HTTP
import JSON
import ObjectStore
import Objects

/// The REST verbs on objects.
extension APIServer {
    func object(_ request: HTTPRequest, _ info: RequestInfo) async throws(StatusError) -> HTTPResponse {
        guard let kind = registry.kind(group: info.group, version: info.version, resource: info.resource) else { return Self.notFound }
        // A cluster-scoped kind has no place below a namespace.
        guard kind.isNamespaced || info.namespace == nil else { return Self.notFound }
        if let subresource = info.subresource {
            guard let name = info.name, kind.subresource(subresource) != nil else { return Self.notFound }
            return try await self.subresource(request, info, kind: kind, name: name, subresource)
        }
        guard kind.verbs.contains(info.verb.rawValue) else { throw Self.methodNotAllowed }
        if kind.resource.name == "componentstatuses" { return try await componentStatuses(request, info, kind: kind) }
        // Across namespaces one can only look.
        if kind.isNamespaced, info.namespace == nil, ![.list, .watch].contains(info.verb) { throw Self.methodNotAllowed }
        switch (info.verb, info.name) {
        case (.list, nil): return try await list(request, info, kind)
        case (.watch, _): return try await watch(request, info, kind)
        case (.get, let name?):
            return Self.json(try renderer(request, kind).object(try await service.get(kind, namespace: info.namespace, name: name)))
        case (.create, nil): return try await create(request, info, kind)
        case (.update, let name?): return try await replace(request, info, kind, name: name, subresource: nil)
        case (.patch, let name?): return try await patch(request, info, kind, name: name, subresource: nil)
        case (.delete, let name?): return try await delete(request, info, kind, name: name)
        case (.deletecollection, nil): return try await deleteCollection(request, info, kind)
        default: throw Self.methodNotAllowed
        }
    }

    static let methodNotAllowed = StatusError(.methodNotAllowed, "the server does not allow this method on the requested resource")

    func renderer(_ request: HTTPRequest, _ kind: Kind) throws(StatusError) -> ObjectRenderer {
        var renderer = ObjectRenderer(kind: kind, representation: try Representation(request), now: service.now)
        if let text = request.parameter("includeObject"), !text.isEmpty {
            guard let included = ObjectRenderer.IncludedObject(rawValue: text) else {
                throw StatusError(.badRequest, "unrecognized includeObject value: \"\(text)\"")
            }
            renderer.includedObject = included
        }
        return renderer
    }

    // MARK: Reads

    private func list(_ request: HTTPRequest, _ info: RequestInfo, _ kind: Kind) async throws(StatusError) -> HTTPResponse {
        let renderer = try renderer(request, kind)
        let page = try await service.list(kind, namespace: info.namespace, try ListOptions(request, kind: kind))
        return Self.json(renderer.list(page))
    }

    private func watch(_ request: HTTPRequest, _ info: RequestInfo, _ kind: Kind) async throws(StatusError) -> HTTPResponse {
        let renderer = try renderer(request, kind)
        let options = try WatchOptions(request, kind: kind, name: info.name)
        var initial: [LiveObject] = []
        let revision: Int64
        if let asked = options.revision {
            revision = asked
        } else {
            var listOptions = ListOptions()
            listOptions.selection = options.selection
            let page = try await service.list(kind, namespace: info.namespace, listOptions)
            initial = page.objects
            revision = page.revision
        }
        let watch: StoreWatch
        do throws(StatusError) {
            watch = try await service.watch(kind, namespace: info.namespace, after: revision)
        } catch {
            // Too old is told inside the stream, where watch clients look for it.
            guard error.reason == .expired else { throw error }
            return HTTPResponse(fields: ["Content-Type": "application/json"], body: .bytes(ObjectRenderer.errorFrame(error)))
        }
        let stream = WatchStream(
            renderer: renderer, now: { [service] in service.now }, options: options, initial: initial, initialRevision: revision, watch: watch)
        return HTTPResponse(fields: ["Content-Type": "application/json"], body: metrics.longRunning { try await stream.run($0) })
    }

    // MARK: Writes

    private func create(_ request: HTTPRequest, _ info: RequestInfo, _ kind: Kind) async throws(StatusError) -> HTTPResponse {
        let renderer = try renderer(request, kind)
        let written = try await service.create(
            kind, namespace: info.namespace, try RequestBody(request, kindName: kind.kind, registry: registry), try WriteOptions(request))
        return Self.json(renderer.object(written.object), status: 201, warnings: written.warnings)
    }

    func replace(
        _ request: HTTPRequest, _ info: RequestInfo, _ kind: Kind, name: String, subresource: String?
    ) async throws(StatusError) -> HTTPResponse {
        let renderer = try renderer(request, kind)
        let options = try WriteOptions(request)
        let (object, warnings) = try service.decode(kind, try RequestBody(request, kindName: kind.kind, registry: registry), options)
        try Self.checkNames(object, name: name, namespace: info.namespace)
        let written = try await service.update(
            kind, namespace: info.namespace, name: name, subresource: subresource, options, retries: object.resourceVersion.isEmpty
        ) { _ in object }
        return Self.json(renderer.object(written), warnings: warnings)
    }

    static func checkNames(_ object: JSON, name: String, namespace: String?) throws(StatusError) {
        guard object.metadataName == name else {
            throw StatusError(
                .badRequest, "the name of the object (\(object.metadataName)) does not match the name on the URL (\(name))")
        }
        guard object.namespace.isEmpty || object.namespace == namespace ?? "" else {
            throw StatusError(
                .badRequest, "the namespace of the object (\(object.namespace)) does not match the namespace on the URL (\(namespace ?? ""))")
        }
    }

    func patch(
        _ request: HTTPRequest, _ info: RequestInfo, _ kind: Kind, name: String, subresource: String?
    ) async throws(StatusError) -> HTTPResponse {
        let renderer = try renderer(request, kind)
        let options = try WriteOptions(request)
        let patch = try Patch(request, kind: kind)
        if let document = patch.applied, subresource == nil {
            // Server-side apply makes what is not there.
            do throws(StatusError) {
                _ = try await service.get(kind, namespace: info.namespace, name: name)
            } catch {
                guard error.reason == .notFound else { throw error }
                try Self.checkNames(document, name: name, namespace: info.namespace)
                let written = try await service.create(kind, namespace: info.namespace, RequestBody(document: document), options)
                return Self.json(renderer.object(written.object), status: 201, warnings: written.warnings)
            }
        }
        var warnings: [String] = []
        let written = try await service.update(
            kind, namespace: info.namespace, name: name, subresource: subresource, options, retries: !patch.namesResourceVersion
        ) { (current) throws(StatusError) in
            let patched = try patch.apply(to: current.json, kind: kind)
            let (object, found) = try service.decode(kind, RequestBody(document: patched, duplicates: patch.duplicates), options)
            try Self.checkNames(object, name: name, namespace: info.namespace)
            warnings = found
            return object
        }
        return Self.json(renderer.object(written), warnings: warnings + patch.warnings)
    }

    private func delete(_ request: HTTPRequest, _ info: RequestInfo, _ kind: Kind, name: String) async throws(StatusError) -> HTTPResponse {
        let renderer = try renderer(request, kind)
        let options = try deleteOptions(request)
        let deleted = try await service.delete(kind, namespace: info.namespace, name: name, options)
        // What still lives, and every pod, is shown; what is gone gets a Status whose uid tells it from a re-creation.
        if !deleted.isGone || kind.resource == .pods { return Self.json(renderer.object(deleted.object)) }
        var details: JSON = ["name": .string(name)]
        if !kind.group.isEmpty { details["group"] = .string(kind.group) }
        details["kind"] = .string(kind.resource.name)
        details["uid"] = .string(deleted.object.json.uid)
        return Self.success(details)
    }

    func deleteOptions(_ request: HTTPRequest) throws(StatusError) -> DeleteOptions {
        let body: JSON = request.body.isEmpty ? .null : try RequestBody(request, kindName: "DeleteOptions").document
        return try DeleteOptions(request, body: body)
    }

    private func deleteCollection(_ request: HTTPRequest, _ info: RequestInfo, _ kind: Kind) async throws(StatusError) -> HTTPResponse {
        let options = try deleteOptions(request)
        var listOptions = try ListOptions(request, kind: kind)
        listOptions.limit = nil
        let page = try await service.list(kind, namespace: info.namespace, listOptions)
        for object in page.objects {
            do throws(StatusError) {
                _ = try await service.delete(kind, namespace: info.namespace, name: object.json.metadataName, options)
            } catch {
                // Someone else was faster: that is what was asked for.
                guard error.reason == .notFound else { throw error }
            }
        }
        return Self.success(.null)
    }
}
