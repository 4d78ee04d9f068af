import HTTP
import Objects

/// What a path and method ask for, before anything is looked up: as authorisation and metrics name it.
struct RequestInfo: Hashable, Sendable {
    enum Verb: String, Sendable { case get, list, watch, create, update, patch, delete, deletecollection }

    var verb: Verb
    var group: String
    var version: String
    /// Nil for all namespaces, and for cluster-scoped resources.
    var namespace: String?
    var resource: String
    /// Nil for a collection.
    var name: String?
    var subresource: String?

    enum Target: Hashable, Sendable {
        case object(RequestInfo)
        /// `/api`, `/apis`, `/apis/GROUP`, `/api/v1`, `/apis/GROUP/VERSION`.
        case coreVersions, groups
        case group(String)
        case groupVersion(String)
        /// Everything that is not the REST API.
        case other([String])
    }

    static func target(of request: HTTPRequest) -> Target {
        let parts = request.path.split(separator: "/").map(String.init)
        switch parts.first {
        case "api":
            if parts.count == 1 { return .coreVersions }
            if parts.count == 2 { return .groupVersion(parts[1]) }
            return object(group: "", version: parts[1], parts.dropFirst(2), request) ?? .other(parts)
        case "apis":
            if parts.count == 1 { return .groups }
            if parts.count == 2 { return .group(parts[1]) }
            if parts.count == 3 { return .groupVersion("\(parts[1])/\(parts[2])") }
            return object(group: parts[1], version: parts[2], parts.dropFirst(3), request) ?? .other(parts)
        default: return .other(parts)
        }
    }

    private static func object(group: String, version: String, _ parts: ArraySlice<String>, _ request: HTTPRequest) -> Target? {
        var parts = Array(parts)
        // The old `/api/v1/watch/...` form.
        let isWatchPath = parts.count > 1 && parts[0] == "watch"
        if isWatchPath { parts.removeFirst() }
        var namespace: String?
        // `namespaces/NAME/status` is about the namespace, `namespaces/NAME/pods` about what is in it.
        if parts.count >= 3, parts[0] == "namespaces", parts[2] != "status", parts[2] != "finalize" {
            namespace = parts[1]
            parts.removeFirst(2)
        }
        guard let resource = parts.first else { return nil }
        let name = parts.count > 1 ? parts[1] : nil
        let subresource = parts.count > 2 ? parts[2...].joined(separator: "/") : nil
        let watches = isWatchPath || ["true", "1", ""].contains(request.parameter("watch") ?? "no")
        let verb: Verb
        switch request.method {
        case "GET", "HEAD": verb = watches && subresource == nil ? .watch : name == nil ? .list : .get
        case "POST": verb = .create
        case "PUT": verb = .update
        case "PATCH": verb = .patch
        case "DELETE": verb = name == nil ? .deletecollection : .delete
        default: return nil
        }
        return .object(
            RequestInfo(
                verb: verb, group: group, version: version, namespace: namespace, resource: resource, name: name, subresource: subresource))
    }
}
