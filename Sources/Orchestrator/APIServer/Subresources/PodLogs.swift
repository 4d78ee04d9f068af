import HTTP
import JSON
import Objects

/// What part of a container's log is asked for.
public struct PodLogOptions: Hashable, Sendable {
    public var container: String
    /// Go on with what comes until the container ends.
    public var follow = false
    /// The log of the instance before the current one.
    public var previous = false
    /// Seconds before now; nil for no bound. At most one of this and `sinceTime` is set.
    public var sinceSeconds: Int?
    /// Seconds since 1970.
    public var sinceTime: Int64?
    public var tailLines: Int?
    /// Begin each line with its time in RFC 3339.
    public var timestamps = false
    public var limitBytes: Int?

    public init(container: String) { self.container = container }
}

/// Where containers' logs come from: the kubelet.
public protocol PodLogSource: Sendable {
    /// Opens a log. The returned closure writes it, as text of whole lines, and returns at its end.
    ///
    /// - Parameter pod: the pod's newest state; its container exists.
    /// - Throws: what the client sees in place of a log.
    func open(pod: JSON, options: PodLogOptions) async throws(StatusError) -> @Sendable (any HTTPBodyWriter) async throws -> Void
}

extension PodLogOptions {
    /// - Throws: 400 for a container that the pod has not, 422 for numbers that make no sense.
    init(_ request: HTTPRequest, pod: JSON) throws(StatusError) {
        container = try Self.container(request.parameter("container") ?? "", of: pod)
        follow = request.flag("follow")
        previous = request.flag("previous")
        timestamps = request.flag("timestamps")
        sinceSeconds = try request.integer("sinceSeconds")
        tailLines = try request.integer("tailLines")
        limitBytes = try request.integer("limitBytes")
        if let text = request.parameter("sinceTime"), !text.isEmpty {
            guard let time = RFC3339.parse(text) else {
                throw StatusError(.badRequest, "sinceTime: \"\(text)\" is not an RFC 3339 time such as 2026-11-24T08:48:41Z")
            }
            sinceTime = time
        }
        var problems: [(field: String, message: String)] = []
        if let tailLines, tailLines < 0 { problems.append(("tailLines", "Invalid value: \(tailLines): must be greater than or equal to 0")) }
        if let limitBytes, limitBytes < 1 { problems.append(("limitBytes", "Invalid value: \(limitBytes): must be greater than 0")) }
        if sinceSeconds != nil, sinceTime != nil {
            problems.append(("sinceTime", "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"))
        } else if let sinceSeconds, sinceSeconds < 1 {
            problems.append(("sinceSeconds", "Invalid value: \(sinceSeconds): must be greater than 0"))
        }
        guard problems.isEmpty else {
            let list = problems.map { "\($0.field): \($0.message)" }
            throw StatusError(
                .invalid, "PodLogOptions \"\(pod.metadataName)\" is invalid: " + (list.count == 1 ? list[0] : "[" + list.joined(separator: ", ") + "]"),
                details: [
                    "name": .string(pod.metadataName), "kind": "PodLogOptions",
                    "causes": .array(
                        problems.map { ["reason": "FieldValueInvalid", "message": .string($0.message), "field": .string($0.field)] }),
                ])
        }
    }

    private static func container(_ asked: String, of pod: JSON) throws(StatusError) -> String {
        func names(_ field: String) -> [String] { pod["spec"][field].elements.compactMap { $0["name"].string } }
        let (main, initial, ephemeral) = (names("containers"), names("initContainers"), names("ephemeralContainers"))
        if !asked.isEmpty {
            guard (main + initial + ephemeral).contains(asked) else {
                throw StatusError(.badRequest, "container \(asked) is not valid for pod \(pod.metadataName)")
            }
            return asked
        }
        if main.count == 1 { return main[0] }
        if let chosen = pod.annotations["kubectl.kubernetes.io/default-container"], main.contains(chosen) { return chosen }
        let more = initial.isEmpty ? "" : " or one of the init containers: [\(initial.joined(separator: " "))]"
        throw StatusError(
            .badRequest,
            "a container name must be specified for pod \(pod.metadataName), choose one of: [\(main.joined(separator: " "))]\(more)")
    }

    /// - Throws: 400 if the container's status says that there is no such log.
    func checkHasLog(pod: JSON) throws(StatusError) {
        let statuses =
            pod["status"]["containerStatuses"].elements + pod["status"]["initContainerStatuses"].elements
            + pod["status"]["ephemeralContainerStatuses"].elements
        let status = statuses.first { $0["name"].string == container } ?? .null
        let hasEnded = !status["lastState"]["terminated"].isNull
        if previous {
            guard hasEnded else {
                throw StatusError(.badRequest, "previous terminated container \"\(container)\" in pod \"\(pod.metadataName)\" not found")
            }
            return
        }
        let waiting = status["state"]["waiting"]
        let hasRun = hasEnded || !status["state"]["running"].isNull || !status["state"]["terminated"].isNull
        if !waiting.isNull, !hasRun {
            throw StatusError(
                .badRequest,
                "container \"\(container)\" in pod \"\(pod.metadataName)\" is waiting to start: \(waiting["reason"].string ?? "ContainerCreating")")
        }
        if status.isNull {
            throw StatusError(
                .badRequest, "container \"\(container)\" in pod \"\(pod.metadataName)\" is waiting to start: ContainerCreating")
        }
    }
}
