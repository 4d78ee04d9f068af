import JSON
import Pattern

/// One aggregation as asked for, with those inside it.
struct ElasticAggregation: Sendable {
    enum Metric: String, Sendable {
        case min, max, sum, avg, stats, valueCount = "value_count", cardinality, percentiles
    }
    enum Interval: Sendable {
        /// Nanoseconds.
        case fixed(Int64)
        /// The letter of a unit of the calendar.
        case calendar(Character)
    }
    struct Span: Sendable {
        var key: String?
        var from: Double?
        var to: Double?
    }
    enum Kind: Sendable {
        case dateHistogram(field: String, Interval, offset: Int64, isKeyed: Bool, minimumCount: Int, bounds: ClosedRange<Int64>?)
        case histogram(field: String, interval: Double, offset: Double, minimumCount: Int)
        case terms(
            field: String, size: Int, order: [(key: String, isAscending: Bool)], missing: String?, include: Pattern?, exclude: Pattern?, minimumCount: Int)
        case filter(ElasticQuery)
        case filters([(name: String?, query: ElasticQuery)], other: String?)
        case range(field: String, [Span], isDate: Bool, isKeyed: Bool)
        case missing(field: String)
        case global
        case metric(Metric, field: String, missing: Double?, percents: [Double])
        case topHits(size: Int)
    }

    var name: String
    var kind: Kind
    /// Of a date histogram.
    var time: ElasticTime
    var inner: [ElasticAggregation]
}

/// Reads `aggs`.
struct ElasticAggregationParser {
    private static let maximumDepth = 16

    let time: ElasticTime

    func parse(_ document: JSON, depth: Int = 0) throws(ElasticError) -> [ElasticAggregation] {
        guard depth < Self.maximumDepth else { throw .parsing("aggregations are nested deeper than \(Self.maximumDepth)") }
        var aggregations: [ElasticAggregation] = []
        for (name, body) in document.members {
            let inner = try parse(body["aggs"].isNull ? body["aggregations"] : body["aggs"], depth: depth + 1)
            guard let (type, given) = body.members.first(where: { !["aggs", "aggregations", "meta"].contains($0.key) }) else {
                throw .parsing("Missing definition for aggregation [\(name)]")
            }
            var time = time
            if let zone = given["time_zone"].string { time.zone = try ElasticTime.zone(zone) }
            aggregations.append(ElasticAggregation(name: name, kind: try kind(type, given, time), time: time, inner: inner))
        }
        return aggregations
    }

    private func kind(_ type: String, _ given: JSON, _ time: ElasticTime) throws(ElasticError) -> ElasticAggregation.Kind {
        func field() throws(ElasticError) -> String {
            guard let field = given["field"].string else { throw .illegal("Required one of fields [field, script], but none were specified in [\(type)]") }
            return field
        }
        switch type {
        case "date_histogram": return try dateHistogram(try field(), given, time)
        case "histogram":
            guard let interval = given["interval"].double, interval > 0 else { throw .illegal("[interval] must be >0 for histogram aggregation") }
            return .histogram(
                field: try field(), interval: interval, offset: given["offset"].double ?? 0, minimumCount: given["min_doc_count"].int ?? 0)
        case "terms", "rare_terms", "significant_terms": return try terms(try field(), given)
        case "filter":
            var parser = ElasticQueryParser(time: time)
            return .filter(try parser.parse(given))
        case "filters": return try filters(given, time)
        case "range", "date_range": return try ranges(type, try field(), given, time)
        case "missing": return .missing(field: try field())
        case "global": return .global
        case "top_hits": return .topHits(size: min(100, given["size"].int ?? 3))
        default:
            guard let metric = ElasticAggregation.Metric(rawValue: type == "extended_stats" ? "stats" : type) else {
                throw .parsing("Unknown aggregation type [\(type)]")
            }
            let percents = given["percents"].elements.compactMap(\.double)
            return .metric(
                metric, field: try field(), missing: given["missing"].double, percents: percents.isEmpty ? [1, 5, 25, 50, 75, 95, 99] : percents)
        }
    }

    private func dateHistogram(_ field: String, _ given: JSON, _ time: ElasticTime) throws(ElasticError) -> ElasticAggregation.Kind {
        let text = ["fixed_interval", "calendar_interval", "interval"].lazy.compactMap { given[$0].string }.first
        guard let text else { throw .illegal("Required one of fields [interval, calendar_interval, fixed_interval], but none were specified.") }
        var bounds: ClosedRange<Int64>?
        let (low, high) = (given["extended_bounds"]["min"], given["extended_bounds"]["max"])
        if !low.isNull, !high.isNull {
            let (from, through) = (try time.parse(ElasticQueryParser.text(low)), try time.parse(ElasticQueryParser.text(high), roundsUp: true))
            guard from <= through else { throw .illegal("[extended_bounds.min][\(low)] cannot be greater than [extended_bounds.max][\(high)]") }
            bounds = from...through
        }
        let offset = try given["offset"].string.map { text throws(ElasticError) -> Int64 in
            let isNegative = text.hasPrefix("-")
            guard let length = LokiParameters.parseDuration(text.filter { $0 != "+" && $0 != "-" }) else {
                throw .illegal("[offset] is [\(text)], which is no duration")
            }
            return isNegative ? -length : length
        }
        return .dateHistogram(
            field: field, try Self.interval(text), offset: offset ?? 0, isKeyed: given["keyed"].bool ?? false,
            minimumCount: given["min_doc_count"].int ?? 0, bounds: bounds)
    }

    static func interval(_ text: String) throws(ElasticError) -> ElasticAggregation.Interval {
        let units: [String: Character] = [
            "minute": "m", "1m": "m", "hour": "h", "1h": "h", "day": "d", "1d": "d", "week": "w", "1w": "w", "month": "M", "1M": "M", "quarter": "q",
            "1q": "q", "year": "y", "1y": "y", "second": "s", "1s": "s",
        ]
        if let unit = units[text] { return .calendar(unit) }
        guard let length = LokiParameters.parseDuration(text), length > 0 else { throw .illegal("The supplied interval [\(text)] could not be parsed") }
        return .fixed(length)
    }

    private func terms(_ field: String, _ given: JSON) throws(ElasticError) -> ElasticAggregation.Kind {
        var order: [(key: String, isAscending: Bool)] = []
        for part in given["order"].array ?? (given["order"].isNull ? [] : [given["order"]]) {
            for (key, value) in part.members { order.append((key, value.string == "asc")) }
        }
        func pattern(_ value: JSON) throws(ElasticError) -> Pattern? {
            if let list = value.array {
                return try ElasticQuery.pattern(list.map { ElasticPlan.quoted(ElasticQueryParser.text($0)) }.joined(separator: "|"))
            }
            guard let text = value.string else { return nil }
            return try ElasticQuery.pattern(text)
        }
        let size = given["size"].int ?? 10
        guard size > 0 else { throw .illegal("[size] must be greater than 0. Found [\(size)] in [terms]") }
        return .terms(
            field: field, size: size, order: order.isEmpty ? [("_count", false)] : order,
            missing: given["missing"].isNull ? nil : ElasticQueryParser.text(given["missing"]), include: try pattern(given["include"]),
            exclude: try pattern(given["exclude"]), minimumCount: given["min_doc_count"].int ?? 1)
    }

    private func filters(_ given: JSON, _ time: ElasticTime) throws(ElasticError) -> ElasticAggregation.Kind {
        var list: [(name: String?, query: ElasticQuery)] = []
        if let queries = given["filters"].array {
            for query in queries {
                var parser = ElasticQueryParser(time: time)
                list.append((nil, try parser.parse(query)))
            }
        } else {
            for (name, query) in given["filters"].members {
                var parser = ElasticQueryParser(time: time)
                list.append((name, try parser.parse(query)))
            }
        }
        let other = given["other_bucket_key"].string ?? (given["other_bucket"] == true ? "_other_" : nil)
        return .filters(list, other: other)
    }

    private func ranges(_ type: String, _ field: String, _ given: JSON, _ time: ElasticTime) throws(ElasticError) -> ElasticAggregation.Kind {
        let isDate = type == "date_range"
        func bound(_ value: JSON) throws(ElasticError) -> Double? {
            guard !value.isNull else { return nil }
            if isDate { return Double(try time.parse(ElasticQueryParser.text(value))) / 1e6 }
            guard let number = value.double ?? value.string.flatMap({ Double($0) }) else { throw .illegal("[\(value)] is no number in [\(type)]") }
            return number
        }
        var spans: [ElasticAggregation.Span] = []
        for span in given["ranges"].elements {
            spans.append(.init(key: span["key"].string, from: try bound(span["from"]), to: try bound(span["to"])))
        }
        guard !spans.isEmpty else { throw .illegal("No [ranges] specified for the [\(type)] aggregation") }
        return .range(field: field, spans, isDate: isDate, isKeyed: given["keyed"].bool ?? false)
    }
}
