import Gzip
import HTTP
import JSON
import LogQL

/// A request taken apart.
struct ElasticRequest: Sendable {
    let request: HTTPRequest
    let segments: HTTPRouter.Parameters
    let now: Int64
    var parameters: [String: String]
    var indices: ElasticIndices
    /// What was sent, unpacked.
    let content: [UInt8]
    /// An object; empty if nothing was sent, or if what was sent is no single document.
    var body: JSON
    /// The last nanosecond that counts: of scrolls and points in time.
    var until: Int64?

    init(_ request: HTTPRequest, _ segments: HTTPRouter.Parameters, now: Int64) throws(ElasticError) {
        self.request = request
        self.segments = segments
        self.now = now
        parameters = Dictionary(request.query.map { ($0.name, $0.value) }) { first, _ in first }
        indices = ElasticIndices(segments["index"])
        body = [:]
        content = try Self.unpacked(request)
        let text = content.isEmpty ? Array((parameters["source"] ?? "").utf8) : content
        guard !text.isEmpty, !request.path.hasSuffix("_msearch") else { return }
        let document: JSON
        do {
            document = try JSON.parse(text)
        } catch {
            throw .parsing("the body is no JSON: \(error)")
        }
        guard document.object != nil else { throw .parsing("the body is no JSON object") }
        body = document
    }

    /// Clients pack what they ask too (`http_compress`).
    private static func unpacked(_ request: HTTPRequest) throws(ElasticError) -> [UInt8] {
        guard let coding = request.fields["Content-Encoding"]?.lowercased(), coding != "identity" else { return request.body }
        guard coding == "gzip" else { throw ElasticError(415, "illegal_argument_exception", "Content-Encoding [\(coding)] is not known; known is gzip") }
        do {
            return try Gzip.decompress(request.body, limit: maximumBytes)
        } catch {
            throw .parsing("the body is no gzip of at most \(maximumBytes) bytes: \(error)")
        }
    }

    /// A multi search of a thousand long queries.
    private static let maximumBytes = 16 << 20
}

/// What a scroll or a point in time is made of, as its id.
struct ElasticState: Sendable {
    var indices: ElasticIndices
    var until: Int64
    var body: JSON
    /// Behind which row the next page begins; nil when there is none.
    var cursor: LogCursor?

    init(indices: ElasticIndices, until: Int64, body: JSON, cursor: LogCursor?) {
        self.indices = indices
        self.until = until
        self.body = body
        self.cursor = cursor
    }

    init(_ id: String) throws(ElasticError) {
        guard let bytes = Base64.decode(id), let document = try? JSON.parse(bytes), let until = document["u"].int else {
            throw ElasticError(404, "search_context_missing_exception", "No search context found for id [\(id.prefix(40))]")
        }
        indices = ElasticIndices(document["i"].string)
        self.until = Int64(until)
        body = document["b"]
        cursor = document["c"].string.flatMap { LogCursor($0) }
    }

    var text: String {
        let document: JSON = ["i": JSON(indices.text), "u": .integer(until), "b": body, "c": cursor.map { JSON("\($0.time)-\($0.sequence)") } ?? .null]
        return Base64.encode(document.bytes())
    }
}
