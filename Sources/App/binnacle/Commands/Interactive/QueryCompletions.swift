import HTTP
import JSON
import PromQL
import Serving
import Terminal

/// What may stand at the cursor, asked of the server. Names of metrics are asked for once; what cannot be had is not offered.
struct QueryCompletions {
    private static let words = [
        "sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "topk", "bottomk", "quantile", "count_values", "limitk", "limit_ratio", "by",
        "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless", "bool", "offset", "atan2",
    ]
    /// More values than this help nobody.
    private static let limit = 5000

    let client: ClientOptions
    private var metrics: [String]?

    init(client: ClientOptions) { self.client = client }

    mutating func at(_ place: QueryText.Place) async -> Completion {
        switch place.wanted {
        case .nothing: return Completion(place.prefix, among: [])
        case .name:
            let metrics = if let metrics { metrics } else { await list("/api/v1/label/__name__/values", "") }
            if !metrics.isEmpty { self.metrics = metrics }
            return Completion(place.prefix, among: metrics + Function.table.keys + Self.words)
        case .label(let metric): return Completion(place.prefix, among: await list("/api/v1/labels", metric).filter { $0 != "__name__" })
        case .value(let label, let metric): return Completion(place.prefix, among: await list("/api/v1/label/\(label.percentEncoded)/values", metric))
        }
    }

    private func list(_ path: String, _ metric: String) async -> [String] {
        let condition = metric.isEmpty ? "" : "&match[]=\(metric.percentEncoded)"
        guard let answer = try? await HTTPClient().send("GET", try client.address("\(path)?limit=\(Self.limit)\(condition)"), timeout: .seconds(3)),
            let document = try? JSON.parse(answer.body)
        else { return [] }
        return document["data"].elements.compactMap(\.string)
    }
}
