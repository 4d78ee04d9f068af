import JSON

/// The messages of containerd's own interface, as far as they are read (containerd, api/services and api/types).
enum ContainerdMessages {
    /// A request with one text: GetContainerRequest.id, tasks' GetRequest.container_id.
    static func request(_ text: String) -> [UInt8] {
        var request = ProtoBuilder()
        request.add(1, text)
        return request.bytes
    }

    /// MountsRequest.
    static func mountsRequest(snapshotter: String, key: String) -> [UInt8] {
        var request = ProtoBuilder()
        request.add(1, snapshotter)
        request.add(2, key)
        return request.bytes
    }

    /// SubscribeRequest: tasks that start or end. Filters are joined by `or`.
    static var subscribeRequest: [UInt8] {
        var request = ProtoBuilder()
        for topic in ["/tasks/start", "/tasks/exit", "/tasks/delete"] { request.add(1, "topic==\(topic)") }
        return request.bytes
    }

    /// ListNamespacesResponse: the names.
    static func namespaces(_ message: [UInt8]) throws(DiscoveryError) -> [String] {
        var (fields, names) = (ProtoFields(message), [String]())
        while let (number, value) = try fields.next() {
            guard number == 1 else { continue }
            var item = ProtoFields(value.message)
            while let (number, value) = try item.next() { if number == 1 { names.append(value.string(limit: 256)) } }
        }
        return names
    }

    /// containerd.v1.types.Process: the first process of a container.
    struct Task: Sendable {
        var container = ""
        var pid: Int32 = 0
        /// Created 1, running 2, stopped 3, paused 4, pausing 5.
        var status: UInt64 = 0
        var runs: Bool { status == 2 || status == 4 || status == 5 }
    }

    /// ListTasksResponse, and GetResponse of the tasks, which has one in the same field.
    static func tasks(_ message: [UInt8]) throws(DiscoveryError) -> [Task] {
        var (fields, tasks) = (ProtoFields(message), [Task]())
        while let (number, value) = try fields.next() {
            guard number == 1 else { continue }
            var (item, task) = (ProtoFields(value.message), Task())
            var id = ""
            while let (number, value) = try item.next() {
                switch number {
                // The first process of a container has the container's id in `id`, and nothing in `container_id`.
                case 1: task.container = value.string(limit: 256)
                case 2: id = value.string(limit: 256)
                case 3: task.pid = Int32(exactly: value.integer) ?? 0
                case 4: task.status = value.integer
                default: continue
                }
            }
            if task.container.isEmpty { task.container = id }
            tasks.append(task)
        }
        return tasks
    }

    struct Container: Sendable {
        var id = ""
        var labels: [String: String] = [:]
        var image = ""
        /// The OCI specification.
        var spec: JSON = .null
        var snapshotter = ""
        var snapshotKey = ""
        var created: Int64 = 0
    }

    /// GetContainerResponse.
    static func container(_ message: [UInt8]) throws(DiscoveryError) -> Container {
        var (outer, container) = (ProtoFields(message), Container())
        while let (number, value) = try outer.next() {
            guard number == 1 else { continue }
            var fields = ProtoFields(value.message)
            while let (number, value) = try fields.next() {
                switch number {
                case 1: container.id = value.string(limit: 256)
                case 2:
                    let (key, value) = try ProtoShapes.pair(value.message)
                    container.labels[key] = value
                case 3: container.image = value.string(limit: 1024)
                case 5: container.spec = try any(value.message)
                case 6: container.snapshotter = value.string(limit: 256)
                case 7: container.snapshotKey = value.string(limit: 256)
                case 8: container.created = try ProtoShapes.time(value.message)
                default: continue
                }
            }
        }
        return container
    }

    /// google.protobuf.Any whose value containerd's typeurl has written as JSON; null if it is none.
    private static func any(_ message: ArraySlice<UInt8>) throws(DiscoveryError) -> JSON {
        var (fields, document) = (ProtoFields(message), JSON.null)
        while let (number, value) = try fields.next() { if number == 2 { document = (try? JSON.parse(Array(value.message))) ?? .null } }
        return document
    }

    /// MountsResponse: where the writable layer of an overlay lies.
    static func upperDirectory(_ message: [UInt8]) throws(DiscoveryError) -> String? {
        var (fields, found) = (ProtoFields(message), String?.none)
        while let (number, value) = try fields.next() {
            guard number == 1 else { continue }
            var mount = ProtoFields(value.message)
            while let (number, value) = try mount.next() {
                guard number == 4 else { continue }
                let text = value.string()
                if text.hasPrefix("upperdir=/") { found = String(text.dropFirst(9)) }
            }
        }
        return found
    }

    /// An Envelope of the events: its namespace, and what has happened to which container. TaskStart, TaskExit and
    /// TaskDelete all have the container's id in field 1; an exit of another process than the first has an id in field 2
    /// that is not the container's.
    static func event(_ message: [UInt8]) throws(DiscoveryError) -> (namespace: String, change: RuntimeChange)? {
        var (fields, namespace, topic, body) = (ProtoFields(message), "", "", ArraySlice<UInt8>())
        while let (number, value) = try fields.next() {
            switch number {
            case 2: namespace = value.string(limit: 256)
            case 3: topic = value.string(limit: 256)
            case 4:
                var any = ProtoFields(value.message)
                while let (number, value) = try any.next() { if number == 2 { body = value.message } }
            default: continue
            }
        }
        var (event, container, process) = (ProtoFields(body), "", "")
        while let (number, value) = try event.next() {
            switch number {
            case 1: container = value.string(limit: 256)
            case 2: process = value.string(limit: 256)
            default: continue
            }
        }
        guard !container.isEmpty else { return nil }
        switch topic {
        case "/tasks/start": return (namespace, .changed(id: container))
        case "/tasks/exit" where process == container || process.isEmpty: return (namespace, .removed(id: container))
        case "/tasks/delete": return (namespace, .removed(id: container))
        default: return nil
        }
    }
}
