import HTTP
public import InternetAddresses
import JSON
import ObjectStore
import Objects
import Runtime

/// The Kubernetes API over HTTP: discovery, objects and their subresources, as kubectl 1.20 to 1.33 and
/// client libraries speak it.
///
/// It is a handler of whole requests; a server with TLS stands before it and says who a client certificate names.
public final class APIServer: HTTPHandler {
    public struct Configuration: Sendable {
        /// Bearer tokens and who they stand for.
        public var tokens: [String: UserInfo] = [:]
        /// From which Services get their addresses; of 12 to 30 bits.
        public var serviceNetwork = IPv4Network("10.43.0.0/16")!
        public var nodePorts = 30_000...32_767
        /// Where this server is reached: the endpoint of the service `default/kubernetes`.
        public var advertiseAddress = "127.0.0.1"
        public var securePort = 6443
        public var eventTimeToLive = Duration.seconds(7 * 24 * 3600)
        /// Shown by `/version`; kubectl warns when its own minor version differs by more than one.
        public var gitVersion = "v1.33.0+binnacle"
        public init() {}
    }

    public let configuration: Configuration
    let service: ObjectService
    let authenticator: Authenticator
    let authorizer: any Authorizer
    let logs: (any PodLogSource)?
    let health: (any ComponentHealth)?
    let metricsText: @Sendable () -> [UInt8]
    let metrics: APIMetrics
    var registry: KindRegistry { service.registry }

    /// - Parameters:
    ///   - logs: where `kubectl logs` reads; nil answers 503.
    ///   - health: the parts that `componentstatuses` shows beside the store.
    ///   - metrics: the process' registry, in which the server counts its requests.
    ///   - metricsText: what `/metrics` answers, in the Prometheus text format.
    public init(
        store: any ObjectStore, registry: KindRegistry = .standard, configuration: Configuration = Configuration(),
        authorizer: any Authorizer = AllowAuthenticated(), logs: (any PodLogSource)? = nil, health: (any ComponentHealth)? = nil,
        clock: any WallClock = SystemClock(), metrics: MetricRegistry, metricsText: @escaping @Sendable () -> [UInt8] = { [] }
    ) {
        self.configuration = configuration
        service = ObjectService(
            store: store, registry: registry, clock: clock,
            services: ServiceAllocator(network: configuration.serviceNetwork, nodePorts: configuration.nodePorts),
            eventTimeToLive: configuration.eventTimeToLive)
        authenticator = Authenticator(tokens: configuration.tokens)
        self.authorizer = authorizer
        self.logs = logs
        self.health = health
        self.metricsText = metricsText
        self.metrics = APIMetrics(metrics)
    }

    /// The same objects for parts in this process, without HTTP and text.
    public var localClient: LocalClient { LocalClient(service: service) }

    public func respond(to request: HTTPRequest) async -> HTTPResponse {
        let clock = ContinuousClock()
        let start = clock.now
        let target = RequestInfo.target(of: request)
        var response: HTTPResponse
        do throws(StatusError) {
            response = try await answer(request, target)
        } catch {
            response = Self.failure(error)
        }
        metrics.note(target, registry: registry, code: response.status, duration: clock.now - start)
        if request.method == "HEAD" { response.body = .bytes([]) }
        return response
    }

    private func answer(_ request: HTTPRequest, _ target: RequestInfo.Target) async throws(StatusError) -> HTTPResponse {
        if case .other(let parts) = target, let response = await publicAnswer(request, parts) { return response }
        let user = try authenticator.user(of: request)
        try await authorize(user, request, target)
        switch target {
        case .object(let info): return try await object(request, info)
        default: return try await nonResource(request, target)
        }
    }

    private func authorize(_ user: UserInfo, _ request: HTTPRequest, _ target: RequestInfo.Target) async throws(StatusError) {
        var access = AccessRequest(user: user, verb: request.method.lowercased(), group: "", resource: "")
        if case .object(let info) = target {
            access.verb = info.verb.rawValue
            access.group = info.group
            access.resource = info.resource
            access.subresource = info.subresource
            access.namespace = info.namespace
            access.name = info.name
        } else {
            access.path = request.path
        }
        guard let reason = await authorizer.refusal(access) else { return }
        let resource = Resource(access.resource + (access.subresource.map { "/\($0)" } ?? ""), group: access.group)
        let scope = access.namespace.map { " in the namespace \"\($0)\"" } ?? " at the cluster scope"
        let what =
            access.path.map { "User \"\(user.name)\" cannot \(access.verb) path \"\($0)\"" }
            ?? "User \"\(user.name)\" cannot \(access.verb) resource \"\(resource.name)\" in API group \"\(resource.group)\"\(scope)"
        throw .forbidden(resource, access.name ?? "", what + (reason.isEmpty ? "" : ": \(reason)"))
    }

    // MARK: Answers

    static func failure(_ error: StatusError) -> HTTPResponse {
        var response = HTTPResponse.json(error.status, status: error.code)
        if let seconds = error.details["retryAfterSeconds"].int { response.fields["Retry-After"] = String(seconds) }
        if error.reason == .unauthorized { response.fields["WWW-Authenticate"] = "Bearer realm=\"kubernetes\"" }
        return response
    }

    static func json(_ bytes: [UInt8], status: Int = 200, warnings: [String] = []) -> HTTPResponse {
        var response = HTTPResponse(status: status, fields: ["Content-Type": "application/json"], body: .bytes(bytes))
        for warning in warnings { response.fields.add("Warning", "299 - \(quoted(warning))") }
        return response
    }

    /// A quoted string of RFC 9110; control characters have no place in a header.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            if scalar.value < 0x20 || scalar.value == 0x7F { continue }
            if scalar == "\"" || scalar == "\\" { quoted.unicodeScalars.append("\\") }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "\""
    }

    /// The `Status` of a success, as deletions give it.
    static func success(_ details: JSON, code: Int = 200) -> HTTPResponse {
        var status: JSON = ["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success"]
        if !details.isNull { status["details"] = details }
        if code != 200 { status["code"] = JSON(code) }
        return .json(status, status: code)
    }
}
