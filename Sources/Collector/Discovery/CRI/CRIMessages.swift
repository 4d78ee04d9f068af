/// The messages of the Container Runtime Interface, as far as they are read. The numbers are those of `api.proto` of
/// runtime.v1; in runtime.v1alpha2 they are the same. (kubernetes/cri-api, pkg/apis/runtime/v1.)
enum CRIMessages {
    /// VersionResponse.
    static func version(_ message: [UInt8]) throws(DiscoveryError) -> (runtime: String, version: String) {
        var (fields, result) = (ProtoFields(message), (runtime: "", version: ""))
        while let (number, value) = try fields.next() {
            switch number {
            case 2: result.runtime = value.string(limit: 100)
            case 3: result.version = value.string(limit: 100)
            default: continue
            }
        }
        return result
    }

    /// A request whose only field is a filter by state: ListContainersRequest (running is 1), ListPodSandboxRequest (ready is 0).
    static func listRequest(state: UInt64) -> [UInt8] {
        var (wrapped, filter, request) = (ProtoBuilder(), ProtoBuilder(), ProtoBuilder())
        wrapped.add(1, state)
        filter.add(2, message: wrapped.bytes)
        request.add(1, message: filter.bytes)
        return request.bytes
    }

    /// ContainerStatusRequest and PodSandboxStatusRequest: the id, and that the runtime's own information is wanted.
    static func statusRequest(id: String) -> [UInt8] {
        var request = ProtoBuilder()
        request.add(1, id)
        request.add(2, 1)
        return request.bytes
    }

    /// ListContainersResponse and ListPodSandboxResponse: id to state and time of creation. A Container has them in fields
    /// 6 and 7, a PodSandbox in 3 and 4.
    static func list(_ message: [UInt8], stateField: Int, runningState: UInt64) throws(DiscoveryError) -> [String: String] {
        var (fields, list) = (ProtoFields(message), [String: String]())
        while let (number, value) = try fields.next() {
            guard number == 1 else { continue }
            var (item, id, state, created) = (ProtoFields(value.message), "", UInt64(0), Int64(0))
            while let (number, value) = try item.next() {
                switch number {
                case 1: id = value.string(limit: 256)
                case stateField: state = value.integer
                case stateField + 1: created = value.signed
                default: continue
                }
            }
            // A runtime that ignores the filter is not believed.
            if !id.isEmpty, state == runningState { list[id] = "\(created)" }
        }
        return list
    }

    /// ContainerStatus and PodSandboxStatus, the fields of both that we use.
    struct Status: Sendable {
        var id = ""
        var name = ""
        var attempt: UInt64 = 0
        var podUID = ""
        var namespace = ""
        var state: UInt64 = 0
        var created: Int64 = 0
        var started: Int64 = 0
        var image = ""
        var userImage = ""
        var labels: [String: String] = [:]
        var logPath = ""
        var sharesNodeNetwork = false
        var resources = Resources()
        /// The runtime's own JSON documents by name; Containerd and CRI-O both have one called `info`.
        var info: [String: String] = [:]
    }

    /// LinuxContainerResources.
    struct Resources: Sendable {
        var cpuPeriod: Int64 = 0
        var cpuQuota: Int64 = 0
        var cpuShares: Int64 = 0
        var memoryLimit: Int64 = 0
    }

    /// ContainerStatusResponse, or PodSandboxStatusResponse if `isSandbox`.
    static func status(_ message: [UInt8], isSandbox: Bool) throws(DiscoveryError) -> Status {
        var (fields, status) = (ProtoFields(message), Status())
        while let (number, value) = try fields.next() {
            switch number {
            case 1: isSandbox ? try sandbox(value.message, &status) : try container(value.message, &status)
            case 2:
                let (key, value) = try ProtoShapes.pair(value.message, valueLimit: 1 << 20)
                status.info[key] = value
            default: continue
            }
        }
        return status
    }

    private static func container(_ message: ArraySlice<UInt8>, _ status: inout Status) throws(DiscoveryError) {
        var fields = ProtoFields(message)
        while let (number, value) = try fields.next() {
            switch number {
            case 1: status.id = value.string(limit: 256)
            case 2: try metadata(value.message, &status, attemptField: 2)
            case 3: status.state = value.integer
            case 4: status.created = value.signed
            case 5: status.started = value.signed
            case 8: try image(value.message, &status)
            case 12: try label(value.message, &status)
            case 15: status.logPath = value.string()
            case 16: try resources(value.message, &status)
            default: continue
            }
        }
    }

    private static func sandbox(_ message: ArraySlice<UInt8>, _ status: inout Status) throws(DiscoveryError) {
        var fields = ProtoFields(message)
        while let (number, value) = try fields.next() {
            switch number {
            case 1: status.id = value.string(limit: 256)
            case 2: try metadata(value.message, &status, attemptField: 4)
            case 3: status.state = value.integer
            case 4: status.created = value.signed
            case 6:
                // linux.namespaces.options.network, where NODE is 2.
                let options = try nested(try nested(value.message, 1), 2)
                var fields = ProtoFields(options)
                while let (number, value) = try fields.next() { if number == 1 { status.sharesNodeNetwork = value.integer == 2 } }
            case 7: try label(value.message, &status)
            default: continue
            }
        }
    }

    /// ContainerMetadata (name, attempt) and PodSandboxMetadata (name, uid, namespace, attempt).
    private static func metadata(_ message: ArraySlice<UInt8>, _ status: inout Status, attemptField: Int) throws(DiscoveryError) {
        var fields = ProtoFields(message)
        while let (number, value) = try fields.next() {
            switch number {
            case 1: status.name = value.string(limit: 256)
            case attemptField: status.attempt = value.integer
            case 2: status.podUID = value.string(limit: 64)
            case 3: status.namespace = value.string(limit: 256)
            default: continue
            }
        }
    }

    /// ImageSpec: what the runtime knows it as, and what the user wrote (field 18, since 1.28).
    private static func image(_ message: ArraySlice<UInt8>, _ status: inout Status) throws(DiscoveryError) {
        var fields = ProtoFields(message)
        while let (number, value) = try fields.next() {
            switch number {
            case 1: status.image = value.string(limit: 1024)
            case 18: status.userImage = value.string(limit: 1024)
            default: continue
            }
        }
    }

    private static func label(_ message: ArraySlice<UInt8>, _ status: inout Status) throws(DiscoveryError) {
        let (key, value) = try ProtoShapes.pair(message)
        status.labels[key] = value
    }

    private static func resources(_ message: ArraySlice<UInt8>, _ status: inout Status) throws(DiscoveryError) {
        var fields = ProtoFields(try nested(message, 1))
        while let (number, value) = try fields.next() {
            switch number {
            case 1: status.resources.cpuPeriod = value.signed
            case 2: status.resources.cpuQuota = value.signed
            case 3: status.resources.cpuShares = value.signed
            case 4: status.resources.memoryLimit = value.signed
            default: continue
            }
        }
    }

    private static func nested(_ message: ArraySlice<UInt8>, _ wanted: Int) throws(DiscoveryError) -> ArraySlice<UInt8> {
        var (fields, found) = (ProtoFields(message), ArraySlice<UInt8>())
        while let (number, value) = try fields.next() { if number == wanted { found = value.message } }
        return found
    }

    /// ContainerEventResponse: created 0, started 1, stopped 2, deleted 3.
    static func event(_ message: [UInt8]) throws(DiscoveryError) -> RuntimeChange? {
        var (fields, id, type) = (ProtoFields(message), "", UInt64(0))
        while let (number, value) = try fields.next() {
            switch number {
            case 1: id = value.string(limit: 256)
            case 2: type = value.integer
            default: continue
            }
        }
        return switch type {
        case _ where id.isEmpty: nil
        case 1: .changed(id: id)
        case 2, 3: .removed(id: id)
        default: nil
        }
    }
}
