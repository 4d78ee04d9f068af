import JSON

/// Reads the query part of a body.
struct ElasticQueryParser {
    /// Deeper nesting is refused, so that no body exhausts the stack.
    private static let maximumDepth = 64

    let time: ElasticTime
    private var depth = 0

    init(time: ElasticTime) { self.time = time }

    mutating func parse(_ document: JSON) throws(ElasticError) -> ElasticQuery {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else { throw .parsing("queries are nested deeper than \(Self.maximumDepth)") }
        guard let object = document.object, let (name, body) = object.first(where: { _ in true }) else {
            throw .parsing("a query is an object with one member, such as {\"match_all\":{}}")
        }
        guard object.count == 1 else { throw .parsing("[\(name)] malformed query, expected [END_OBJECT] but found [FIELD_NAME]") }
        switch name {
        case "match_all": return .all
        case "match_none": return .none
        case "term", "match", "match_phrase", "match_phrase_prefix", "prefix", "wildcard", "regexp", "range", "fuzzy":
            return try ofField(name, body)
        case "terms":
            guard let (field, values) = body.members.first(where: { $0.key != "boost" }), let list = values.array else {
                throw .parsing("[terms] query requires a field name and an array")
            }
            return Self.terms(field, list.map { Self.text($0) })
        case "multi_match": return try multiMatch(body)
        case "exists":
            guard let field = body["field"].string else { throw .parsing("[exists] must be provided with a [field]") }
            return .exists(field)
        case "ids": return .ids(Set(body["values"].elements.map { Self.text($0) }))
        case "bool": return try boolean(body)
        case "query_string", "simple_query_string": return try queryString(name, body)
        case "constant_score": return try parse(body["filter"])
        case "function_score", "script_score": return body["query"].isNull ? .all : try parse(body["query"])
        case "boosting": return try parse(body["positive"])
        case "dis_max":
            var queries: [ElasticQuery] = []
            for query in body["queries"].elements { queries.append(try parse(query)) }
            return .or(queries)
        default: throw .parsing("unknown query [\(name)]")
        }
    }

    static func text(_ value: JSON) -> String { value.string ?? value.description }

    static func terms(_ field: String, _ values: [String]) -> ElasticQuery { field == "_id" ? .ids(Set(values)) : .terms(field, values) }

    private mutating func list(_ document: JSON) throws(ElasticError) -> [ElasticQuery] {
        var queries: [ElasticQuery] = []
        for query in document.array ?? (document.isNull ? [] : [document]) { queries.append(try parse(query)) }
        return queries
    }

    private mutating func boolean(_ body: JSON) throws(ElasticError) -> ElasticQuery {
        for (name, _) in body.members
        where !["must", "filter", "should", "must_not", "minimum_should_match", "boost", "adjust_pure_negative", "_name"].contains(name) {
            throw .parsing("[bool] query does not support [\(name)]")
        }
        let must = try list(body["must"]) + list(body["filter"])
        let should = try list(body["should"])
        let fallback = must.isEmpty && !should.isEmpty ? 1 : 0
        let minimum = try Self.minimum(body["minimum_should_match"], of: should.count) ?? fallback
        return .bool(must: must, should: should, mustNot: try list(body["must_not"]), minimumShould: minimum)
    }

    /// `2`, `-1`, `75%` or `-25%` of so many clauses.
    private static func minimum(_ value: JSON, of count: Int) throws(ElasticError) -> Int? {
        guard !value.isNull else { return nil }
        let text = text(value)
        if let number = Int(text) { return number < 0 ? max(0, count + number) : number }
        if text.hasSuffix("%"), let percent = Int(text.dropLast()) {
            let share = count * abs(percent) / 100
            return percent < 0 ? count - share : share
        }
        throw .parsing("[minimum_should_match] is [\(text)], which is neither a number nor a percentage")
    }

    private mutating func ofField(_ name: String, _ body: JSON) throws(ElasticError) -> ElasticQuery {
        guard let (field, given) = body.members.first(where: { $0.key != "boost" && $0.key != "_name" }) else {
            throw .parsing("[\(name)] query requires a field name")
        }
        func value(_ keys: String...) -> String {
            for key in keys where !given[key].isNull { return Self.text(given[key]) }
            return given.object == nil ? Self.text(given) : ""
        }
        let ignoresCase = given["case_insensitive"].bool ?? false
        switch name {
        case "term":
            guard !ignoresCase else {
                return .fits(field, try ElasticQuery.wildcard(value("value").replacing("*", with: "\\*").replacing("?", with: "\\?"), ignoringCase: true))
            }
            return Self.terms(field, [value("value")])
        case "match":
            let text = value("query")
            guard ElasticDocument.plain(field) == field else { return Self.terms(field, [text]) }
            let words = ElasticWords.split(text)
            let isAnd = given["operator"].string?.lowercased() == "and"
            return .words(
                field, words, minimum: try Self.minimum(given["minimum_should_match"], of: words.count) ?? (isAnd ? words.count : min(1, words.count)))
        case "fuzzy": return .words(field, ElasticWords.split(value("value")), minimum: 1)
        case "match_phrase": return .phrase(field, ElasticWords.split(value("query")), isPrefix: false)
        case "match_phrase_prefix": return .phrase(field, ElasticWords.split(value("query")), isPrefix: true)
        case "prefix":
            return .fits(
                field, try ElasticQuery.wildcard(value("value").replacing("*", with: "\\*").replacing("?", with: "\\?") + "*", ignoringCase: ignoresCase))
        case "wildcard": return .fits(field, try ElasticQuery.wildcard(value("value", "wildcard"), ignoringCase: ignoresCase))
        case "regexp": return .fits(field, try ElasticQuery.pattern("(?s:\(value("value")))", ignoringCase: ignoresCase))
        default: return .range(field, try range(field, given))
        }
    }

    private func range(_ field: String, _ given: JSON) throws(ElasticError) -> ElasticRange {
        var range = ElasticRange()
        var time = time
        if let zone = given["time_zone"].string { time.zone = try ElasticTime.zone(zone) }
        let isTime = field == "@timestamp"
        func bound(_ value: JSON, isIncluded: Bool, roundsUp: Bool) throws(ElasticError) -> ElasticRange.Bound? {
            guard !value.isNull else { return nil }
            let text = Self.text(value)
            let moment = isTime ? try time.parse(text, roundsUp: roundsUp, format: given["format"].string) : nil
            return ElasticRange.Bound(text: text, isIncluded: isIncluded, time: moment)
        }
        for (name, value) in given.members {
            switch name {
            case "gte": range.lower = try bound(value, isIncluded: true, roundsUp: false)
            case "gt": range.lower = try bound(value, isIncluded: false, roundsUp: true)
            case "lte": range.upper = try bound(value, isIncluded: true, roundsUp: true)
            case "lt": range.upper = try bound(value, isIncluded: false, roundsUp: false)
            // The ways of older versions.
            case "from": range.lower = try bound(value, isIncluded: given["include_lower"].bool ?? true, roundsUp: false)
            case "to": range.upper = try bound(value, isIncluded: given["include_upper"].bool ?? true, roundsUp: true)
            case "format", "time_zone", "boost", "relation", "include_lower", "include_upper", "_name": break
            default: throw .parsing("[range] query does not support [\(name)]")
            }
        }
        return range
    }

    private func multiMatch(_ body: JSON) throws(ElasticError) -> ElasticQuery {
        let words = ElasticWords.split(Self.text(body["query"]))
        let isPhrase = body["type"].string?.hasPrefix("phrase") == true
        let minimum = body["operator"].string?.lowercased() == "and" ? words.count : min(1, words.count)
        let fields = body["fields"].elements.compactMap(\.string).map { String($0.prefix { $0 != "^" }) }
        let names: [String?] = fields.isEmpty || fields.contains("*") ? [nil] : fields
        return .or(
            names.map { name in
                isPhrase
                    ? .phrase(name, words, isPrefix: body["type"] == "phrase_prefix") : .words(name, words, minimum: minimum)
            })
    }

    private func queryString(_ name: String, _ body: JSON) throws(ElasticError) -> ElasticQuery {
        guard let text = body["query"].string else { throw .parsing("[\(name)] must be provided with a [query]") }
        let fields = body["fields"].elements.compactMap(\.string).map { String($0.prefix { $0 != "^" }) }
        let field = body["default_field"].string ?? (fields.isEmpty ? "message" : fields.count == 1 ? fields[0] : nil)
        var parser = QueryStringParser(
            text, field: field == "*" ? nil : field, isAnd: body["default_operator"].string?.lowercased() == "and", time: time,
            isSimple: name == "simple_query_string")
        return try parser.parse()
    }
}
