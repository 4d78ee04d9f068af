import JSON
import NodeStats
import Telemetry

/// Reads the documents of Docker and Podman. Members of a wrong type are as good as missing ones.
enum EngineContainer {
    /// `/containers/json`: id to what shows that something has changed.
    static func list(_ answer: JSON) -> [String: String] {
        var list: [String: String] = [:]
        for item in answer.elements {
            guard let id = item["Id"].string, CgroupIdentity.isContainerID(id) else { continue }
            // Docker's Status is `Up 5 minutes (healthy)`: the time changes without news, the words in brackets do not.
            let status = item["Status"].string ?? ""
            let health = status.firstIndex(of: "(").map { String(status[$0...]) } ?? ""
            let name = item["Names"][0].string ?? ""
            let state = item["State"].string ?? ""
            guard state.isEmpty || state == "running" || state == "paused" else { continue }
            list[id] = "\(AllowList.cut(name, to: 256)) \(AllowList.cut(state, to: 40)) \(AllowList.cut(health, to: 40)) \(item["StartedAt"].int ?? 0)"
        }
        return list
    }

    /// An event of `/events`; nil if it changes nothing that we tell.
    static func change(_ event: JSON) -> RuntimeChange? {
        guard (event["Type"].string ?? "container") == "container" else { return nil }
        guard let id = event["Actor"]["ID"].string ?? event["id"].string, CgroupIdentity.isContainerID(id) else { return nil }
        let action = event["Action"].string ?? event["status"].string ?? ""
        // `exec_create: sh -c …`, `health_status: healthy`.
        switch action.prefix(while: { $0 != ":" && $0 != " " }) {
        case "start", "rename", "update", "health_status", "restart", "unpause", "init": return .changed(id: id)
        case "die", "died", "destroy", "remove", "cleanup": return .removed(id: id)
        default: return nil
        }
    }

    /// An answer to `/containers/ID/json`; nil if it does not run.
    static func container(
        _ document: JSON, isPodman: Bool, labels: AllowList, environment: AllowList
    ) throws(DiscoveryError) -> RuntimeContainer? {
        guard let id = document["Id"].string, CgroupIdentity.isContainerID(id) else { throw DiscoveryError(.malformed, "the container has no Id") }
        let state = document["State"]
        guard state["Running"].bool ?? false || state["Paused"].bool ?? false else { return nil }
        let (config, host) = (document["Config"], document["HostConfig"])
        let name = document["Name"].string ?? ""
        var reference = ContainerReference(cgroupPath: "", name: text(name.hasPrefix("/") ? String(name.dropFirst()) : name))
        reference.containerID = id
        reference.aliases = [reference.name, id]
        reference.image = text(document["ImageName"].string ?? config["Image"].string, limit: 1024)
        reference.started = time(state["StartedAt"])
        reference.created = time(document["Created"])
        reference.restarts = count(document["RestartCount"])
        reference.health = health(state)
        let stringLabels = config["Labels"].stringMap
        reference.containerLabels = labels.select(stringLabels.map { ($0.key, $0.value) })
        reference.environment = environment.select(environment: config["Env"].elements.compactMap(\.string))
        reference.writableLayer = path(document["GraphDriver"]["Data"]["UpperDir"])
        let log = path(document["LogPath"]).isEmpty ? path(host["LogConfig"]["Path"]) : path(document["LogPath"])
        if let slash = log.lastIndex(of: "/") { reference.logDirectory = String(log[..<slash]) }
        limits(host, &reference)
        var container = RuntimeContainer(reference: reference, pid: state["Pid"].int.flatMap { Int32(exactly: $0) } ?? 0)
        container.declaredPath = path(state["CgroupPath"])
        container.isSandbox = document["IsInfra"].bool ?? false
        network(host["NetworkMode"].string ?? "", &container)
        Kubernetes.apply(stringLabels, to: &container)
        return container
    }

    private static func network(_ mode: String, _ container: inout RuntimeContainer) {
        container.reference.sharesNodeNetwork = mode == "host"
        // A container in another's namespace (`container:ID`, a pod) would count that one's traffic again.
        container.reference.networkPID = mode.hasPrefix("container:") ? 0 : container.pid
    }

    /// Docker has State.Health where there is a check; Podman always has one of two spellings, its Status empty without a check.
    private static func health(_ state: JSON) -> Int? {
        let check = state["Health"].isNull ? state["Healthcheck"] : state["Health"]
        return switch check["Status"].string ?? "" {
        case "healthy": 1
        case "", "none": -1
        default: 0
        }
    }

    private static func limits(_ host: JSON, _ reference: inout ContainerReference) {
        let (nano, quota, period) = (count(host["NanoCpus"]), count(host["CpuQuota"]), count(host["CpuPeriod"]))
        if nano > 0 {
            reference.cpuLimit = nano / 1_000_000
        } else if quota > 0 {
            reference.cpuLimit = quota.multipliedReportingOverflow(by: 1000).partialValue / (period == 0 ? 100_000 : period)
        }
        let (memory, reservation) = (count(host["Memory"]), count(host["MemoryReservation"]))
        if memory > 0 { reference.memoryLimit = memory }
        if reservation > 0 { reference.memoryRequest = reservation }
    }

    // MARK: Values that may be lies

    private static func text(_ value: String?, limit: Int = 256) -> String { AllowList.cut(value ?? "", to: limit) }

    private static func path(_ value: JSON) -> String {
        guard let path = value.string, path.hasPrefix("/"), path.utf8.count <= 4096, !path.utf8.contains(0) else { return "" }
        return path
    }

    private static func count(_ value: JSON) -> UInt64 { value.int.flatMap { UInt64(exactly: $0) } ?? 0 }

    /// RFC 3339, or what Docker has for never: the year 1.
    private static func time(_ value: JSON) -> Int64 {
        guard let civil = value.string.flatMap(CivilTime.parse), (1970...2200).contains(civil.year) else { return 0 }
        return civil.nanosecondsSinceEpoch
    }
}
