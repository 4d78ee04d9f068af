import JSON
import LogQL
import Telemetry

/// Removal of documents, for those who may.
extension ElasticAPI {
    /// The store, for a request that may delete.
    private func store(for request: ElasticRequest) throws(ElasticError) -> any LogDeleting {
        guard let deletion else { throw ElasticError(501, "unsupported_operation_exception", "this store cannot delete by query") }
        if let reason = deletion.refusal(request.request) { throw ElasticError(403, "security_exception", reason) }
        return deletion.store
    }

    /// Only what a store can tell from streams, time and parts of the line; what needs a look at each document is refused.
    func deleteByQuery(_ request: ElasticRequest) async throws -> JSON {
        let store = try store(for: request)
        let start = ContinuousClock.now
        let search = try ElasticSearch(request.body, parameters: request.parameters, indices: request.indices, now: request.now)
        try await checkExistence(request)
        let plan = try ElasticPlan(search.query, indices: request.indices)
        guard plan.remainder == nil else {
            throw ElasticError.illegal("only ranges of @timestamp can be deleted here; Loki's delete takes selectors and line filters")
        }
        let total = try await delete(plan.selection, from: store)
        return [
            "took": .integer((ContinuousClock.now - start).wholeMilliseconds), "timed_out": false, "total": JSON(total), "deleted": JSON(total),
            "batches": 1, "version_conflicts": 0, "noops": 0, "failures": [],
        ]
    }

    /// All documents of an index. Its name stays known while the store remembers its streams.
    func deleteIndex(_ request: ElasticRequest) async throws -> JSON {
        let store = try store(for: request)
        let names = request.indices.exactNames
        guard !names.isEmpty, !request.indices.text.contains("*") else {
            throw ElasticError.illegal("Wildcard expressions or all indices are not allowed")
        }
        try await checkExistence(request)
        _ = try await delete(LogSelection(try request.indices.matchers(), in: Int64.min..<Int64.max), from: store)
        return ["acknowledged": true]
    }

    /// How many it were. Without any the store keeps no request.
    private func delete(_ selection: LogSelection, from store: any LogDeleting) async throws -> Int {
        do {
            let count = try await store.preview(selection)
            if count > 0 { _ = try await store.delete(selection) }
            return count
        } catch let error as LogDeletionError {
            throw ElasticError(error.status, error.status == 429 ? "es_rejected_execution_exception" : "illegal_argument_exception", error.message)
        }
    }
}
