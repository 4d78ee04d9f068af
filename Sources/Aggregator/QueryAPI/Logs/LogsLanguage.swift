import LogQL
import LogStore
import Telemetry

/// The languages in which lines can be asked for, turned into what the source can tell and a pipeline for the rest.
enum LogsLanguage {
    static func logQL(_ text: String, _ query: LogsQuery) throws(LogsRequestError) -> LogsQuery {
        guard !text.isEmpty else { return query }
        do throws(LogQLError) {
            return try plan(try LogExpression.parse(text), query)
        } catch {
            throw LogsRequestError(parameter: "q", problem: error.message, hint: "docs/logql.md describes the language")
        }
    }

    static func words(_ text: String, _ query: LogsQuery) throws(LogsRequestError) -> LogsQuery {
        guard !text.isEmpty else { return query }
        do throws(LogQLError) {
            return try plan(try LogExpression.parse(text), query)
        } catch {
            throw LogsRequestError(parameter: "q", problem: error.message, hint: "write words, \"phrases\", -without, pod:name, level:warn+")
        }
    }

    private static func plan(_ expression: LogExpression, _ query: LogsQuery) throws(LogQLError) -> LogsQuery {
        guard case .lines(let pipeline) = expression else {
            throw LogQLError(.syntax, "this query asks for numbers; here lines are searched (numbers are at /loki/api/v1/query_range)")
        }
        var query = query
        query.text = "\(expression)"
        query.selection.matchers += pipeline.matchers
        return query
    }

    /// Kubernetes' way of writing a selector (`app=web,tier!=test`) as conditions on labels.
    static func selector(_ text: String) -> String {
        text.split(separator: ",").map { part -> String in
            for symbol in ["!=", "==", "="] {
                guard let range = part.firstRange(of: symbol) else { continue }
                let value = part[range.upperBound...].filter { $0 != "\"" }
                return "\(part[..<range.lowerBound])\(symbol == "!=" ? "!=" : "=")\"\(value)\""
            }
            return part.hasPrefix("!") ? "\(part.dropFirst())=\"\"" : "\(part)!=\"\""
        }.joined(separator: ",")
    }
}
