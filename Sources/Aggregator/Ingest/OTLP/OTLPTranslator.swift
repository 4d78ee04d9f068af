import Exposition
import SeriesStore
import Telemetry

/// OpenTelemetry's metrics as Prometheus' samples, by the rules of the OpenTelemetry specification ("Prometheus and
/// OpenMetrics Compatibility"): `service.namespace`/`service.name` is `job`, `service.instance.id` is `instance`, what else
/// a resource says is `target_info`; names get their unit and `_total`.
///
/// Cumulative temporality only: a delta cannot be added up without losing what was sent while nobody listened, so it is
/// refused and named. The OpenTelemetry Collector's `deltatocumulative` adds deltas up where they arise.
struct OTLPTranslator {
    let limits: IngestLimits
    private(set) var batch = IngestBatch()
    private var places: [Labels: Int] = [:]
    private var described: Set<String> = []

    init(limits: IngestLimits) { self.limits = limits }

    mutating func add(_ request: OTLPRequest) {
        for resource in request.resources { add(resource) }
    }

    private mutating func add(_ resource: OTLPResource) {
        var identity: [(String, String)] = []
        var others: [(String, String)] = []
        var service = ("", "")
        for attribute in resource.attributes {
            switch attribute.key {
            case "service.name": service.1 = attribute.value
            case "service.namespace": service.0 = attribute.value
            case "service.instance.id": identity.append(("instance", attribute.value))
            default: others.append((MetricName.label(attribute.key), attribute.value))
            }
        }
        if !service.1.isEmpty { identity.append(("job", service.0.isEmpty ? service.1 : "\(service.0)/\(service.1)")) }
        var newest: UInt64 = 0
        for scope in resource.scopes {
            var common = identity
            if !scope.name.isEmpty { common.append(("otel_scope_name", scope.name)) }
            if !scope.version.isEmpty { common.append(("otel_scope_version", scope.version)) }
            for metric in scope.metrics {
                add(metric, common)
                newest = metric.points.reduce(newest) { max($0, $1.time) }
            }
        }
        // Without what identifies it nobody could join the information to anything.
        guard !identity.isEmpty, !others.isEmpty, newest > 0 else { return }
        append(Labels([(Labels.metricName, "target_info")] + others + identity), milliseconds(newest), 1)
        describe(MetricMetadata(metric: "target_info", type: "gauge", help: "Attributes of the resource."))
    }

    private mutating func add(_ metric: OTLPMetric, _ common: [(String, String)]) {
        let name = OTLPName.metric(metric)
        guard !metric.name.isEmpty else {
            refuse(metric, "a metric has no name")
            return
        }
        let isCumulative = metric.kind == .gauge || metric.kind == .summary || metric.temporality == .cumulative
        // A sum that may fall is a gauge whatever its temporality, but its deltas are not.
        guard isCumulative || metric.kind == .none else {
            let word = metric.temporality == .delta ? "delta" : "unspecified"
            refuse(metric, "\(IngestLimits.short(metric.name)) has \(word) temporality: send cumulative values, or convert them (deltatocumulative)")
            return
        }
        let type: String
        switch metric.kind {
        case .none: return
        case .gauge: type = "gauge"
        case .sum: type = metric.isMonotonic ? "counter" : "gauge"
        case .histogram, .exponentialHistogram: type = "histogram"
        case .summary: type = "summary"
        }
        describe(MetricMetadata(metric: name, type: type, help: metric.description, unit: OTLPName.unit(metric.unit)).cut(to: limits))
        for point in metric.points {
            let labels = common + OTLPName.labels(point.attributes)
            let time = milliseconds(point.time)
            guard point.time <= UInt64(Int64.max) else {
                batch.samples += 1
                batch.refuse(1, "\(IngestLimits.short(metric.name)) has a point beyond the year 2262")
                continue
            }
            switch metric.kind {
            case .histogram: histogram(name, point, labels, time)
            case .exponentialHistogram: exponential(name, metric.name, point, labels, time)
            case .summary: summary(name, point, labels, time)
            default:
                guard let value = point.hasNoValue ? .stale : point.value else {
                    batch.samples += 1
                    batch.refuse(1, "\(IngestLimits.short(metric.name)) has a point without a value")
                    continue
                }
                append(series(name, labels), time, value, exemplars(point))
            }
        }
    }

    private mutating func histogram(_ name: String, _ point: OTLPPoint, _ labels: [(String, String)], _ time: Int64) {
        guard point.bucketCounts.isEmpty || point.bucketCounts.count == point.explicitBounds.count + 1 else {
            batch.samples += 1
            batch.refuse(1, "\(IngestLimits.short(name)) has \(point.bucketCounts.count) buckets for \(point.explicitBounds.count) bounds")
            return
        }
        let stale = point.hasNoValue
        var exemplars = exemplars(point)
        var total: UInt64 = 0
        for (bound, count) in zip(point.explicitBounds, point.bucketCounts) {
            total &+= count
            let own = exemplars.filter { $0.value <= bound }
            exemplars.removeAll { $0.value <= bound }
            append(series(name + "_bucket", labels + [("le", OTLPName.bound(bound))]), time, stale ? .stale : Double(total), own)
        }
        append(series(name + "_bucket", labels + [("le", "+Inf")]), time, stale ? .stale : Double(point.count), exemplars)
        if let sum = point.sum { append(series(name + "_sum", labels), time, stale ? .stale : sum) }
        append(series(name + "_count", labels), time, stale ? .stale : Double(point.count))
    }

    private mutating func summary(_ name: String, _ point: OTLPPoint, _ labels: [(String, String)], _ time: Int64) {
        let stale = point.hasNoValue
        for (quantile, value) in point.quantiles {
            append(series(name, labels + [("quantile", OTLPName.bound(quantile))]), time, stale ? .stale : value)
        }
        append(series(name + "_sum", labels), time, stale ? .stale : point.sum ?? 0)
        append(series(name + "_count", labels), time, stale ? .stale : Double(point.count))
    }

    private mutating func exponential(_ name: String, _ foreign: String, _ point: OTLPPoint, _ labels: [(String, String)], _ time: Int64) {
        if point.hasNoValue {
            append(series(name, labels), time, .stale)
            return
        }
        batch.histograms += 1
        guard let histogram = ExponentialBuckets.native(point) else {
            batch.refuse(
                1, "\(IngestLimits.short(foreign)) has an exponential histogram with the scale \(point.scale), the least is -4, or with too many buckets")
            return
        }
        guard let position = position(series(name, labels)) else {
            batch.invalid += 1
            return
        }
        batch.batches[position].histograms.append(.init(timestamp: time, encoded: histogram.encoded))
        add(exemplars(point), position)
    }

    private func series(_ name: String, _ labels: [(String, String)]) -> Labels { Labels(labels + [(Labels.metricName, name)]) }

    private mutating func append(_ labels: Labels, _ time: Int64, _ value: Double, _ exemplars: [SeriesBatch.Exemplar] = []) {
        batch.samples += 1
        guard let position = position(labels) else {
            batch.invalid += 1
            return
        }
        batch.batches[position].samples.append(.init(time, value))
        add(exemplars, position)
    }

    private mutating func add(_ exemplars: [SeriesBatch.Exemplar], _ position: Int) {
        guard !exemplars.isEmpty else { return }
        batch.exemplars += exemplars.count
        batch.batches[position].exemplars += exemplars
    }

    private mutating func position(_ labels: Labels) -> Int? {
        if let known = places[labels] { return known }
        if let problem = limits.problem(labels) {
            batch.note(problem)
            return nil
        }
        places[labels] = batch.batches.count
        batch.batches.append(SeriesBatch(labels: labels, samples: []))
        return batch.batches.count - 1
    }

    private mutating func refuse(_ metric: OTLPMetric, _ reason: String) {
        batch.samples += metric.points.count
        batch.refuse(metric.points.count, reason)
    }

    private mutating func describe(_ metadata: MetricMetadata) { if described.insert(metadata.metric).inserted { batch.metadata.append(metadata) } }

    private func exemplars(_ point: OTLPPoint) -> [SeriesBatch.Exemplar] {
        point.exemplars.map { exemplar in
            var labels = OTLPName.labels(exemplar.attributes)
            if !exemplar.traceID.isEmpty { labels.append(("trace_id", exemplar.traceID)) }
            if !exemplar.spanID.isEmpty { labels.append(("span_id", exemplar.spanID)) }
            return .init(labels: Labels(labels), timestamp: milliseconds(exemplar.time), value: exemplar.value)
        }
    }

    private func milliseconds(_ nanoseconds: UInt64) -> Int64 { Int64(nanoseconds / 1_000_000) }
}
