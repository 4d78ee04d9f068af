import HTTP
import JSON
import LogQL
import LogStore
import Telemetry

/// What lines hold: fields that parsers would find, and patterns.
extension LokiAPI {
    /// Fields of the newest lines: of JSON and logfmt, and what is known beside the lines.
    private func detected(_ parameters: LokiParameters, valueLimit: Int) async throws -> [DetectedField] {
        let range = try parameters.range()
        guard case .lines(let pipeline) = try Self.parse(parameters.request.parameter("query").flatMap { $0.isEmpty ? nil : $0 } ?? "{}") else {
            throw LokiError.bad("query", "a metric query has no fields")
        }
        let wanted = try parameters.limit(100, maximum: options.maximumLines, "line_limit")
        let result = try await run { engine async throws(LogQLError) in try await engine.lines(pipeline, LogLinesRequest(range, limit: wanted)) }
        var detector = FieldDetector()
        for entry in result.entries { detector.add(entry) }
        return detector.detected(valueLimit: valueLimit)
    }

    func detectedFields(_ parameters: LokiParameters) async throws -> HTTPResponse {
        let limit = try fieldLimit(parameters)
        let rows = try await detected(parameters, valueLimit: 1).prefix(limit).map { field -> JSON in
            [
                "label": JSON(field.label), "type": JSON(field.kind.rawValue), "cardinality": JSON(field.cardinality),
                "parsers": field.parsers.isEmpty ? .null : .array(field.parsers.map { JSON($0) }),
            ]
        }
        return .json(["fields": .array(rows), "limit": JSON(limit)])
    }

    private func fieldLimit(_ parameters: LokiParameters) throws(LokiError) -> Int {
        try parameters.limit(1000, maximum: 10_000, parameters.request.parameter("field_limit") == nil ? "limit" : "field_limit")
    }

    func detectedFieldValues(_ parameters: LokiParameters, _ name: String) async throws -> HTTPResponse {
        let limit = try fieldLimit(parameters)
        let values = try await detected(parameters, valueLimit: limit).first { $0.label == name }?.values.map(\.value) ?? []
        return .json(["values": .array(values.sorted().map { JSON($0) }), "limit": JSON(limit)])
    }

    /// Lines by template, with counts by step; `<_>` stands for what varies, as in pattern filters.
    func patterns(_ parameters: LokiParameters) async throws -> HTTPResponse {
        let range = try parameters.range()
        let step = max(try parameters.step(range), 1_000_000_000)
        guard case .lines(let pipeline) = try Self.parse(try parameters.query()) else { throw LokiError.bad("query", "a metric query has no patterns") }
        let runner = try LogPipelineRunner(pipeline, now: parameters.now)
        let query = LogsQuery(selection: runner.selection(range), runner: runner.isTrivial ? nil : runner)
        let counts = try await LogPatternCounts.read(query, step: step, from: source)
        let rows = counts.best(300).map { template, entry -> JSON in
            let samples = entry.steps.sorted { $0.key < $1.key }.map { JSON.array([.integer($0.key / 1_000_000_000), .integer($0.value)]) }
            return ["pattern": JSON(Self.openPattern(template)), "samples": .array(samples), "level": JSON(entry.severity.levelName)]
        }
        return Self.success(.array(rows))
    }

    /// Marks such as `<n>` and `<duration>` as Loki's `<_>`.
    static func openPattern(_ template: String) -> String {
        var result = ""
        var rest = template[...]
        while let open = rest.firstIndex(of: "<") {
            result += rest[..<open]
            let inner = rest[rest.index(after: open)...]
            guard let close = inner.firstIndex(of: ">"), close != inner.startIndex, inner[..<close].allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" })
            else {
                result.append("<")
                rest = inner
                continue
            }
            // Two marks with nothing between them are one.
            if !result.hasSuffix("<_>") { result += "<_>" }
            rest = inner[inner.index(after: close)...]
        }
        return result + rest
    }
}
