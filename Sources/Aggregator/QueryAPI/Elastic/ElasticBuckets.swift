import JSON

/// Aggregations as the answer shows them.
extension ElasticFold {
    func document() throws(ElasticError) -> JSON {
        switch aggregation.kind {
        case .dateHistogram(_, let interval, let offset, let isKeyed, let minimum, let bounds):
            return try dateHistogram(interval, offset, isKeyed, minimum, bounds)
        case .histogram(_, let interval, _, let minimum): return try histogram(interval, minimum)
        case .terms(_, let size, let order, _, _, _, let minimum): return try terms(size, order, minimum)
        case .filter, .missing, .global: return try Self.bucket([], buckets[.index(0)])
        case .filters(let list, let other):
            let isKeyed = list.allSatisfy { $0.name != nil }
            var rows: [(String, JSON)] = []
            for (index, filter) in list.enumerated() { rows.append((filter.name ?? "\(index)", try Self.bucket([], buckets[.index(index)]))) }
            if let other { rows.append((other, try Self.bucket([], buckets[.index(list.count)]))) }
            return ["buckets": isKeyed ? .object(rows) : .array(rows.map(\.1))]
        case .range(_, let spans, let isDate, let isKeyed): return try ranges(spans, isDate, isKeyed)
        case .metric(let metric, _, _, let percents): return self.metric(metric, percents)
        case .topHits(let size):
            let documents = hits.map(\.document).sorted { $0.cursor > $1.cursor }.prefix(size)
            return [
                "hits": [
                    "total": ["value": JSON(hits.count), "relation": "eq"], "max_score": nil,
                    "hits": .array(documents.map { ["_index": JSON($0.index), "_id": JSON($0.id), "_score": nil, "_source": $0.source] }),
                ]
            ]
        }
    }

    private static func bucket(_ head: [(String, JSON)], _ bucket: Bucket?) throws(ElasticError) -> JSON {
        var members = head + [("doc_count", JSON.integer(bucket?.count ?? 0))]
        for fold in bucket?.inner ?? [] { members.append((fold.aggregation.name, try fold.document())) }
        return .object(members)
    }

    private func dateHistogram(
        _ interval: ElasticAggregation.Interval, _ offset: Int64, _ isKeyed: Bool, _ minimum: Int, _ bounds: ClosedRange<Int64>?
    ) throws(ElasticError) -> JSON {
        var starts = buckets.keys.compactMap { key -> Int64? in if case .time(let time) = key { time } else { nil } }.sorted()
        if minimum == 0 {
            let low = try bounds.map { value throws(ElasticError) in try start(of: value.lowerBound, interval, offset) }
            let high = try bounds.map { value throws(ElasticError) in try start(of: value.upperBound, interval, offset) }
            let ends = [low, starts.first].compactMap { $0 }.min().flatMap { low in [high, starts.last].compactMap { $0 }.max().map { (low, $0) } }
            // Without gaps, also where nothing was found.
            if let (first, last) = ends {
                starts = []
                var next = first
                while next <= last {
                    starts.append(next)
                    guard starts.count <= Self.maximumBuckets else {
                        throw ElasticError(503, "too_many_buckets_exception", "more than \(Self.maximumBuckets) buckets; ask for a longer interval")
                    }
                    switch interval {
                    case .fixed(let length): next += length
                    case .calendar(let unit): next = try aggregation.time.add(1, unit, to: next - offset, in: "") + offset
                    }
                }
            }
        }
        var rows: [(String, JSON)] = []
        for start in starts {
            let bucket = buckets[.time(start)]
            guard bucket?.count ?? 0 >= minimum else { continue }
            let text = ElasticTime.text(start)
            rows.append(
                (
                    text,
                    try Self.bucket(
                        [("key_as_string", JSON(text)), ("key", .integer(start / 1_000_000))], bucket ?? Bucket(inner: aggregation.inner.map(ElasticFold.init)))
                ))
        }
        return ["buckets": isKeyed ? .object(rows) : .array(rows.map(\.1))]
    }

    private func histogram(_ interval: Double, _ minimum: Int) throws(ElasticError) -> JSON {
        let keys = buckets.keys.compactMap { key -> Double? in if case .number(let number) = key { number } else { nil } }.sorted()
        var all = keys
        if minimum == 0, let first = keys.first, let last = keys.last, (last - first) / interval < Double(Self.maximumBuckets) {
            all = (0...Int(((last - first) / interval).rounded())).map { first + Double($0) * interval }
        }
        var rows: [JSON] = []
        for key in all {
            let bucket = buckets[.number(key)]
            guard bucket?.count ?? 0 >= minimum else { continue }
            rows.append(try Self.bucket([("key", JSON(key))], bucket ?? Bucket(inner: aggregation.inner.map(ElasticFold.init))))
        }
        return ["buckets": .array(rows)]
    }

    private func terms(_ size: Int, _ order: [(key: String, isAscending: Bool)], _ minimum: Int) throws(ElasticError) -> JSON {
        var rows = buckets.compactMap { key, bucket -> (key: String, bucket: Bucket)? in
            if case .text(let text) = key, bucket.count >= minimum { (text, bucket) } else { nil }
        }
        rows.sort { left, right in
            for (key, isAscending) in order {
                let (a, b) = (Self.orderValue(key, left.bucket), Self.orderValue(key, right.bucket))
                if key == "_key" || key == "_term" {
                    if left.key != right.key { return (left.key < right.key) == isAscending }
                } else if a != b {
                    return (a < b) == isAscending
                }
            }
            return left.key < right.key
        }
        let rest = rows.dropFirst(size).reduce(0) { $0 + $1.bucket.count }
        var documents: [JSON] = []
        for row in rows.prefix(size) {
            // Numbers and booleans are keys of their own kind in Elasticsearch; text is what all values are here.
            documents.append(try Self.bucket([("key", JSON(row.key))], row.bucket))
        }
        return ["doc_count_error_upper_bound": 0, "sum_other_doc_count": .integer(rest), "buckets": .array(documents)]
    }

    /// `_count`, or the value of an inner aggregation such as `latency` or `latency.max`.
    private static func orderValue(_ key: String, _ bucket: Bucket) -> Double {
        if key == "_count" { return Double(bucket.count) }
        let parts = key.split(separator: ".", maxSplits: 1)
        guard let fold = bucket.inner.first(where: { $0.aggregation.name == parts[0] }) else { return 0 }
        guard case .metric(let metric, _, _, _) = fold.aggregation.kind else { return Double(fold.buckets.first?.value.count ?? 0) }
        switch parts.count > 1 ? String(parts[1]) : metric.rawValue {
        case "min": return fold.sums.minimum
        case "max": return fold.sums.maximum
        case "avg": return fold.sums.count > 0 ? fold.sums.sum / Double(fold.sums.count) : -.infinity
        case "cardinality": return Double(fold.distinct.count)
        case "value_count", "count": return Double(fold.sums.count)
        default: return fold.sums.sum
        }
    }

    private func ranges(_ spans: [ElasticAggregation.Span], _ isDate: Bool, _ isKeyed: Bool) throws(ElasticError) -> JSON {
        var rows: [(String, JSON)] = []
        func text(_ value: Double?) -> String {
            guard let value else { return "*" }
            return isDate ? ElasticTime.text(Int64(value * 1e6)) : "\(value)"
        }
        for (index, span) in spans.enumerated() {
            let key = span.key ?? "\(text(span.from))-\(text(span.to))"
            var head: [(String, JSON)] = isKeyed ? [] : [("key", JSON(key))]
            if let from = span.from {
                head.append(("from", JSON(from)))
                if isDate { head.append(("from_as_string", JSON(text(from)))) }
            }
            if let to = span.to {
                head.append(("to", JSON(to)))
                if isDate { head.append(("to_as_string", JSON(text(to)))) }
            }
            rows.append((key, try Self.bucket(head, buckets[.index(index)])))
        }
        return ["buckets": isKeyed ? .object(rows) : .array(rows.map(\.1))]
    }

    private func metric(_ metric: ElasticAggregation.Metric, _ percents: [Double]) -> JSON {
        let isEmpty = sums.count == 0
        func value(_ number: Double) -> JSON { isEmpty ? .null : JSON(number) }
        switch metric {
        case .min: return ["value": value(sums.minimum)]
        case .max: return ["value": value(sums.maximum)]
        case .sum: return ["value": JSON(sums.sum)]
        case .avg: return ["value": value(sums.sum / Double(max(1, sums.count)))]
        case .valueCount: return ["value": .integer(sums.count)]
        case .cardinality: return ["value": JSON(distinct.count)]
        case .stats:
            return [
                "count": .integer(sums.count), "min": value(sums.minimum), "max": value(sums.maximum),
                "avg": value(sums.sum / Double(max(1, sums.count))), "sum": JSON(sums.sum),
            ]
        case .percentiles:
            let sorted = values.sorted()
            return ["values": .object(percents.map { ("\($0)", sorted.isEmpty ? .null : JSON(Self.percentile($0, of: sorted))) })]
        }
    }

    /// Between the two neighbours in proportion.
    private static func percentile(_ percent: Double, of sorted: [Double]) -> Double {
        let rank = min(max(percent, 0), 100) / 100 * Double(sorted.count - 1)
        let below = Int(rank.rounded(.down))
        let above = min(below + 1, sorted.count - 1)
        return sorted[below] + (sorted[above] - sorted[below]) * (rank - Double(below))
    }
}
