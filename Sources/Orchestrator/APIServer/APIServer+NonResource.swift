import HTTP
import JSON
import ObjectStore
import Objects

/// Paths that are about the server and not about objects.
extension APIServer {
    /// What anyone may ask: whether the server lives, and which version it is. Nil for everything else.
    func publicAnswer(_ request: HTTPRequest, _ parts: [String]) async -> HTTPResponse? {
        guard request.method == "GET" || request.method == "HEAD" else { return nil }
        switch parts {
        case ["healthz"], ["livez"], ["readyz"]: return await healthAnswer(request, parts[0])
        case ["version"]: return .json(versionDocument)
        default: return nil
        }
    }

    func nonResource(_ request: HTTPRequest, _ target: RequestInfo.Target) async throws(StatusError) -> HTTPResponse {
        guard request.method == "GET" || request.method == "HEAD" else {
            throw StatusError(.methodNotAllowed, "the server does not allow this method on the requested resource")
        }
        switch target {
        case .coreVersions: return discovery(request, core: true, legacy: registry.apiVersions)
        case .groups: return discovery(request, core: false, legacy: registry.apiGroupList)
        case .group(let name): return registry.apiGroup(name).map { .json($0) } ?? Self.notFound
        case .groupVersion(let name): return registry.apiResourceList(name).map { .json($0) } ?? Self.notFound
        case .other(let parts): return other(request, parts)
        case .object: return Self.notFound
        }
    }

    static let notFound = HTTPResponse.text("404 page not found\n", status: 404)

    private func other(_ request: HTTPRequest, _ parts: [String]) -> HTTPResponse {
        switch parts {
        case []:
            let paths = ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v2", "/readyz", "/version"]
            return .json(["paths": .array(paths.map { .string($0) })])
        case ["metrics"]:
            return HTTPResponse(fields: ["Content-Type": "text/plain; version=0.0.4; charset=utf-8"], body: .bytes(metricsText()))
        case ["openapi", "v2"]:
            // An empty protobuf document: every kubectl then leaves validation to the server (contract 1.2 item 1). The `@` form
            // of the type, which clients send in Accept, is not a media type that they can parse in an answer.
            return HTTPResponse(fields: ["Content-Type": "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"])
        default: return Self.notFound
        }
    }

    // MARK: Discovery

    /// The aggregated form if the client's Accept lists one that we speak, else the legacy document.
    private func discovery(_ request: HTTPRequest, core: Bool, legacy: JSON) -> HTTPResponse {
        var response: HTTPResponse
        if let version = Self.aggregatedVersion(request.fields["Accept"] ?? "") {
            response = .json(registry.aggregatedDiscovery(core: core, version: version))
            response.fields["Content-Type"] = "application/json;g=apidiscovery.k8s.io;v=\(version.rawValue);as=APIGroupDiscoveryList"
        } else {
            response = .json(legacy)
        }
        response.fields["Vary"] = "Accept"
        return response
    }

    static func aggregatedVersion(_ accept: String) -> KindRegistry.DiscoveryVersion? {
        for alternative in accept.split(separator: ",") {
            let parts = alternative.split(separator: ";").map { $0.trimmingSpaces() }
            guard parts.first == "application/json" else { continue }
            guard parts.contains("as=APIGroupDiscoveryList"), parts.contains("g=apidiscovery.k8s.io") else { return nil }
            if parts.contains("v=v2") { return .v2 }
            if parts.contains("v=v2beta1") { return .v2beta1 }
        }
        return nil
    }

    private var versionDocument: JSON {
        // `v1.33.0+binnacle`: the first two numbers are major and minor.
        let numbers = configuration.gitVersion.drop { !$0.isNumber }.split(separator: ".")
        return [
            "major": .string(numbers.first.map(String.init) ?? "1"), "minor": .string(numbers.dropFirst().first.map(String.init) ?? "33"),
            "gitVersion": .string(configuration.gitVersion), "gitCommit": "", "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z",
            "goVersion": "swift6.3", "compiler": "swiftc", "platform": "linux/amd64",
        ]
    }

    // MARK: Health

    private func healthAnswer(_ request: HTTPRequest, _ check: String) async -> HTTPResponse {
        // Being alive is being able to answer; being ready is also a store and parts that work.
        let conditions = check == "livez" ? [] : await componentConditions()
        let isHealthy = conditions.allSatisfy(\.isHealthy)
        guard !isHealthy || request.parameters("verbose").count > 0 else { return .text("ok") }
        var text = "[+]ping ok\n"
        for condition in conditions {
            text += condition.isHealthy ? "[+]\(condition.name) ok\n" : "[-]\(condition.name) failed: \(condition.message)\n"
        }
        return .text(text + "\(check) check \(isHealthy ? "passed" : "failed")\n", status: isHealthy ? 200 : 500)
    }

    func componentConditions() async -> [ComponentCondition] {
        var conditions = await health?.components() ?? []
        var store = ComponentCondition(name: "etcd-0", isHealthy: true, message: "{\"health\":\"true\"}")
        do throws(StoreError) {
            _ = try await service.store.currentRevision()
        } catch {
            store = ComponentCondition(name: "etcd-0", isHealthy: false, message: "\(error)")
        }
        conditions.append(store)
        return conditions
    }

    /// `componentstatuses` are worked out when they are asked for; no such object is stored.
    func componentStatuses(_ request: HTTPRequest, _ info: RequestInfo, kind: Kind) async throws(StatusError) -> HTTPResponse {
        let objects = await componentConditions().map { condition in
            LiveObject(unstored: [
                "apiVersion": "v1", "kind": "ComponentStatus", "metadata": ["name": .string(condition.name), "creationTimestamp": nil],
                "conditions": [
                    [
                        "type": "Healthy", "status": condition.isHealthy ? "True" : "False",
                        condition.isHealthy ? "message" : "error": .string(condition.message),
                    ]
                ],
            ])
        }
        let renderer = try renderer(request, kind)
        let warnings = ["v1 ComponentStatus is deprecated in v1.19+"]
        guard let name = info.name else {
            let options = try ListOptions(request, kind: kind)
            let chosen = objects.filter { options.selection.matches($0.json, kind: kind) }
            let page = ObjectService.Page(objects: chosen, revision: 0, continuation: nil, remaining: nil)
            return Self.json(renderer.list(page), warnings: warnings)
        }
        guard let object = objects.first(where: { $0.json.metadataName == name }) else { throw .notFound(kind.resource, name) }
        return Self.json(renderer.object(object), warnings: warnings)
    }
}
