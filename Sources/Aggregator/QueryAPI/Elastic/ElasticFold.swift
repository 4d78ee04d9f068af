import LogQL
import Pattern
import Telemetry

/// What an aggregation has seen so far; two of them add up.
struct ElasticFold: Sendable {
    /// More buckets in one answer are refused, as Elasticsearch does.
    static let maximumBuckets = 65_536
    /// Values kept for percentiles, and distinct ones for a cardinality.
    static let maximumValues = 1_000_000

    enum Key: Hashable, Sendable {
        case text(String)
        case time(Int64)
        case number(Double)
        case index(Int)
    }
    struct Bucket: Sendable {
        var count: Int64 = 0
        var inner: [ElasticFold]
    }
    /// Sums of the values of a field.
    struct Sums: Sendable {
        var count: Int64 = 0
        var sum = 0.0
        var minimum = Double.infinity
        var maximum = -Double.infinity
    }

    let aggregation: ElasticAggregation
    private(set) var buckets: [Key: Bucket] = [:]
    private(set) var sums = Sums()
    private(set) var values: [Double] = []
    private(set) var distinct: Set<String> = []
    private(set) var hits: [ElasticDocumentBox] = []

    init(_ aggregation: ElasticAggregation) {
        self.aggregation = aggregation
        switch aggregation.kind {
        case .filter, .missing, .global: buckets[.index(0)] = Bucket(inner: aggregation.inner.map(ElasticFold.init))
        case .filters(let list, let other):
            for index in 0..<list.count + (other == nil ? 0 : 1) { buckets[.index(index)] = Bucket(inner: aggregation.inner.map(ElasticFold.init)) }
        case .range(_, let spans, _, _):
            for index in spans.indices { buckets[.index(index)] = Bucket(inner: aggregation.inner.map(ElasticFold.init)) }
        default: break
        }
    }

    mutating func add(_ document: ElasticDocument) throws(ElasticError) {
        switch aggregation.kind {
        case .dateHistogram(let field, let interval, let offset, _, _, _):
            for time in times(field, document) { try put(document, in: .time(try start(of: time, interval, offset))) }
        case .histogram(let field, let interval, let offset, _):
            for value in numbers(field, document) { try put(document, in: .number(((value - offset) / interval).rounded(.down) * interval + offset)) }
        case .terms(let field, _, _, let missing, let include, let exclude, _):
            var values = document.values(of: field)
            if values.isEmpty, let missing { values = [missing] }
            for (position, value) in values.enumerated() where position == 0 || !values[..<position].contains(value) {
                if let include, !include.matches(value) { continue }
                if let exclude, exclude.matches(value) { continue }
                try put(document, in: .text(value))
            }
        case .filter(let query): if query.matches(document) { try put(document, in: .index(0)) }
        case .filters(let list, let other):
            var isOther = true
            for (index, filter) in list.enumerated() where filter.query.matches(document) {
                isOther = false
                try put(document, in: .index(index))
            }
            if isOther, other != nil { try put(document, in: .index(list.count)) }
        case .range(let field, let spans, let isDate, _):
            let values = isDate ? times(field, document).map { Double($0) / 1e6 } : numbers(field, document)
            for (index, span) in spans.enumerated() where values.contains(where: { $0 >= span.from ?? -.infinity && $0 < span.to ?? .infinity }) {
                try put(document, in: .index(index))
            }
        case .missing(let field): if document.values(of: field).isEmpty { try put(document, in: .index(0)) }
        case .global: try put(document, in: .index(0))
        case .metric(let metric, let field, let missing, _): try measure(metric, field, missing, document)
        case .topHits(let size):
            hits.append(ElasticDocumentBox(document))
            if hits.count > 2 * size + 16 { trimHits(size) }
        }
    }

    private mutating func put(_ document: ElasticDocument, in key: Key) throws(ElasticError) {
        if buckets[key] == nil {
            guard buckets.count < Self.maximumBuckets else {
                throw ElasticError(
                    503, "too_many_buckets_exception",
                    "Trying to create too many buckets. Must be less than or equal to: [\(Self.maximumBuckets)]; ask for longer intervals or narrow the query")
            }
            buckets[key] = Bucket(inner: aggregation.inner.map(ElasticFold.init))
        }
        buckets[key]?.count += 1
        for index in aggregation.inner.indices { try buckets[key]?.inner[index].add(document) }
    }

    private mutating func measure(_ metric: ElasticAggregation.Metric, _ field: String, _ missing: Double?, _ document: ElasticDocument) throws(ElasticError) {
        if metric == .valueCount {
            sums.count += Int64(document.values(of: field).count)
            return
        }
        if metric == .cardinality {
            guard distinct.count < Self.maximumValues else { return }
            distinct.formUnion(document.values(of: field))
            return
        }
        var found = numbers(field, document)
        if found.isEmpty, let missing { found = [missing] }
        for value in found {
            sums.count += 1
            sums.sum += value
            sums.minimum = min(sums.minimum, value)
            sums.maximum = max(sums.maximum, value)
        }
        guard metric == .percentiles else { return }
        guard values.count + found.count <= Self.maximumValues else {
            throw .illegal("percentiles over more than \(Self.maximumValues) values are not computed; narrow the query")
        }
        values += found
    }

    private func numbers(_ field: String, _ document: ElasticDocument) -> [Double] {
        field == "@timestamp" ? [Double(document.cursor.time) / 1e6] : document.values(of: field).compactMap { Double($0) }.filter(\.isFinite)
    }

    private func times(_ field: String, _ document: ElasticDocument) -> [Int64] {
        field == "@timestamp" ? [document.cursor.time] : document.values(of: field).compactMap { try? aggregation.time.parse($0) }
    }

    /// The beginning of the bucket that a time falls in.
    func start(of time: Int64, _ interval: ElasticAggregation.Interval, _ offset: Int64) throws(ElasticError) -> Int64 {
        switch interval {
        case .fixed(let length): ElasticTime.floor(time + aggregation.time.zone - offset, length) - aggregation.time.zone + offset
        case .calendar(let unit): try aggregation.time.floor(time - offset, unit) + offset
        }
    }

    private mutating func trimHits(_ size: Int) {
        hits.sort { $0.document.cursor > $1.document.cursor }
        if hits.count > size { hits.removeLast(hits.count - size) }
    }

    /// Adds what another thread has seen.
    mutating func merge(_ other: ElasticFold) {
        for (key, bucket) in other.buckets {
            guard var own = buckets[key] else {
                buckets[key] = bucket
                continue
            }
            own.count += bucket.count
            for index in own.inner.indices { own.inner[index].merge(bucket.inner[index]) }
            buckets[key] = own
        }
        sums.count += other.sums.count
        sums.sum += other.sums.sum
        sums.minimum = min(sums.minimum, other.sums.minimum)
        sums.maximum = max(sums.maximum, other.sums.maximum)
        values += other.values
        distinct.formUnion(other.distinct)
        hits += other.hits
        if case .topHits(let size) = aggregation.kind { trimHits(size) }
    }

    /// Lines that the source counted without giving them out.
    mutating func add(count: Int64, at time: Int64) throws(ElasticError) {
        guard case .dateHistogram(_, let interval, let offset, _, _, _) = aggregation.kind else { return }
        let key = Key.time(try start(of: time, interval, offset))
        buckets[key, default: Bucket(inner: [])].count += count
    }
}

/// A document that has been read and is not changed any more, so that it may pass from thread to thread.
struct ElasticDocumentBox: @unchecked Sendable {
    let document: ElasticDocument
    init(_ document: ElasticDocument) { self.document = document }
}
