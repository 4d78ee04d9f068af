import JSON
import Objects

/// What the kubelet needs of a Pod object, read once for each version of it.
struct PodSpec: Sendable {
    enum RestartPolicy: String, Sendable {
        case always = "Always"
        case onFailure = "OnFailure"
        case never = "Never"
    }

    let namespace: String
    let name: String
    let uid: String
    let labels: [String: String]
    let annotations: [String: String]
    let initContainers: [ContainerSpec]
    let containers: [ContainerSpec]
    let restartPolicy: RestartPolicy
    let terminationGraceSeconds: Int
    let activeDeadlineSeconds: Int?
    let usesHostNetwork: Bool
    let sharesProcessNamespace: Bool
    /// What the pod's processes see as host name, at most 63 characters.
    let hostname: String
    let nodeName: String
    let serviceAccountName: String
    let wantsServiceLinks: Bool
    let volumes: [JSON]
    let readinessGates: [String]
    let securityContext: JSON
    /// Seconds since 1970; nil unless the pod is being deleted.
    let deletionTimestamp: Int64?
    let deletionGraceSeconds: Int?
    let qosClass: QoSClass
    let generation: Int

    init(_ pod: JSON) {
        let spec = pod["spec"]
        namespace = pod.namespace
        name = pod.metadataName
        uid = pod.uid
        labels = pod.labels
        annotations = pod.annotations
        initContainers = spec["initContainers"].elements.map { ContainerSpec($0, isInit: true) }
        containers = spec["containers"].elements.map { ContainerSpec($0, isInit: false) }
        restartPolicy = spec["restartPolicy"].string.flatMap(RestartPolicy.init) ?? .always
        terminationGraceSeconds = spec["terminationGracePeriodSeconds"].int ?? 30
        activeDeadlineSeconds = spec["activeDeadlineSeconds"].int
        usesHostNetwork = spec["hostNetwork"].bool ?? false
        sharesProcessNamespace = spec["shareProcessNamespace"].bool ?? false
        hostname = String((spec["hostname"].string ?? pod.metadataName).prefix(63))
        nodeName = pod.nodeName
        serviceAccountName = spec["serviceAccountName"].string ?? "default"
        wantsServiceLinks = spec["enableServiceLinks"].bool ?? true
        volumes = spec["volumes"].elements
        readinessGates = spec["readinessGates"].elements.compactMap { $0["conditionType"].string }
        securityContext = spec["securityContext"]
        deletionTimestamp = pod.deletionTimestamp
        deletionGraceSeconds = pod["metadata"]["deletionGracePeriodSeconds"].int
        qosClass = QoSClass(pod: pod)
        generation = pod.generation
    }

    var allContainers: [ContainerSpec] { initContainers + containers }
    func container(_ name: String) -> ContainerSpec? {
        containers.first { $0.name == name } ?? initContainers.first { $0.name == name }
    }
    /// As events and messages name a pod: `web_default(UID)`.
    var fullName: String { "\(name)_\(namespace)(\(uid))" }
}

/// One container of a pod.
struct ContainerSpec: Sendable {
    let name: String
    let image: String
    let imagePullPolicy: String
    let command: [String]
    let arguments: [String]
    let workingDirectory: String?
    let environment: [JSON]
    let environmentSources: [JSON]
    let ports: [JSON]
    let resources: JSON
    let volumeMounts: [JSON]
    let securityContext: JSON
    let postStart: JSON
    let preStop: JSON
    let probes: [ProbeKind: ProbeSpec]
    let terminationMessagePath: String
    let terminationMessageFromLogs: Bool
    let isInit: Bool
    /// An init container that goes on running beside the pod's own (restartPolicy Always).
    let isSidecar: Bool

    init(_ container: JSON, isInit: Bool) {
        name = container["name"].string ?? ""
        image = container["image"].string ?? ""
        imagePullPolicy = container["imagePullPolicy"].string ?? "IfNotPresent"
        command = container["command"].elements.compactMap(\.string)
        arguments = container["args"].elements.compactMap(\.string)
        workingDirectory = container["workingDir"].string.flatMap { $0.isEmpty ? nil : $0 }
        environment = container["env"].elements
        environmentSources = container["envFrom"].elements
        ports = container["ports"].elements
        resources = container["resources"]
        volumeMounts = container["volumeMounts"].elements
        securityContext = container["securityContext"]
        postStart = container["lifecycle"]["postStart"]
        preStop = container["lifecycle"]["preStop"]
        var probes: [ProbeKind: ProbeSpec] = [:]
        for kind in ProbeKind.allCases {
            let probe = container[kind.field]
            if probe.object != nil { probes[kind] = ProbeSpec(probe) }
        }
        self.probes = probes
        terminationMessagePath = container["terminationMessagePath"].string ?? "/dev/termination-log"
        terminationMessageFromLogs = container["terminationMessagePolicy"].string == "FallbackToLogsOnError"
        self.isInit = isInit
        isSidecar = isInit && container["restartPolicy"].string == "Always"
    }

    /// Whether it must end before the next init container starts.
    var runsToCompletion: Bool { isInit && !isSidecar }

    /// The number of a port given by number or by name in this container; nil if there is none.
    func port(_ reference: JSON) -> Int? {
        if let number = reference.int { return number }
        guard let text = reference.string else { return nil }
        return Int(text) ?? ports.first { $0["name"].string == text }?["containerPort"].int
    }
}
