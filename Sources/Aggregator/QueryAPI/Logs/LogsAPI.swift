public import HTTP
import JSON
public import LogQL
public import LogStore
import PromQL
import Telemetry

/// Searching logs over HTTP: `/api/logs` and what lies below it. docs/api/logs.md lists the parameters.
///
/// Lines stream as JSON objects, one a line, the last with the figures and the cursor of the next page. An answer that
/// lacks something says so: `warnings` beside the figures, `dropped` in a tail, an `error` object if reading broke off.
public struct LogsAPI: Sendable {
    /// Lines that are fetched at a time while an answer streams.
    static let pageLines = 1000

    let source: any LogSource
    /// Without one there are no tails.
    let feed: (any LogFeed)?
    /// Nanoseconds since 1970.
    let now: @Sendable () -> Int64

    public init(source: any LogSource, feed: (any LogFeed)? = nil, now: @escaping @Sendable () -> Int64) {
        self.source = source
        self.feed = feed
        self.now = now
    }

    public init(store: LogArchive) { self.init(source: store, feed: store) { store.now } }

    public func register(on router: inout HTTPRouter) {
        let api = self
        for (path, answer) in [
            ("", LogsAPI.search), ("/context", LogsAPI.context), ("/count", LogsAPI.count), ("/hist", LogsAPI.histogram),
            ("/patterns", LogsAPI.patterns), ("/patterns/diff", LogsAPI.patternDifference), ("/fields", LogsAPI.fields), ("/top", LogsAPI.top),
            ("/explain", LogsAPI.explain), ("/tail", LogsAPI.tail),
        ] {
            router.on("GET POST", "/api/logs" + path) { request, _ in
                do {
                    return try await answer(api)(request)
                } catch let error as LogsRequestError {
                    return error.response
                } catch let error as QueryError where error.kind == .unavailable {
                    return .json(["error": JSON(error.message), "hint": "ask again in a few seconds"], status: 429)
                } catch {
                    return .json(["error": JSON("\(error)"), "hint": "see the server's own log; the same request may succeed later"], status: 500)
                }
            }
        }
    }

    // MARK: Lines

    private func search(_ request: HTTPRequest) async throws -> HTTPResponse {
        let parameters = try LogsParameters(request, now: now(), also: ["limit", "direction", "before", "after", "cursor", "format"])
        let query = try parameters.query(allowsWhole: true)
        let direction: LogDirection = try parameters.choice("direction", ["newest", "oldest"]) == "newest" ? .backward : .forward
        let limit = try parameters.integer("limit", 1000, 1...LogsParameters.maximumLimit)
        if let pipeline = query.whole { return try await whole(pipeline, query.selection.range, direction: direction, limit: limit) }
        let answer = LogsAnswer(
            source: source, query: query, direction: direction, cursor: try parameters.position("cursor"), limit: limit,
            before: try parameters.integer("before", 0, 0...1000), after: try parameters.integer("after", 0, 0...1000))
        switch try parameters.choice("format", ["ndjson", "json", "raw"]) {
        case "raw":
            return Self.stream("text/plain; charset=utf-8") { writer in
                _ = try await answer.run { line, _ in
                    line.map { $0.body + [0x0A] } ?? Array("--\n".utf8)
                } write: {
                    try await writer.write($0)
                }
            }
        case "json": return try await json(answer)
        default:
            return Self.stream("application/x-ndjson") { writer in
                let end = try await answer.run(encode: Self.encode) { try await writer.write($0) }
                try await writer.write(LogsEncoding.trailer(end).bytes() + [0x0A])
            }
        }
    }

    static func encode(_ line: LogLine?, isMatch: Bool) -> [UInt8] {
        guard let line else { return Array("{\"gap\":true}\n".utf8) }
        var text: [UInt8] = []
        text.reserveCapacity(line.body.count + 256)
        LogsEncoding.append(line, isMatch: isMatch, to: &text)
        text.append(0x0A)
        return text
    }

    /// One document; held in memory, so its limit is lower.
    private func json(_ answer: LogsAnswer) async throws -> HTTPResponse {
        guard answer.limit <= 10_000 else {
            throw LogsRequestError(parameter: "limit", problem: "is above 10000 with format=json", hint: "use format=ndjson, which streams, or the cursor")
        }
        let collected = Collected()
        let end = try await answer.run(encode: Self.encode) { await collected.append($0) }
        // The objects end in line feeds, which JSON allows after the commas put in their place.
        var body = Array("{\"lines\":[".utf8)
        body += await collected.bytes.split(separator: 0x0A).joined(separator: [0x2C])
        body += Array("],".utf8) + LogsEncoding.trailer(end).bytes().dropFirst()
        return HTTPResponse(fields: ["Content-Type": "application/json"], body: .bytes(body))
    }

    private actor Collected {
        var bytes: [UInt8] = []
        func append(_ more: [UInt8]) { bytes += more }
    }

    /// A streaming answer. What breaks it off after its beginning becomes its last line.
    static func stream(_ type: String, _ body: @escaping @Sendable (any HTTPBodyWriter) async throws -> Void) -> HTTPResponse {
        HTTPResponse(
            fields: ["Content-Type": type, "Cache-Control": "no-store"],
            body: .stream { writer in
                do {
                    try await body(writer)
                } catch let error where error is LogStoreError || error is LogQLError || error is QueryError {
                    try await writer.write(JSON.object([("error", JSON("\(error)"))]).bytes() + [0x0A])
                }
            })
    }

    private func context(_ request: HTTPRequest) async throws -> HTTPResponse {
        let parameters = try LogsParameters(request, now: now(), also: ["id", "before", "after"])
        guard let id = try parameters.position("id") else {
            throw LogsRequestError(parameter: "id", problem: "is missing", hint: "give the id of a line from /api/logs")
        }
        let neighbourhood = LogNeighbourhood(source: source)
        guard let line = try await neighbourhood.line(at: id) else {
            return .json(["error": JSON("there is no line \(id)"), "hint": "it may have been removed because of its age; search again"], status: 404)
        }
        let lines = try await neighbourhood.around(
            line, before: try parameters.integer("before", 10, 0...1000), after: try parameters.integer("after", 10, 0...1000))
        let body = lines.flatMap { Self.encode($0, isMatch: $0.position == id) }
        return HTTPResponse(fields: ["Content-Type": "application/x-ndjson"], body: .bytes(body))
    }
}
