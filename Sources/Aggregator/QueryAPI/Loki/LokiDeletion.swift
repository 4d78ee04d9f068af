import HTTP
import JSON
import LogQL
import Telemetry

/// Removal of lines by query: asked for, tried without effect (`dry_run`), listed, taken back.
extension LokiAPI {
    func registerDeletion(on router: inout HTTPRouter) {
        on(&router, "POST PUT", "delete") { api, parameters, _ in try await api.requestDeletion(parameters) }
        on(&router, "GET", "delete") { api, _, _ in try await api.listDeletions() }
        on(&router, "DELETE", "delete") { api, parameters, _ in try await api.cancelDeletion(parameters) }
    }

    private func access() throws(LokiError) -> LogDeletionAccess {
        guard let deletion else { throw LokiError(501, "this store cannot delete lines by query") }
        return deletion
    }

    /// The store, for a request that may delete.
    private func store(for request: HTTPRequest) throws(LokiError) -> any LogDeleting {
        let access = try access()
        if let reason = access.refusal(request) { throw LokiError(403, reason) }
        return access.store
    }

    /// A selector with line filters chooses what is removed; other stages cannot be told from the stored line.
    private func requestDeletion(_ parameters: LokiParameters) async throws -> HTTPResponse {
        let store = try store(for: parameters.request)
        let text = try parameters.query()
        guard let start = try parameters.time("start") else { throw LokiError.bad("start", "it is missing; a deletion says from when on") }
        let end = try parameters.time("end") ?? parameters.now
        guard start < end else { throw LokiError.bad("end", "it does not lie after the start") }
        guard case .lines(let pipeline) = try Self.parse(text) else { throw LokiError.bad("query", "a metric query chooses no lines") }
        let runner = try LogPipelineRunner(pipeline, now: parameters.now)
        guard runner.isTrivial, runner.leftOut.isEmpty else { throw LokiError.bad("query", "only line filters may follow the selector of a deletion") }
        guard !pipeline.matchers.isEmpty else { throw LokiError.bad("query", "a deletion names its streams: write a selector that is not empty") }
        let selection = runner.selection(start..<end)
        if parameters.request.parameter("dry_run") == "true" { return .json(["lines": JSON(try await store.preview(selection))]) }
        _ = try await store.delete(selection)
        return HTTPResponse(status: 204)
    }

    private func listDeletions() async throws -> HTTPResponse {
        let rows = try await access().store.deletions().map { request -> JSON in
            [
                "request_id": JSON(request.id), "start_time": Self.seconds(request.range.lowerBound), "end_time": Self.seconds(request.range.upperBound),
                "query": JSON(request.query), "status": request.isDone ? "processed" : "received", "created_at": Self.seconds(request.created),
                "deleted_lines": .integer(request.lines),
            ]
        }
        return .json(.array(rows))
    }

    private func cancelDeletion(_ parameters: LokiParameters) async throws -> HTTPResponse {
        let store = try store(for: parameters.request)
        let id = try parameters.query("request_id")
        guard try await store.cancelDeletion(id) else { throw LokiError(404, "there is no request \(id) that could still be cancelled") }
        return HTTPResponse(status: 204)
    }
}
