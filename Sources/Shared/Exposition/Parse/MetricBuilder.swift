import ProtoWire
import Telemetry

/// One `Metric` message of the binary exposition as samples.
struct MetricBuilder {
    let family: ProtobufPage.Family
    private(set) var samples: [ProtobufPage.Sample] = []
    private var labels: [(String, String)] = []
    private var timestamp: Int64?

    init(family: ProtobufPage.Family) { self.family = family }

    mutating func read(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(WireError) {
        var reader = WireReader(range)
        // Labels and time may lie behind the value.
        while try reader.next(bytes) {
            switch reader.number {
            case 1: labels.append(try pair(&reader, bytes))
            case 6: timestamp = Int64(bitPattern: try reader.varint(bytes))
            default: try reader.skip(bytes)
            }
        }
        reader = WireReader(range)
        while try reader.next(bytes) {
            switch reader.number {
            case 2, 5: try simple(&reader, bytes)
            case 3: try counter(&reader, bytes)
            case 4: try summary(&reader, bytes)
            case 7: try histogram(&reader, bytes)
            default: try reader.skip(bytes)
            }
        }
    }

    private mutating func add(_ suffix: String, _ value: Double, _ extra: (String, String)? = nil, _ exemplars: [ProtobufPage.Exemplar] = []) {
        samples.append(.init(labels: series(suffix, extra), value: value, timestamp: timestamp, exemplars: exemplars))
    }

    private func series(_ suffix: String, _ extra: (String, String)? = nil) -> Labels {
        Labels([(Labels.metricName, family.name + suffix)] + labels + (extra.map { [$0] } ?? []))
    }

    private func pair(_ reader: inout WireReader, _ bytes: Span<UInt8>) throws(WireError) -> (String, String) {
        try reader.expect(.bytes)
        var inner = try reader.message(bytes)
        var pair = ("", "")
        while try inner.next(bytes) {
            switch inner.number {
            case 1: pair.0 = try inner.string(bytes)
            case 2: pair.1 = try inner.string(bytes)
            default: try inner.skip(bytes)
            }
        }
        return pair
    }

    private mutating func simple(_ reader: inout WireReader, _ bytes: Span<UInt8>) throws(WireError) {
        try reader.expect(.bytes)
        var inner = try reader.message(bytes)
        var value = 0.0
        while try inner.next(bytes) { if inner.number == 1 { value = try inner.double(bytes) } else { try inner.skip(bytes) } }
        add("", value)
    }

    private mutating func counter(_ reader: inout WireReader, _ bytes: Span<UInt8>) throws(WireError) {
        try reader.expect(.bytes)
        var inner = try reader.message(bytes)
        var value = 0.0
        var exemplars: [ProtobufPage.Exemplar] = []
        while try inner.next(bytes) {
            switch inner.number {
            case 1: value = try inner.double(bytes)
            case 2: exemplars.append(try exemplar(&inner, bytes))
            default: try inner.skip(bytes)
            }
        }
        add("", value, nil, exemplars)
    }

    private mutating func summary(_ reader: inout WireReader, _ bytes: Span<UInt8>) throws(WireError) {
        try reader.expect(.bytes)
        var inner = try reader.message(bytes)
        var count: UInt64 = 0
        var sum = 0.0
        while try inner.next(bytes) {
            switch inner.number {
            case 1: count = try inner.varint(bytes)
            case 2: sum = try inner.double(bytes)
            case 3:
                try inner.expect(.bytes)
                var quantile = try inner.message(bytes)
                var place = 0.0
                var value = 0.0
                while try quantile.next(bytes) {
                    switch quantile.number {
                    case 1: place = try quantile.double(bytes)
                    case 2: value = try quantile.double(bytes)
                    default: try quantile.skip(bytes)
                    }
                }
                add("", value, ("quantile", MetricBuilder.bound(place)))
            default: try inner.skip(bytes)
            }
        }
        add("_sum", sum)
        add("_count", Double(count))
    }

    /// Fields that both kinds of a histogram have, and the native ones.
    private struct Parts {
        var native = NativeHistogram()
        var hasSchema = false
        var buckets: [(bound: Double, count: Double, exemplars: [ProtobufPage.Exemplar])] = []
        var exemplars: [ProtobufPage.Exemplar] = []
        var total: Double { native.floatCount ?? Double(native.count ?? 0) }
    }

    private mutating func histogram(_ reader: inout WireReader, _ bytes: Span<UInt8>) throws(WireError) {
        try reader.expect(.bytes)
        var inner = try reader.message(bytes)
        var parts = Parts()
        while try inner.next(bytes) { try field(&inner, bytes, &parts) }
        for bucket in parts.buckets { add("_bucket", bucket.count, ("le", MetricBuilder.bound(bucket.bound)), bucket.exemplars) }
        let isNative =
            parts.hasSchema && (!parts.native.positiveSpans.isEmpty || !parts.native.negativeSpans.isEmpty || parts.native.zeroThreshold > 0)
        if !isNative || !parts.buckets.isEmpty {
            // A bucket for all is implied.
            if parts.buckets.last?.bound != .infinity { add("_bucket", parts.total, ("le", "+Inf")) }
            add("_sum", parts.native.sum)
            add("_count", parts.total)
        }
        guard isNative else { return }
        if parts.native.count == nil, parts.native.floatCount == nil { parts.native.count = 0 }
        if family.type == "gaugehistogram" { parts.native.resetHint = 3 }
        let exemplars = parts.exemplars.isEmpty ? parts.buckets.flatMap(\.exemplars) : parts.exemplars
        samples.append(.init(labels: series(""), value: parts.total, timestamp: timestamp, exemplars: exemplars, histogram: parts.native))
    }

    private func field(_ inner: inout WireReader, _ bytes: Span<UInt8>, _ parts: inout Parts) throws(WireError) {
        switch inner.number {
        case 1: parts.native.count = try inner.varint(bytes)
        case 2: parts.native.sum = try inner.double(bytes)
        case 3: parts.buckets.append(try bucket(&inner, bytes))
        case 4:
            parts.native.floatCount = try inner.double(bytes)
            parts.native.count = nil
        case 5:
            parts.native.schema = Int32(truncatingIfNeeded: try inner.zigzag(bytes))
            parts.hasSchema = true
        case 6: parts.native.zeroThreshold = try inner.double(bytes)
        case 7: parts.native.zeroCount = try inner.varint(bytes)
        case 8: parts.native.floatZeroCount = try inner.double(bytes)
        case 9: parts.native.negativeSpans.append(try NativeHistogram.span(&inner, bytes))
        case 10: try inner.repeated(bytes, .varint) { (r, b) throws(WireError) in parts.native.negativeDeltas.append(try r.zigzag(b)) }
        case 11: try inner.repeated(bytes, .fixed64) { (r, b) throws(WireError) in parts.native.negativeCounts.append(try r.double(b)) }
        case 12: parts.native.positiveSpans.append(try NativeHistogram.span(&inner, bytes))
        case 13: try inner.repeated(bytes, .varint) { (r, b) throws(WireError) in parts.native.positiveDeltas.append(try r.zigzag(b)) }
        case 14: try inner.repeated(bytes, .fixed64) { (r, b) throws(WireError) in parts.native.positiveCounts.append(try r.double(b)) }
        case 16: parts.exemplars.append(try exemplar(&inner, bytes))
        default: try inner.skip(bytes)
        }
    }

    private func bucket(
        _ reader: inout WireReader, _ bytes: Span<UInt8>
    ) throws(WireError) -> (bound: Double, count: Double, exemplars: [ProtobufPage.Exemplar]) {
        try reader.expect(.bytes)
        var inner = try reader.message(bytes)
        var bucket: (bound: Double, count: Double, exemplars: [ProtobufPage.Exemplar]) = (0, 0, [])
        while try inner.next(bytes) {
            switch inner.number {
            case 1: bucket.count = Double(try inner.varint(bytes))
            case 2: bucket.bound = try inner.double(bytes)
            case 3: bucket.exemplars.append(try exemplar(&inner, bytes))
            case 4: bucket.count = try inner.double(bytes)
            default: try inner.skip(bytes)
            }
        }
        return bucket
    }

    private func exemplar(_ reader: inout WireReader, _ bytes: Span<UInt8>) throws(WireError) -> ProtobufPage.Exemplar {
        try reader.expect(.bytes)
        var inner = try reader.message(bytes)
        var labels: [(String, String)] = []
        var exemplar = ProtobufPage.Exemplar(labels: [:], value: 0, timestamp: nil)
        while try inner.next(bytes) {
            switch inner.number {
            case 1: labels.append(try pair(&inner, bytes))
            case 2: exemplar.value = try inner.double(bytes)
            case 3:
                try inner.expect(.bytes)
                exemplar.timestamp = try MetricBuilder.time(try inner.message(bytes), bytes)
            default: try inner.skip(bytes)
            }
        }
        exemplar.labels = Labels(labels)
        return exemplar
    }

    /// A `google.protobuf.Timestamp` in milliseconds.
    private static func time(_ message: WireReader, _ bytes: Span<UInt8>) throws(WireError) -> Int64 {
        var reader = message
        var seconds: Int64 = 0
        var nanoseconds: Int64 = 0
        while try reader.next(bytes) {
            switch reader.number {
            case 1: seconds = Int64(bitPattern: try reader.varint(bytes))
            case 2: nanoseconds = Int64(bitPattern: try reader.varint(bytes))
            default: try reader.skip(bytes)
            }
        }
        return seconds &* 1000 &+ nanoseconds / 1_000_000
    }

    /// The text of a bucket's bound or a quantile, always with a point.
    static func bound(_ value: Double) -> String { value == .infinity ? "+Inf" : value == -.infinity ? "-Inf" : value.isNaN ? "NaN" : value.description }
}
