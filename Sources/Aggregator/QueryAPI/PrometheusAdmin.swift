import HTTP
import JSON
import PromQL
import Telemetry

/// `/admin/tsdb/*`, which change what is stored, and `/query_exemplars`.
extension PrometheusAPI {
    func registerAdmin(on router: inout HTTPRouter) {
        on(&router, "POST PUT", "admin/tsdb/delete_series") { request, _ async throws(QueryError) in
            let admin = try requiredAdmin()
            let sets = try selectors(request, isRequired: true)
            // Without bounds all that a series ever had.
            let from = try time(request, "start") ?? Timestamp(milliseconds: .min / 2)
            let through = try time(request, "end") ?? Timestamp(milliseconds: .max / 2)
            guard through >= from else { throw QueryError(.badData, "invalid parameter \"end\": end timestamp must not be before start time") }
            try await reading { () async throws in try await admin.deleteSeries(sets, from: from, through: through) }
            return .empty
        }
        on(&router, "POST PUT", "admin/tsdb/clean_tombstones") { _, _ async throws(QueryError) in
            let admin = try requiredAdmin()
            try await reading { () async throws in try await admin.cleanTombstones() }
            return .empty
        }
        on(&router, "POST PUT", "admin/tsdb/snapshot") { request, _ async throws(QueryError) in
            let admin = try requiredAdmin()
            let text = request.parameter("skip_head") ?? "false"
            guard ["", "true", "false", "0", "1"].contains(text) else {
                throw QueryError(.badData, "invalid parameter \"skip_head\": \"\(text)\" is neither true nor false")
            }
            let name = try await reading { () async throws in try await admin.snapshot(skippingHead: text == "true" || text == "1") }
            return .success(["name": .string(name)])
        }
        on(&router, "GET POST", "query_exemplars") { request, _ async throws(QueryError) in try await exemplars(request) }
    }

    private func requiredAdmin() throws(QueryError) -> any StorageAdmin {
        guard let admin = providers.admin else { throw QueryError(.unavailable, "admin APIs disabled") }
        return admin
    }

    private func exemplars(_ request: HTTPRequest) async throws(QueryError) -> Answer {
        let (from, through) = try span(request)
        let sets = try parsedQuery(request).selectors.map(\.matchers)
        guard let provider = providers.exemplars, !sets.isEmpty else { return .success([]) }
        let found = try await reading { () async throws in try await provider.exemplars(sets, from: from, through: through) }
        return .success(
            .array(
                found.map { series in
                    [
                        "seriesLabels": Self.document(series.labels),
                        "exemplars": .array(
                            series.exemplars.map {
                                [
                                    "labels": Self.document($0.labels), "value": .string(NumberText.string($0.value)),
                                    "timestamp": .number($0.timestamp.seconds),
                                ]
                            }),
                    ]
                }))
    }
}

extension Expression {
    /// All selectors in the expression.
    var selectors: [Selector] {
        switch node {
        case .number, .string: []
        case .selector(let selector): [selector]
        case .range(let range): [range.selector]
        case .subquery(let subquery): subquery.inner.selectors
        case .call(_, let arguments): arguments.flatMap(\.selectors)
        case .aggregation(let aggregation): (aggregation.parameter?.selectors ?? []) + aggregation.inner.selectors
        case .unary(_, let inner), .parentheses(let inner): inner.selectors
        case .binary(let binary): binary.left.selectors + binary.right.selectors
        }
    }
}
