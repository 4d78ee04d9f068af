import JSON
import ObjectStore
import Objects

/// The API for parts of this process: the same admission, validation, conflicts and errors as over HTTP, on the
/// decoded objects that the server shares between all readers.
public struct LocalClient: ObjectClient {
    let service: ObjectService

    private func kind(_ resource: Resource) throws(StatusError) -> Kind {
        guard let kind = service.registry.kind(for: resource) else {
            throw StatusError(.notFound, "the server could not find the requested resource (\(resource))")
        }
        return kind
    }

    public func get(_ resource: Resource, namespace: String?, name: String) async throws(StatusError) -> JSON {
        try await service.get(try kind(resource), namespace: namespace, name: name).json
    }

    public func list(
        _ resource: Resource, namespace: String?, labelSelector: String?, fieldSelector: String?
    ) async throws(StatusError) -> ObjectList {
        let kind = try kind(resource)
        var options = ListOptions()
        options.selection = try Selection(labelSelector: labelSelector, fieldSelector: fieldSelector, kind: kind)
        let page = try await service.list(kind, namespace: namespace, options)
        return ObjectList(items: page.objects.map(\.json), resourceVersion: String(page.revision))
    }

    public func watch(_ resource: Resource, namespace: String?, after resourceVersion: String) -> AsyncThrowingStream<WatchEvent, any Error> {
        let cursor = LocalWatch(client: self, resource: resource, namespace: namespace, resourceVersion: resourceVersion)
        // Pulled by the consumer, so what waits is bounded by the store's own buffer.
        return AsyncThrowingStream { try await cursor.next() }
    }

    fileprivate func open(_ resource: Resource, namespace: String?, after resourceVersion: String) async throws(StatusError) -> (StoreWatch, Kind) {
        let kind = try kind(resource)
        return (try await service.watch(kind, namespace: namespace, after: try Int64(resourceVersion: resourceVersion)), kind)
    }

    public func create(_ resource: Resource, namespace: String?, _ object: JSON) async throws(StatusError) -> JSON {
        try await create(resource, namespace: namespace, object, .trusted)
    }

    func create(_ resource: Resource, namespace: String?, _ object: JSON, _ options: WriteOptions) async throws(StatusError) -> JSON {
        try await service.create(try kind(resource), namespace: namespace, RequestBody(document: object), options).object.json
    }

    public func update(_ resource: Resource, namespace: String?, _ object: JSON) async throws(StatusError) -> JSON {
        try await update(resource, namespace: namespace, object, subresource: nil)
    }

    public func updateStatus(_ resource: Resource, namespace: String?, _ object: JSON) async throws(StatusError) -> JSON {
        try await update(resource, namespace: namespace, object, subresource: "status")
    }

    func update(
        _ resource: Resource, namespace: String?, _ object: JSON, subresource: String?, _ options: WriteOptions = .trusted
    ) async throws(StatusError) -> JSON {
        let kind = try kind(resource)
        let (decoded, _) = try service.decode(kind, RequestBody(document: object), options)
        return try await service.update(
            kind, namespace: namespace, name: decoded.metadataName, subresource: subresource, options,
            retries: decoded.resourceVersion.isEmpty
        ) { _ in decoded }.json
    }

    public func delete(
        _ resource: Resource, namespace: String?, name: String, gracePeriodSeconds: Int?, uid: String?, propagation: String?
    ) async throws(StatusError) {
        let options = DeleteOptions(gracePeriodSeconds: gracePeriodSeconds, uid: uid, propagation: propagation)
        _ = try await service.delete(try kind(resource), namespace: namespace, name: name, options)
    }

    public func bind(pod name: String, namespace: String, toNode node: String) async throws(StatusError) {
        try await service.bind(pod: name, namespace: namespace, binding: ["target": ["kind": "Node", "name": .string(node)]])
    }

    /// `PUT namespaces/NAME/finalize`: the namespace controller's last step.
    public func finalize(namespace name: String) async throws(StatusError) {
        _ = try await service.modify(try kind(.namespaces), namespace: nil, name: name, .trusted) { current in
            var next = current
            next["spec"].remove("finalizers")
            return next
        }
    }
}

extension WriteOptions {
    /// Our own parts know their fields.
    static var trusted: WriteOptions {
        var options = WriteOptions()
        options.fieldValidation = .ignore
        return options
    }

    /// The server's own endpoints may be on the loopback, which validation forbids to everyone else.
    static var bootstrap: WriteOptions {
        var options = trusted
        options.isValidated = false
        return options
    }
}

/// The state of one `LocalClient.watch`: opened at the first pull.
private actor LocalWatch {
    private let client: LocalClient
    private let resource: Resource
    private let namespace: String?
    private let resourceVersion: String
    private var opened: (watch: StoreWatch, kind: Kind)?
    private var waiting: [WatchEvent] = []
    private var position = 0

    init(client: LocalClient, resource: Resource, namespace: String?, resourceVersion: String) {
        self.client = client
        self.resource = resource
        self.namespace = namespace
        self.resourceVersion = resourceVersion
    }

    func next() async throws -> WatchEvent? {
        let (watch, kind): (StoreWatch, Kind)
        if let opened {
            (watch, kind) = opened
        } else {
            (watch, kind) = try await client.open(resource, namespace: namespace, after: resourceVersion)
            opened = (watch, kind)
        }
        while position == waiting.count {
            do throws(StoreError) {
                guard let items = try await watch.next() else { return nil }
                waiting = items.compactMap { item in
                    guard case .event(let event) = item, let change = WatchChange(event, selection: Selection(), kind: kind) else { return nil }
                    return WatchEvent(change.kind, change.object.json)
                }
                position = 0
            } catch {
                throw StatusError(error)
            }
        }
        defer { position += 1 }
        return waiting[position]
    }
}
