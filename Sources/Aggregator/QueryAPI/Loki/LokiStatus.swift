import HTTP
import JSON
import LogQL
import Telemetry

/// What clients ask besides lines: what this is, whether it works, its rules; and deletion.
extension LokiAPI {
    func registerStatus(on router: inout HTTPRouter) {
        let version = options.version
        router.on("GET", "/loki/api/v1/status/buildinfo") { _, _ in
            .json(["version": JSON(version), "revision": "binnacle", "branch": "", "buildDate": "", "buildUser": "", "goVersion": ""])
        }
        router.on("GET", "/ready") { _, _ in .text("ready\n") }
        router.on("GET", "/services") { _, _ in .text("querier => Running\n") }
        // Grafana asks for this first and takes an error of 400 as a hint that an older API is spoken.
        router.on("GET", "/loki/api/v2alpha/tail") { _, _ in .text("404 page not found\n", status: 404) }
        // Rules over logs are not evaluated here yet: an empty list, in both forms.
        router.on("GET", "/loki/api/v1/rules") { _, _ in HTTPResponse(fields: ["Content-Type": "application/yaml"], body: .bytes(Array("{}\n".utf8))) }
        router.on("GET", "/prometheus/api/v1/rules") { _, _ in Self.success(["groups": []]) }
        router.on("GET", "/prometheus/api/v1/alerts") { _, _ in Self.success(["alerts": []]) }
    }

    // MARK: Deletion

    private func store() throws(LokiError) -> any LogDeletion {
        guard let deletion else { throw LokiError(501, "this store cannot delete lines by query") }
        return deletion
    }

    /// A selector with line filters chooses what is removed; other stages cannot be told from the stored line.
    func requestDeletion(_ parameters: LokiParameters) async throws -> HTTPResponse {
        let store = try store()
        let text = try parameters.query()
        guard let start = try parameters.time("start") else { throw LokiError.bad("start", "it is missing; a deletion says from when on") }
        let end = try parameters.time("end") ?? parameters.now
        guard start < end else { throw LokiError.bad("end", "it does not lie after the start") }
        guard case .lines(let pipeline) = try Self.parse(text) else { throw LokiError.bad("query", "a metric query chooses no lines") }
        let runner = try LogPipelineRunner(pipeline, now: parameters.now)
        guard runner.isTrivial, runner.leftOut.isEmpty else { throw LokiError.bad("query", "only line filters may follow the selector of a deletion") }
        guard !pipeline.matchers.isEmpty else { throw LokiError.bad("query", "a deletion names its streams: write a selector that is not empty") }
        _ = try await store.delete(runner.selection(start..<end), query: text)
        return HTTPResponse(status: 204)
    }

    func listDeletions() async throws -> HTTPResponse {
        let rows = try await store().deletions().map { request -> JSON in
            [
                "request_id": JSON(request.id), "start_time": Self.seconds(request.range.lowerBound), "end_time": Self.seconds(request.range.upperBound),
                "query": JSON(request.query), "status": request.isDone ? "processed" : "received", "created_at": Self.seconds(request.created),
            ]
        }
        return .json(.array(rows))
    }

    func cancelDeletion(_ parameters: LokiParameters) async throws -> HTTPResponse {
        let id = try parameters.query("request_id")
        guard try await store().cancelDeletion(id) else { throw LokiError(404, "there is no request \(id) that could still be cancelled") }
        return HTTPResponse(status: 204)
    }
}
