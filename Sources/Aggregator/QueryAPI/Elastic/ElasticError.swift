import HTTP
import JSON

/// A refusal in Elasticsearch's form: `{"error":{"root_cause":[…],"type","reason"},"status"}`.
struct ElasticError: Error, Hashable {
    var status: Int
    var type: String
    var reason: String

    init(_ status: Int, _ type: String, _ reason: String) {
        self.status = status
        self.type = type
        self.reason = reason
    }

    /// The query, the aggregation or another part of a body is not understood.
    static func parsing(_ reason: String) -> ElasticError { ElasticError(400, "parsing_exception", reason) }
    static func illegal(_ reason: String) -> ElasticError { ElasticError(400, "illegal_argument_exception", reason) }
    static func noIndex(_ name: String) -> ElasticError { ElasticError(404, "index_not_found_exception", "no such index [\(name)]") }

    var document: JSON {
        let cause: JSON = ["type": JSON(type), "reason": JSON(reason)]
        return ["error": ["root_cause": [cause], "type": JSON(type), "reason": JSON(reason)], "status": JSON(status)]
    }
}
