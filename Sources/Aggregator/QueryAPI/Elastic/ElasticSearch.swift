import JSON
import LogQL
import Telemetry

/// One `_search`: its body read, run, and answered.
struct ElasticSearch: Sendable {
    struct Sort: Sendable {
        var field: String
        var isAscending: Bool
        /// `@timestamp` and what breaks its ties go by the source's own order.
        var isTime: Bool { ["@timestamp", "_doc", "_seq_no", "_shard_doc", "_id"].contains(ElasticDocument.plain(field)) }
    }

    /// The widest page, and the furthest offset, as Elasticsearch's own.
    static let window = 10_000
    /// Rows fetched at a time.
    private static let pageRows = 1000

    var indices: ElasticIndices
    var query: ElasticQuery
    var size: Int
    var from: Int
    var sort: [Sort]
    var searchAfter: [JSON]
    var source: JSON
    var fields: [String]
    /// nil: no total; else exact up to here.
    var totalLimit: Int?
    var aggregations: [ElasticAggregation]
    var highlightFields: [String]
    /// Go on behind this row: of a scroll.
    var cursor: LogCursor?

    init(_ body: JSON, parameters: [String: String], indices: ElasticIndices, now: Int64) throws(ElasticError) {
        let time = ElasticTime(now: now)
        for (name, _) in body.members where !Self.known.contains(name) {
            throw .parsing("unknown key [\(name)] in the body of a search; known are \(Self.known.sorted().joined(separator: ", "))")
        }
        self.indices = indices
        var parser = ElasticQueryParser(time: time)
        query = body["query"].isNull ? .all : try parser.parse(body["query"])
        if let text = parameters["q"] {
            var strings = QueryStringParser(
                text, field: parameters["df"] ?? "message", isAnd: parameters["default_operator"]?.lowercased() == "and", time: time)
            query = .and([query, try strings.parse()])
        }
        if !body["post_filter"].isNull { query = .and([query, try parser.parse(body["post_filter"])]) }
        size = body["size"].int ?? parameters["size"].flatMap { Int($0) } ?? 10
        from = body["from"].int ?? parameters["from"].flatMap { Int($0) } ?? 0
        guard size >= 0, from >= 0 else { throw .illegal("[size] and [from] may not be negative") }
        guard size + from <= Self.window else {
            throw .illegal(
                "Result window is too large, from + size must be less than or equal to: [\(Self.window)] but was [\(size + from)]; use search_after or scroll")
        }
        sort = try Self.sorts(body["sort"].isNull ? JSON(parameters["sort"] ?? "") : body["sort"])
        // Over a fixed state ties are broken without being asked.
        if !body["pit"].isNull, sort.last.map({ !$0.isTime || $0.field == "@timestamp" }) ?? true {
            sort.append(Sort(field: "_shard_doc", isAscending: sort.last?.isAscending ?? true))
        }
        searchAfter = body["search_after"].elements
        if !searchAfter.isEmpty, searchAfter.count != sort.count, !(sort.isEmpty && searchAfter.count <= 2) {
            throw .illegal("search_after has \(searchAfter.count) value(s) but sort has \(sort.count).")
        }
        source = body["_source"].isNull ? parameters["_source"].map { JSON($0) } ?? true : body["_source"]
        fields = (body["fields"].elements + body["docvalue_fields"].elements).compactMap { $0.string ?? $0["field"].string }
        totalLimit = try Self.totalLimit(body["track_total_hits"].isNull ? parameters["track_total_hits"].map { JSON($0) } ?? .null : body["track_total_hits"])
        aggregations = try ElasticAggregationParser(time: time).parse(body["aggs"].isNull ? body["aggregations"] : body["aggs"])
        highlightFields = body["highlight"]["fields"].members.keys
    }

    private static let known: Set<String> = [
        "query", "post_filter", "size", "from", "sort", "search_after", "_source", "fields", "docvalue_fields", "stored_fields", "track_total_hits", "aggs",
        "aggregations", "highlight", "timeout", "pit", "version", "seq_no_primary_term", "track_scores", "explain", "min_score", "profile", "script_fields",
        "runtime_mappings", "indices_boost", "terminate_after", "stats", "slice", "batched_reduce_size", "ext",
    ]

    private static func totalLimit(_ value: JSON) throws(ElasticError) -> Int? {
        switch value {
        case .null: return window
        case .bool(let flag): return flag ? .max : nil
        case .string("true"): return .max
        case .string("false"): return nil
        default:
            guard let limit = value.int ?? value.string.flatMap({ Int($0) }) else { throw .parsing("[track_total_hits] is neither a boolean nor a number") }
            return limit
        }
    }

    /// `["@timestamp", {"pod": "asc"}, {"x": {"order": "desc"}}]`, or `field:desc,other` as a parameter.
    private static func sorts(_ value: JSON) throws(ElasticError) -> [Sort] {
        if let text = value.string {
            return text.split(separator: ",").map { part in
                let parts = part.split(separator: ":")
                return Sort(field: String(parts[0]), isAscending: parts.count < 2 || parts[1] != "desc")
            }.filter { $0.field != "_score" }
        }
        var sorts: [Sort] = []
        for part in value.array ?? (value.isNull ? [] : [value]) {
            if let name = part.string {
                if name != "_score" { sorts.append(Sort(field: name, isAscending: true)) }
                continue
            }
            for (name, order) in part.members where name != "_score" {
                let text = order.string ?? order["order"].string ?? "asc"
                guard text == "asc" || text == "desc" else { throw .parsing("sort order [\(text)] is neither asc nor desc") }
                sorts.append(Sort(field: name, isAscending: text == "asc"))
            }
        }
        return sorts
    }

    // MARK: Running

    struct Outcome: Sendable {
        var hits: [ElasticDocumentBox]
        var total: Int64?
        var folds: [ElasticFold]
        var statistics: LogStatistics
        /// Whether there may be more behind the last hit.
        var last: LogCursor?
    }

    /// Whether hits come in the source's order.
    private var isByTime: Bool { sort.first.map(\.isTime) ?? true }
    private var isAscending: Bool { sort.first?.isAscending ?? false }

    func run(on source: any LogSource) async throws -> Outcome {
        var plan = try ElasticPlan(query, indices: indices)
        var outcome = Outcome(hits: [], total: nil, folds: [], statistics: LogStatistics())
        try await count(plan, source, &outcome)
        guard size > 0 else { return outcome }
        if isByTime {
            try restrict(&plan)
            try await page(plan, source, &outcome)
        } else {
            try await sorted(plan, source, &outcome)
        }
        return outcome
    }

    /// Totals and aggregations, by one reading of everything, or by the source's counts.
    private func count(_ plan: ElasticPlan, _ source: any LogSource, _ outcome: inout Outcome) async throws {
        guard totalLimit != nil || !aggregations.isEmpty else { return }
        if plan.remainder == nil, try await countQuickly(plan, source, &outcome) { return }
        let start = aggregations.map { ElasticFold($0) }
        let (parts, statistics) = try await source.scan(plan.selection) {
            (count: Int64(0), folds: start)
        } _: { partial, rows in
            if plan.remainder == nil, partial.folds.isEmpty {
                partial.count += Int64(rows.count)
                return
            }
            let text = try rows.text()
            for row in 0..<rows.count {
                let document = ElasticDocument(rows, text, row)
                guard plan.accepts(document) else { continue }
                partial.count += 1
                for index in partial.folds.indices { try partial.folds[index].add(document) }
            }
        }
        outcome.statistics.add(statistics)
        var folds = start
        var total: Int64 = 0
        for part in parts {
            total += part.count
            for index in folds.indices { folds[index].merge(part.folds[index]) }
        }
        outcome.folds = folds
        outcome.total = totalLimit == nil ? nil : total
    }

    /// Histograms over whole minutes and totals, from counts that were kept when the lines were written.
    private func countQuickly(_ plan: ElasticPlan, _ source: any LogSource, _ outcome: inout Outcome) async throws -> Bool {
        for aggregation in aggregations {
            guard case .dateHistogram("@timestamp", let interval, let offset, _, _, _) = aggregation.kind, aggregation.inner.isEmpty else { return false }
            let minute: Int64 = 60_000_000_000
            if case .fixed(let length) = interval, length % minute != 0 { return false }
            if case .calendar("s") = interval { return false }
            guard offset % minute == 0, aggregation.time.zone % minute == 0 else { return false }
        }
        guard let counts = try await source.counts(plan.selection) else { return false }
        var folds = aggregations.map { ElasticFold($0) }
        var total: Int64 = 0
        for entry in counts.entries {
            total += entry.lines
            for index in folds.indices { try folds[index].add(count: entry.lines, at: entry.minute * 60_000_000_000) }
        }
        outcome.folds = folds
        outcome.total = totalLimit == nil ? nil : total
        return true
    }

    /// `search_after` and scrolls as a bound on the range and a cursor.
    private func restrict(_ plan: inout ElasticPlan) throws(ElasticError) {
        guard let first = searchAfter.first else { return }
        if let id = searchAfter.lazy.compactMap({ $0.string.flatMap { LogCursor($0) } }).first {
            plan.after = id
            return
        }
        let text = ElasticQueryParser.text(first)
        guard let milliseconds = Double(text).map({ Int64($0) }) ?? (try? ElasticTime(now: 0).parse(text)).map({ $0 / 1_000_000 }) else {
            throw .illegal("search_after value [\(text)] is no time")
        }
        // A time alone says: behind all of that millisecond.
        let range = plan.selection.range
        if isAscending {
            let lower = max(range.lowerBound, (milliseconds + 1) * 1_000_000)
            plan.selection.range = lower..<max(lower, range.upperBound)
        } else {
            let upper = min(range.upperBound, milliseconds * 1_000_000)
            plan.selection.range = min(range.lowerBound, upper)..<upper
        }
    }

    private func page(_ plan: ElasticPlan, _ source: any LogSource, _ outcome: inout Outcome) async throws {
        var after = cursor ?? plan.after
        var left = from + size
        var skip = from
        while left > 0 {
            let limit = plan.remainder == nil ? min(left, Self.pageRows) : Self.pageRows
            let page = try await source.page(plan.selection, direction: isAscending ? .forward : .backward, after: after, limit: limit)
            outcome.statistics.add(page.statistics)
            let text = try page.rows.text()
            for row in 0..<page.rows.count where left > 0 {
                let document = ElasticDocument(page.rows, text, row)
                guard plan.accepts(document) else { continue }
                left -= 1
                if skip > 0 { skip -= 1 } else { outcome.hits.append(ElasticDocumentBox(document)) }
                outcome.last = document.cursor
            }
            after = page.next
            try Task.checkCancellation()
            if after == nil {
                if left > 0 { outcome.last = nil }
                break
            }
        }
    }

    /// By other fields: the best of everything.
    private func sorted(_ plan: ElasticPlan, _ source: any LogSource, _ outcome: inout Outcome) async throws {
        let wanted = from + size
        let order = self
        let (parts, statistics) = try await source.scan(plan.selection) {
            [ElasticDocumentBox]()
        } _: { best, rows in
            let text = try rows.text()
            for row in 0..<rows.count {
                let document = ElasticDocument(rows, text, row)
                guard plan.accepts(document), order.isBehindSearchAfter(document) else { continue }
                best.append(ElasticDocumentBox(document))
                if best.count > 2 * wanted + 1000 {
                    best.sort { order.precedes($0.document, $1.document) }
                    best.removeLast(best.count - wanted)
                }
            }
        }
        outcome.statistics.add(statistics)
        let best = parts.flatMap { $0 }.sorted { precedes($0.document, $1.document) }
        outcome.hits = Array(best.dropFirst(from).prefix(size))
    }

    private static func compare(_ left: String?, _ right: String?) -> Int {
        guard let left else { return right == nil ? 0 : 1 }
        guard let right else { return -1 }
        if let a = Double(left), let b = Double(right) { return a < b ? -1 : a > b ? 1 : 0 }
        return left < right ? -1 : left > right ? 1 : 0
    }

    /// Documents without the field come last whichever way the order goes.
    private func precedes(_ left: ElasticDocument, _ right: ElasticDocument) -> Bool {
        for part in sort {
            if part.isTime {
                if left.cursor != right.cursor { return (left.cursor < right.cursor) == part.isAscending }
                continue
            }
            let (a, b) = (left.values(of: part.field).first, right.values(of: part.field).first)
            let order = Self.compare(a, b)
            if order != 0 { return a == nil || b == nil ? order < 0 : (order < 0) == part.isAscending }
        }
        return left.cursor > right.cursor
    }

    private func isBehindSearchAfter(_ document: ElasticDocument) -> Bool {
        guard !searchAfter.isEmpty else { return true }
        for (part, value) in zip(sort, searchAfter) {
            if part.isTime {
                if let cursor = value.string.flatMap({ LogCursor($0) }) { return document.cursor != cursor && (document.cursor > cursor) == part.isAscending }
                let (time, bound) = (document.cursor.time / 1_000_000, value.int.map { Int64($0) } ?? 0)
                if time != bound { return (time > bound) == part.isAscending }
                continue
            }
            let order = Self.compare(document.values(of: part.field).first, value.isNull ? nil : ElasticQueryParser.text(value))
            if order != 0 { return (order > 0) == part.isAscending }
        }
        return false
    }
}
