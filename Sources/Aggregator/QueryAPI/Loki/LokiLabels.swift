import HTTP
import JSON
import LogQL
import Telemetry

/// What streams there are and how much they hold: labels, their values, series, index statistics and volumes.
extension LokiAPI {
    private static let sixHours: Int64 = 6 * 3_600_000_000_000

    func labelNames(_ parameters: LokiParameters) async throws -> HTTPResponse {
        let streams = try await source.streams(try parameters.matchers(), in: try parameters.range(back: Self.sixHours))
        return Self.success(.array(Set(streams.flatMap { $0.list.map(\.name) }).sorted().map { JSON($0) }))
    }

    func labelValues(_ parameters: LokiParameters, _ name: String) async throws -> HTTPResponse {
        let streams = try await source.streams(try parameters.matchers(), in: try parameters.range(back: Self.sixHours))
        let values = Set(streams.map { $0[name] }).filter { !$0.isEmpty }
        return Self.success(.array(values.sorted().map { JSON($0) }))
    }

    /// `match[]` may be repeated: a stream that any of them chooses.
    func series(_ parameters: LokiParameters) async throws -> HTTPResponse {
        let texts = ["match[]", "match", "match%5B%5D"].flatMap { parameters.request.parameters($0) }
        let range = try parameters.range(back: Self.sixHours)
        var found: Set<Labels> = []
        for text in texts.isEmpty ? ["{}"] : texts { found.formUnion(try await source.streams(try LokiParameters.matchers(text), in: range)) }
        return Self.success(.array(found.sorted().map { Self.labels($0) }))
    }

    func detectedLabels(_ parameters: LokiParameters) async throws -> HTTPResponse {
        let streams = try await source.streams(try parameters.matchers(), in: try parameters.range(back: Self.sixHours))
        var values: [String: Set<String>] = [:]
        for stream in streams { for label in stream.list { values[label.name, default: []].insert(label.value) } }
        let rows = values.sorted { $0.key < $1.key }.map { JSON.object([("label", JSON($0.key)), ("cardinality", JSON($0.value.count))]) }
        return .json(["detectedLabels": .array(rows)])
    }

    /// Chunks are parts of streams; of ours, which many streams share, there is no such number, so it is the streams'.
    func indexStatistics(_ parameters: LokiParameters) async throws -> HTTPResponse {
        let selection = LogSelection(try parameters.matchers(), in: try parameters.range(back: Self.sixHours))
        let volume = try await LogVolume.read(selection, step: nil, from: source)
        let total = volume.total
        return .json([
            "streams": JSON(volume.streams.count), "chunks": JSON(max(volume.streams.count, volume.statistics.chunks)),
            "entries": .integer(total.lines), "bytes": .integer(total.bytes),
        ])
    }

    func volume(_ parameters: LokiParameters) async throws -> HTTPResponse {
        let range = try parameters.range()
        let amounts = try await volumes(parameters, range, step: nil)
        let rows = amounts.map { entry -> JSON in
            ["metric": entry.document, "value": [Self.seconds(range.upperBound), JSON("\(entry.total)")]]
        }
        return Self.success(["resultType": "vector", "result": .array(rows), "stats": LokiAnswer.statistics(LogStatistics(), took: .zero, rows: 0)])
    }

    /// A sample stands at the beginning of its step.
    func volumeRange(_ parameters: LokiParameters) async throws -> HTTPResponse {
        let range = try parameters.range()
        let step = try parameters.step(range)
        // From whole minutes on where the steps are of whole minutes, so that the store's counts serve.
        let minute: Int64 = 60_000_000_000
        let start = step % minute == 0 ? range.lowerBound - range.lowerBound % minute : range.lowerBound
        let amounts = try await volumes(parameters, start..<max(start, range.upperBound), step: step)
        let rows = amounts.map { entry -> JSON in
            let samples = entry.steps.sorted { $0.key < $1.key }.map { JSON.array([Self.seconds(start + $0.key * step), JSON("\($0.value)")]) }
            return ["metric": entry.document, "values": .array(samples)]
        }
        return Self.success(["resultType": "matrix", "result": .array(rows), "stats": LokiAnswer.statistics(LogStatistics(), took: .zero, rows: 0)])
    }

    private struct Volume {
        var metric: Labels
        /// The name of a label whose streams these are, whatever its value; Loki gives it with an empty value.
        var name: String?
        var total: Int64 = 0
        var steps: [Int64: Int64] = [:]

        var document: JSON { name.map { JSON.object([($0, JSON(""))]) } ?? LokiAPI.labels(metric) }
    }

    /// Bytes by the wanted labels, most first; names break ties.
    private func volumes(_ parameters: LokiParameters, _ range: Range<Int64>, step: Int64?) async throws -> [Volume] {
        let matchers = try parameters.matchers()
        let limit = try parameters.limit(100, maximum: 10_000)
        let targets = parameters.names("targetLabels")
        let byLabels: Bool
        switch parameters.request.parameter("aggregateBy") {
        case nil, "", "series": byLabels = false
        case "labels": byLabels = true
        case let text?: throw LokiError.bad("aggregateBy", "\"\(text)\" is neither series nor labels")
        }
        let wanted = targets.isEmpty ? matchers.filter { !$0.value.isEmpty }.map(\.name) : targets
        let volume = try await LogVolume.read(LogSelection(matchers, in: range), step: step, from: source)
        var sums: [Labels: Volume] = [:]
        for (key, amount) in volume.amounts {
            let stream = volume.streams[Int(key.stream)]
            // A label by itself is told by its name as the value of a label that none is called.
            let groups: [(key: Labels, name: String?)] =
                byLabels
                ? stream.list.map(\.name).filter { targets.isEmpty || targets.contains($0) }.map { (["": $0], $0) }
                : [(wanted.isEmpty ? stream : stream.filter { wanted.contains($0.name) }, nil)]
            for group in groups {
                var sum = sums[group.key] ?? Volume(metric: group.key, name: group.name)
                sum.total += amount.bytes
                sum.steps[key.step, default: 0] += amount.bytes
                sums[group.key] = sum
            }
        }
        return Array(sums.values.sorted { ($1.total, $0.metric) < ($0.total, $1.metric) }.prefix(limit))
    }
}
