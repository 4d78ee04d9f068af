import HTTP
import JSON
import Objects

/// The form in which a client wants objects, from its Accept header.
enum Representation: Hashable, Sendable {
    case object
    /// `meta.k8s.io` version of the Table.
    case table(version: String)
    case partialMetadata(version: String)

    /// Takes the first alternative that can be served, in the client's order: kubectl lists Table v1, v1beta1, plain JSON.
    /// Quality values are not weighed: no known client of this API sends an order that they would change.
    /// - Throws: 406 if none can be.
    init(_ request: HTTPRequest) throws(StatusError) {
        guard let accept = request.fields["Accept"], !accept.isEmpty else {
            self = .object
            return
        }
        for alternative in accept.split(separator: ",") {
            let parts = alternative.split(separator: ";").map { $0.trimmingSpaces() }
            guard let type = parts.first, ["application/json", "*/*", "application/*", "text/plain", "text/*"].contains(type) else { continue }
            var parameters: [String: String] = [:]
            for part in parts.dropFirst() {
                let pair = part.split(separator: "=", maxSplits: 1)
                if pair.count == 2 { parameters[String(pair[0])] = String(pair[1]) }
            }
            guard let form = parameters["as"] else {
                self = .object
                return
            }
            guard parameters["g"] == "meta.k8s.io", let version = parameters["v"], version == "v1" || version == "v1beta1" else { continue }
            switch form {
            case "Table": self = .table(version: version)
            case "PartialObjectMetadata", "PartialObjectMetadataList": self = .partialMetadata(version: version)
            default: continue
            }
            return
        }
        throw StatusError(
            .notAcceptable, "only the following media types are accepted: application/json (also as=Table or as=PartialObjectMetadata of meta.k8s.io)")
    }
}

extension Substring {
    func trimmingSpaces() -> String {
        var text = self
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
