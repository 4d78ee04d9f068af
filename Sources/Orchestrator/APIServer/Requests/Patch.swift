import HTTP
import JSON
import Objects

/// The body of a PATCH, by its media type.
struct Patch: Sendable {
    enum Form: Sendable { case json, merge, strategic, apply }
    let form: Form
    let document: JSON
    var duplicates: [String] = []

    static let accepted = [
        "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
    ]

    init(_ request: HTTPRequest, kind: Kind) throws(StatusError) {
        switch RequestBody.mediaType(request) {
        case Self.accepted[0]:
            form = .json
            do { document = try JSON.parse(request.body) } catch { throw StatusError(.badRequest, "error decoding patch: \(error)") }
        case Self.accepted[1]:
            form = .merge
            (document, duplicates) = try Self.object(request)
        case Self.accepted[2]:
            form = .strategic
            (document, duplicates) = try Self.object(request)
        case Self.accepted[3]:
            form = .apply
            // JSON is YAML, so one reader does for both.
            document = try RequestBody(yaml: request.body).document
            guard let manager = request.parameter("fieldManager"), !manager.isEmpty else {
                throw StatusError(
                    .badRequest, "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch")
            }
        case let type:
            throw StatusError(
                .unsupportedMediaType,
                "the body of the request was in an unknown format - accepted media types include: "
                    + Self.accepted.joined(separator: ", ") + " (got \(type.isEmpty ? "none" : type))")
        }
    }

    private static func object(_ request: HTTPRequest) throws(StatusError) -> (JSON, [String]) {
        let body = try RequestBody(json: request.body, kindName: "Patch")
        return (body.document, body.duplicates)
    }

    /// The whole document of a server-side apply; nil for the other forms.
    var applied: JSON? { form == .apply ? document : nil }

    /// Whether the patch itself asks for a certain resourceVersion: then a faster writer is a conflict and no reason to try again.
    var namesResourceVersion: Bool {
        switch form {
        case .json: document.elements.contains { $0["path"].string == "/metadata/resourceVersion" }
        default: document["metadata"]["resourceVersion"].string?.isEmpty == false
        }
    }

    var warnings: [String] {
        form == .apply
            ? ["server-side apply is carried out as a merge: fields that the new configuration leaves out stay, and no field managers are kept"] : []
    }

    func apply(to object: JSON, kind: Kind) throws(StatusError) -> JSON {
        switch form {
        case .json: try JSONPatch.apply(document, to: object)
        case .merge: MergePatch.apply(document, to: object)
        case .strategic, .apply: try kind.strategicMerge(document, into: object)
        }
    }
}
