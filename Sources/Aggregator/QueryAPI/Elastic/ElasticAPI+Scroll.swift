import JSON
import LogQL

/// Going on with a search: nothing is kept between the requests, the id holds all.
extension ElasticAPI {
    func scroll(_ request: ElasticRequest) async throws -> JSON {
        guard let text = request.body["scroll_id"].string ?? request.parameters["scroll_id"] ?? request.segments["id"] else {
            throw ElasticError.illegal("scrollId is missing")
        }
        let state = try ElasticState(text)
        var request = request
        request.indices = state.indices
        request.until = state.until
        request.parameters = ["ignore_unavailable": "true"]
        guard let cursor = state.cursor else {
            return [
                "_scroll_id": JSON(text), "took": 0, "timed_out": false, "_shards": ElasticSearch.shards(LogStatistics()),
                "hits": ["max_score": nil, "hits": []],
            ]
        }
        var answer = try await run(state.body, request, after: cursor)
        answer.document["_scroll_id"] = JSON(ElasticState(indices: state.indices, until: state.until, body: state.body, cursor: answer.last).text)
        return .object(answer.document)
    }

    func openPointInTime(_ request: ElasticRequest) async throws -> JSON {
        try await checkExistence(request)
        return ["id": JSON(ElasticState(indices: request.indices, until: request.now, body: [:], cursor: nil).text)]
    }
}
