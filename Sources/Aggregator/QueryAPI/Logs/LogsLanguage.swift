import LogQL
import LogStore
import Telemetry

/// The languages in which lines can be asked for, turned into what the source can tell and a pipeline for the rest.
enum LogsLanguage {
    /// - Parameter now: nanoseconds since 1970, for templates.
    static func logQL(_ text: String, _ range: Range<Int64>, now: Int64, allowsWhole: Bool = false) throws(LogsRequestError) -> LogsQuery {
        do throws(LogQLError) {
            return try plan(try LogExpression.parse(text), range, now, allowsWhole)
        } catch {
            throw LogsRequestError(parameter: "q", problem: error.message, hint: "docs/logql.md describes the language")
        }
    }

    static func words(_ text: String, _ range: Range<Int64>, now: Int64, allowsWhole: Bool = false) throws(LogsRequestError) -> LogsQuery {
        do throws(LogQLError) {
            return try plan(try LogExpression.parseWords(text), range, now, allowsWhole)
        } catch {
            throw LogsRequestError(parameter: "q", problem: error.message, hint: "write words, \"phrases\", -without, pod:name, level:warn+")
        }
    }

    private static func plan(_ expression: LogExpression, _ range: Range<Int64>, _ now: Int64, _ allowsWhole: Bool) throws(LogQLError) -> LogsQuery {
        guard case .lines(let pipeline) = expression else {
            throw LogQLError(.syntax, "this query asks for numbers; here lines are searched (numbers are at /loki/api/v1/query_range)")
        }
        let runner = try LogPipelineRunner(pipeline, now: now)
        if let stage = runner.leftOut.first, !allowsWhole {
            throw LogQLError(.syntax, "the stage \(stage) looks at an answer as a whole; only a search for lines knows it")
        }
        return LogsQuery(
            selection: runner.selection(range), runner: runner.isTrivial ? nil : runner, text: "\(expression)", whole: runner.leftOut.isEmpty ? nil : pipeline)
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
