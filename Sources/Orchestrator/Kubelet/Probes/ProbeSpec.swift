import JSON

/// The three questions that the kubelet asks of a container.
enum ProbeKind: String, Sendable, CaseIterable {
    case liveness = "Liveness"
    case readiness = "Readiness"
    case startup = "Startup"

    /// The member of a container's spec.
    var field: String {
        switch self {
        case .liveness: "livenessProbe"
        case .readiness: "readinessProbe"
        case .startup: "startupProbe"
        }
    }
}

/// A probe as the pod's spec has it, defaults filled in.
struct ProbeSpec: Hashable, Sendable {
    enum Action: Hashable, Sendable {
        case exec([String])
        /// The port may be a name.
        case httpGet(JSON)
        case tcpSocket(JSON)
        case unsupported(String)
    }
    var action: Action
    var initialDelaySeconds: Int
    var periodSeconds: Int
    var timeoutSeconds: Int
    var successThreshold: Int
    var failureThreshold: Int
    var graceSeconds: Int?

    init(_ probe: JSON) {
        if probe["exec"].object != nil {
            action = .exec(probe["exec"]["command"].elements.compactMap(\.string))
        } else if probe["httpGet"].object != nil {
            action = .httpGet(probe["httpGet"])
        } else if probe["tcpSocket"].object != nil {
            action = .tcpSocket(probe["tcpSocket"])
        } else {
            action = .unsupported(probe["grpc"].object != nil ? "grpc" : "none of exec, httpGet and tcpSocket")
        }
        initialDelaySeconds = probe["initialDelaySeconds"].int ?? 0
        periodSeconds = max(1, probe["periodSeconds"].int ?? 10)
        timeoutSeconds = max(1, probe["timeoutSeconds"].int ?? 1)
        successThreshold = max(1, probe["successThreshold"].int ?? 1)
        failureThreshold = max(1, probe["failureThreshold"].int ?? 3)
        graceSeconds = probe["terminationGracePeriodSeconds"].int
    }
}
