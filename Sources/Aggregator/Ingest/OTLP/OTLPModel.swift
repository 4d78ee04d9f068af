/// What an export request of OpenTelemetry holds, however it was written. Only what becomes samples is kept.
///
/// (opentelemetry-proto, collector/metrics/v1/metrics_service.proto and metrics/v1/metrics.proto.)
struct OTLPRequest {
    var resources: [OTLPResource] = []
}

struct OTLPResource {
    var attributes: [OTLPAttribute] = []
    var scopes: [OTLPScope] = []
}

struct OTLPScope {
    var name = ""
    var version = ""
    var metrics: [OTLPMetric] = []
}

struct OTLPAttribute: Hashable {
    var key = ""
    /// As a label shows it: numbers and booleans in decimal form, lists and maps as JSON.
    var value = ""
}

struct OTLPMetric {
    enum Kind { case none, gauge, sum, histogram, exponentialHistogram, summary }
    enum Temporality: UInt64 { case unspecified = 0, delta = 1, cumulative = 2 }

    var name = ""
    var description = ""
    var unit = ""
    var kind = Kind.none
    var temporality = Temporality.unspecified
    var isMonotonic = false
    var points: [OTLPPoint] = []
}

/// A data point of any kind; each uses some of the fields.
struct OTLPPoint {
    var attributes: [OTLPAttribute] = []
    /// Nanoseconds since 1970.
    var time: UInt64 = 0
    var flags: UInt64 = 0
    /// Of a number.
    var value: Double?
    var count: UInt64 = 0
    var sum: Double?
    var bucketCounts: [UInt64] = []
    var explicitBounds: [Double] = []
    var scale: Int32 = 0
    var zeroCount: UInt64 = 0
    var zeroThreshold = 0.0
    var positive = OTLPBuckets()
    var negative = OTLPBuckets()
    var quantiles: [(quantile: Double, value: Double)] = []
    var exemplars: [OTLPExemplar] = []

    /// The series has no value at this time: it becomes a stale marker.
    var hasNoValue: Bool { flags & 1 == 1 }
}

struct OTLPBuckets: Hashable {
    var offset: Int32 = 0
    var counts: [UInt64] = []
}

struct OTLPExemplar {
    var attributes: [OTLPAttribute] = []
    var time: UInt64 = 0
    var value = 0.0
    /// In hexadecimal form.
    var traceID = ""
    var spanID = ""
}
