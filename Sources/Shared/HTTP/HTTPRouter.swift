/// Chooses a handler by method and path.
///
/// A pattern's segments are literal, `{name}` for one segment, or a final `{name...}` for the rest.
/// Literal segments win over parameters, parameters over the rest, whatever the order of registration.
public struct HTTPRouter: HTTPHandler {
    /// What the `{name}` segments of the pattern stood for, percent-decoded.
    public typealias Parameters = [String: String]
    public typealias Action = @Sendable (HTTPRequest, Parameters) async -> HTTPResponse

    private struct Route: Sendable {
        var methods: Set<String>
        var segments: [Segment]
        var action: Action
    }
    private enum Segment: Sendable, Hashable {
        case literal(String)
        case parameter(String)
        case rest(String)
        var rank: Int {
            switch self {
            case .literal: 0
            case .parameter: 1
            case .rest: 2
            }
        }
    }

    private var routes: [Route] = []
    /// Answers what no route matches.
    public var fallback: Action = { _, _ in HTTPResponse.text("404 page not found\n", status: 404) }
    /// Answers a known path with an unknown method; `Allow` is set by the router.
    public var methodNotAllowed: Action = { _, _ in HTTPResponse.text("405 method not allowed\n", status: 405) }

    public init() {}

    /// Methods separated by spaces: `GET POST`. HEAD is answered wherever GET is; the server drops the body.
    public mutating func on(_ methods: String, _ pattern: String, _ action: @escaping Action) {
        let segments = pattern.split(separator: "/").map { part -> Segment in
            guard part.hasPrefix("{"), part.hasSuffix("}") else { return .literal(String(part)) }
            let name = part.dropFirst().dropLast()
            return name.hasSuffix("...") ? .rest(String(name.dropLast(3))) : .parameter(String(name))
        }
        var methods = Set(methods.split(separator: " ").map(String.init))
        if methods.contains("GET") { methods.insert("HEAD") }
        let route = Route(methods: methods, segments: segments, action: action)
        let position = routes.firstIndex { Self.precedes(segments, $0.segments) } ?? routes.count
        routes.insert(route, at: position)
    }

    private static func precedes(_ left: [Segment], _ right: [Segment]) -> Bool {
        for (a, b) in zip(left, right) where a.rank != b.rank { return a.rank < b.rank }
        return false
    }

    public func respond(to request: HTTPRequest) async -> HTTPResponse {
        let parts = request.path.split(separator: "/").map(String.init)
        var allowed: Set<String> = []
        for route in routes {
            guard let parameters = match(route.segments, parts) else { continue }
            guard route.methods.contains(request.method) else {
                allowed.formUnion(route.methods)
                continue
            }
            return await route.action(request, parameters)
        }
        guard !allowed.isEmpty else { return await fallback(request, [:]) }
        var response = await methodNotAllowed(request, [:])
        response.fields["Allow"] = allowed.sorted().joined(separator: ", ")
        return response
    }

    private func match(_ segments: [Segment], _ parts: [String]) -> Parameters? {
        var parameters: Parameters = [:]
        for (position, segment) in segments.enumerated() {
            if case .rest(let name) = segment {
                parameters[name] = parts.dropFirst(position).joined(separator: "/")
                return parameters
            }
            guard position < parts.count else { return nil }
            switch segment {
            case .literal(let text): guard text == parts[position] else { return nil }
            case .parameter(let name): parameters[name] = parts[position]
            case .rest: break
            }
        }
        return parts.count == segments.count ? parameters : nil
    }
}
