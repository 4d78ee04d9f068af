import HTTP
import JSON

/// Answers in Elasticsearch's form: the header without which its clients do not talk, and the media type that they ask for.
enum ElasticAnswer {
    static func dressed(_ response: HTTPResponse, for request: HTTPRequest) -> HTTPResponse {
        var response = response
        response.fields["X-Elastic-Product"] = "Elasticsearch"
        if let version = compatibility(request), response.fields["Content-Type"] == "application/json" {
            response.fields["Content-Type"] = "application/vnd.elasticsearch+json;compatible-with=\(version)"
        }
        return response
    }

    /// N of `application/vnd.elasticsearch+json; compatible-with=N` in Accept or Content-Type.
    static func compatibility(_ request: HTTPRequest) -> Int? {
        for name in ["Accept", "Content-Type"] {
            let media = MediaType(request.fields[name])
            if media.type.hasPrefix("application/vnd.elasticsearch+"), let number = media.parameters["compatible-with"].flatMap({ Int($0) }) { return number }
        }
        return nil
    }

    static func error(_ status: Int, _ type: String, _ reason: String) -> HTTPResponse {
        let cause: JSON = ["type": .string(type), "reason": .string(reason)]
        return .json(["error": ["root_cause": [cause], "type": .string(type), "reason": .string(reason)], "status": JSON(status)], status: status)
    }

    static func refusal(_ error: IngestError) -> HTTPResponse {
        let type =
            switch error.status {
            case 429: "es_rejected_execution_exception"
            case 413: "content_too_long_exception"
            case 500...: "unavailable_shards_exception"
            default: "illegal_argument_exception"
            }
        var response = self.error(error.status, type, error.reason)
        if let seconds = error.retryAfter { response.fields["Retry-After"] = "\(seconds)" }
        return response
    }

    // MARK: Filters

    /// What `filter_path` leaves of a document: paths with `*` for one name and `**` for any, `-` in front to leave out.
    static func filtered(_ document: JSON, _ request: HTTPRequest) -> JSON {
        guard let text = request.parameter("filter_path"), !text.isEmpty else { return document }
        let paths = text.split(separator: ",").prefix(64).map(String.init)
        let included = paths.filter { !$0.hasPrefix("-") }.map { $0.split(separator: ".").map(String.init) }
        let excluded = paths.filter { $0.hasPrefix("-") }.map { $0.dropFirst().split(separator: ".").map(String.init) }
        var result = document
        if !included.isEmpty { result = keep(result, included) ?? .object(JSONObject()) }
        for path in excluded { result = drop(result, path) }
        return result
    }

    /// Nil if nothing is left. Elements of lists share their list's path.
    private static func keep(_ value: JSON, _ paths: [[String]]) -> JSON? {
        if paths.contains([]) || paths.contains(["**"]) { return value }
        switch value {
        case .object(let members):
            var kept = JSONObject()
            for (name, member) in members {
                var deeper: [[String]] = []
                for path in paths {
                    guard let first = path.first else { continue }
                    if first == "**" {
                        deeper.append(path)
                        if path.count > 1, matches(name, path[1]) { deeper.append(Array(path.dropFirst(2))) }
                    } else if matches(name, first) {
                        deeper.append(Array(path.dropFirst()))
                    }
                }
                if !deeper.isEmpty, let value = keep(member, deeper) { kept[name] = value }
            }
            return kept.isEmpty ? nil : .object(kept)
        case .array(let elements):
            let kept = elements.compactMap { keep($0, paths) }
            return kept.isEmpty ? nil : .array(kept)
        default: return nil
        }
    }

    private static func drop(_ value: JSON, _ path: [String]) -> JSON {
        guard let first = path.first else { return value }
        switch value {
        case .object(let members):
            var kept = JSONObject()
            for (name, member) in members {
                guard matches(name, first) else {
                    kept[name] = member
                    continue
                }
                if path.count > 1 { kept[name] = drop(member, Array(path.dropFirst())) }
            }
            return .object(kept)
        case .array(let elements): return .array(elements.map { drop($0, path) })
        default: return value
        }
    }

    /// With `*` for any run of characters.
    private static func matches(_ name: String, _ pattern: String) -> Bool {
        guard pattern.contains("*") else { return name == pattern }
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
        var rest = Substring(name)
        for (index, part) in parts.enumerated() {
            if index == 0 {
                guard rest.hasPrefix(part) else { return false }
                rest = rest.dropFirst(part.count)
            } else if index == parts.count - 1 {
                return rest.hasSuffix(part)
            } else if !part.isEmpty {
                guard let place = rest.firstRange(of: part) else { return false }
                rest = rest[place.upperBound...]
            }
        }
        return true
    }
}
