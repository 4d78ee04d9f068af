import HTTP
import JSON
import Objects
import YAML

/// A request's body as a document, and the paths of members that came twice.
struct RequestBody: Sendable {
    var document: JSON
    var duplicates: [String] = []

    init(document: JSON, duplicates: [String] = []) {
        self.document = document
        self.duplicates = duplicates
    }

    /// The media type without parameters, in lower case; empty without the header.
    static func mediaType(_ request: HTTPRequest) -> String {
        let field = request.fields["Content-Type"] ?? ""
        let type = field.prefix { $0 != ";" }
        return type.filter { $0 != " " }.lowercased()
    }

    /// Reads JSON, or YAML where the client says so. A body without Content-Type is JSON: kubectl 1.20 sends such.
    /// - Parameter registry: whose kinds may come in protobuf; nil for bodies that never do.
    init(_ request: HTTPRequest, kindName: String, registry: KindRegistry? = nil) throws(StatusError) {
        switch Self.mediaType(request) {
        case "", "application/json", "text/json", "application/octet-stream", "application/x-www-form-urlencoded", "*/*":
            try self.init(json: request.body, kindName: kindName)
        case "application/yaml", "application/x-yaml", "text/yaml": try self.init(yaml: request.body)
        case "application/vnd.kubernetes.protobuf" where registry != nil:
            self.init(document: try ProtobufBody(registry: registry ?? .standard).object(request.body))
        case let type:
            throw StatusError(
                .unsupportedMediaType,
                "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, "
                    + "application/vnd.kubernetes.protobuf (got \(type))")
        }
    }

    init(json bytes: [UInt8], kindName: String) throws(StatusError) {
        var duplicates: [String] = []
        do {
            document = try JSON.parse(bytes) { duplicates.append($0) }
        } catch {
            throw StatusError(
                .badRequest, "the object provided is unrecognized (must be of type \(kindName)): couldn't get version/kind; json parse error: \(error)")
        }
        self.duplicates = duplicates
        try checkIsObject()
    }

    init(yaml bytes: [UInt8]) throws(StatusError) {
        // JSON is YAML, and clients send it where they may: read the quick way what looks like it.
        if bytes.first == UInt8(ascii: "{"), let json = try? RequestBody(json: bytes, kindName: "object") {
            self = json
            return
        }
        do {
            let documents = try YAMLParser.documents(bytes, file: "body")
            guard documents.count == 1 else {
                throw StatusError(.badRequest, "the body holds \(documents.count) YAML documents; send one object a request")
            }
            document = documents[0]
        } catch let error as StatusError {
            throw error
        } catch {
            throw StatusError(.badRequest, "error parsing YAML: \(error)")
        }
        try checkIsObject()
    }

    private func checkIsObject() throws(StatusError) {
        guard document.object != nil else {
            throw StatusError(.badRequest, "the body is a JSON \(document.typeName), expected an object")
        }
    }
}
