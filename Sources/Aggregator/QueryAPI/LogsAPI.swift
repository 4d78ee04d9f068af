public import HTTP
import JSON
import LogQL
public import LogStore
import Telemetry

/// Searching logs over HTTP: `/api/logs` and, below it, `context`, `count`, `patterns`, `tail`. docs/api/logs.md lists the parameters.
///
/// Lines stream as JSON objects, one a line, the last with the figures and the cursor of the next page. An answer that
/// lacks something says so: `chunksDamaged` in the figures, `dropped` in a tail, an `error` object if reading broke off.
public struct LogsAPI: Sendable {
    /// Lines that are fetched at a time while an answer streams.
    static let pageLines = 1000

    let store: LogArchive

    public init(store: LogArchive) { self.store = store }

    public func register(on router: inout HTTPRouter) {
        let api = self
        for (path, answer) in [
            ("/api/logs", LogsAPI.search), ("/api/logs/context", LogsAPI.context), ("/api/logs/count", LogsAPI.count),
            ("/api/logs/patterns", LogsAPI.patterns), ("/api/logs/tail", LogsAPI.tail),
        ] {
            router.on("GET POST", path) { request, _ in
                do {
                    return try await answer(api)(request)
                } catch let error as LogsRequestError {
                    return error.response
                } catch {
                    return .json(["error": JSON("\(error)"), "hint": "see the server's own log; the same request may succeed later"], status: 500)
                }
            }
        }
    }

    // MARK: Lines

    private func search(_ request: HTTPRequest) async throws -> HTTPResponse {
        let parameters = try LogsParameters(request, also: ["limit", "direction", "before", "after", "cursor", "format"])
        var query = try parameters.query()
        query.direction = LogQuery.Direction(rawValue: try parameters.choice("direction", ["newest", "oldest"])) ?? .newest
        query.cursor = try parameters.position("cursor")
        let limit = try parameters.integer("limit", 1000, 1...LogsParameters.maximumLimit)
        let before = try parameters.integer("before", 0, 0...1000)
        let after = try parameters.integer("after", 0, 0...1000)
        let answer = LogsAnswer(store: store, query: query, limit: limit, before: before, after: after)
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
                try await writer.write(LogsEncoding.trailer(end.statistics, matched: end.matched, seconds: end.seconds, cursor: end.cursor).bytes() + [0x0A])
            }
        }
    }

    private static func encode(_ line: LogLine?, isMatch: Bool) -> [UInt8] {
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
        body += Array("],".utf8) + LogsEncoding.trailer(end.statistics, matched: end.matched, seconds: end.seconds, cursor: end.cursor).bytes().dropFirst()
        return HTTPResponse(fields: ["Content-Type": "application/json"], body: .bytes(body))
    }

    private actor Collected {
        var bytes: [UInt8] = []
        func append(_ more: [UInt8]) { bytes += more }
    }

    /// A streaming answer. What breaks it off after its beginning becomes its last line.
    private static func stream(_ type: String, _ body: @escaping @Sendable (any HTTPBodyWriter) async throws -> Void) -> HTTPResponse {
        HTTPResponse(
            fields: ["Content-Type": type, "Cache-Control": "no-store"],
            body: .stream { writer in
                do {
                    try await body(writer)
                } catch let error as LogStoreError {
                    try await writer.write(JSON.object([("error", JSON("\(error)"))]).bytes() + [0x0A])
                }
            })
    }

    private func context(_ request: HTTPRequest) async throws -> HTTPResponse {
        let parameters = try LogsParameters(request, also: ["id", "before", "after"])
        guard let id = try parameters.position("id") else {
            throw LogsRequestError(parameter: "id", problem: "is missing", hint: "give the id of a line from /api/logs")
        }
        let lines = try await store.context(
            of: id, before: try parameters.integer("before", 10, 0...1000), after: try parameters.integer("after", 10, 0...1000))
        guard !lines.isEmpty else {
            return .json(["error": JSON("there is no line \(id)"), "hint": "it may have been removed because of its age; search again"], status: 404)
        }
        let body = lines.flatMap { Self.encode($0, isMatch: $0.position == id) }
        return HTTPResponse(fields: ["Content-Type": "application/x-ndjson"], body: .bytes(body))
    }

    private func tail(_ request: HTTPRequest) async throws -> HTTPResponse {
        let parameters = try LogsParameters(request, also: [])
        var query = try parameters.query()
        query.limit = Self.pageLines
        // Without a beginning only what is new.
        if query.from == .min { query.from = store.now }
        let sequence = store.tail(query)
        return Self.stream("application/x-ndjson") { writer in
            for try await event in sequence {
                switch event {
                case .line(let line): try await writer.write(Self.encode(line, isMatch: true))
                case .dropped(let count): try await writer.write(JSON.object([("dropped", JSON(count))]).bytes() + [0x0A])
                }
            }
        }
    }

    // MARK: Figures

    private static let groupLabels = ["namespace", "pod", "container", "node", "stream", "restart"]

    private func count(_ request: HTTPRequest) async throws -> HTTPResponse {
        let parameters = try LogsParameters(request, also: ["by", "step"])
        let query = try parameters.query()
        var grouping = LogGrouping(step: try parameters.duration("step"))
        for name in parameters.names("by") {
            switch name {
            case "minute": grouping.step = 60_000_000_000
            case "hour": grouping.step = 3_600_000_000_000
            case "day": grouping.step = 86_400_000_000_000
            case "severity", "level": grouping.bySeverity = true
            case _ where Self.groupLabels.contains(name): grouping.labels.append(name)
            default:
                throw LogsRequestError(
                    parameter: "by", problem: "\"\(name)\" is not known",
                    hint: "use minute, hour, day, severity, \(Self.groupLabels.joined(separator: ", "))")
            }
        }
        let start = ContinuousClock.now
        let (counts, statistics) = try await store.count(query, by: grouping)
        let rows = counts.map { count in
            var row = JSONObject()
            if let start = count.start { row["time"] = LogsEncoding.time(start) }
            if let severity = count.severity { row["severity"] = JSON("\(severity)") }
            for name in grouping.labels { row[name] = JSON(count.labels[name]) }
            row["count"] = JSON(count.count)
            return JSON.object(row)
        }
        let total = counts.reduce(0) { $0 + $1.count }
        return .json([
            "counts": .array(rows), "total": JSON(total),
            "stats": LogsEncoding.statistics(statistics, matched: total, seconds: (ContinuousClock.now - start).inSeconds),
        ])
    }

    private func patterns(_ request: HTTPRequest) async throws -> HTTPResponse {
        let parameters = try LogsParameters(request, also: ["limit"])
        var query = try parameters.query()
        query.limit = try parameters.integer("limit", 50, 1...10_000)
        let start = ContinuousClock.now
        let result = try await store.patterns(query)
        let rows = result.patterns.map { pattern -> JSON in
            [
                "template": JSON(pattern.template), "count": JSON(pattern.count), "share": JSON(Double(pattern.count) / Double(max(1, result.total))),
                "severity": JSON("\(pattern.severity)"), "firstSeen": LogsEncoding.time(pattern.firstSeen),
                "lastSeen": LogsEncoding.time(pattern.lastSeen),
                "pods": .array(pattern.streams.map { JSON("\($0["namespace"])/\($0["pod"])") }.uniqued()),
                "sample": ["id": JSON(pattern.sample.position.description), "line": JSON(String(decoding: pattern.sample.body, as: UTF8.self))],
            ]
        }
        return .json([
            "patterns": .array(rows), "uncounted": JSON(result.uncounted),
            "stats": LogsEncoding.statistics(result.statistics, matched: result.total, seconds: (ContinuousClock.now - start).inSeconds),
        ])
    }
}

extension Array where Element: Hashable {
    /// Each element once, in the order of its first place.
    fileprivate func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
