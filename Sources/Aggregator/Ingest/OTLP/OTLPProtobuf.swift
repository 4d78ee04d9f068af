import JSON
import ProtoWire

/// Reads an export request in its binary form.
enum OTLPProtobuf {
    static func read(_ bytes: Span<UInt8>) throws(WireError) -> OTLPRequest {
        var request = OTLPRequest()
        var reader = WireReader(bytes)
        while try reader.next(bytes) {
            guard reader.number == 1 else {
                try reader.skip(bytes)
                continue
            }
            request.resources.append(try resource(bytes, try message(&reader, bytes)))
        }
        return request
    }

    static func message(_ reader: inout WireReader, _ bytes: Span<UInt8>) throws(WireError) -> WireReader {
        try reader.expect(.bytes)
        return try reader.message(bytes)
    }

    private static func resource(_ bytes: Span<UInt8>, _ message: WireReader) throws(WireError) -> OTLPResource {
        var reader = message
        var resource = OTLPResource()
        while try reader.next(bytes) {
            switch reader.number {
            case 1:
                var inner = try self.message(&reader, bytes)
                while try inner.next(bytes) {
                    if inner.number == 1 { resource.attributes.append(try attribute(&inner, bytes)) } else { try inner.skip(bytes) }
                }
            case 2: resource.scopes.append(try scope(bytes, try self.message(&reader, bytes)))
            default: try reader.skip(bytes)
            }
        }
        return resource
    }

    private static func scope(_ bytes: Span<UInt8>, _ message: WireReader) throws(WireError) -> OTLPScope {
        var reader = message
        var scope = OTLPScope()
        while try reader.next(bytes) {
            switch reader.number {
            case 1:
                var inner = try self.message(&reader, bytes)
                while try inner.next(bytes) {
                    switch inner.number {
                    case 1: scope.name = try inner.string(bytes)
                    case 2: scope.version = try inner.string(bytes)
                    default: try inner.skip(bytes)
                    }
                }
            case 2: scope.metrics.append(try metric(bytes, try self.message(&reader, bytes)))
            default: try reader.skip(bytes)
            }
        }
        return scope
    }

    private static func metric(_ bytes: Span<UInt8>, _ message: WireReader) throws(WireError) -> OTLPMetric {
        var reader = message
        var metric = OTLPMetric()
        while try reader.next(bytes) {
            switch reader.number {
            case 1: metric.name = try reader.string(bytes)
            case 2: metric.description = try reader.string(bytes)
            case 3: metric.unit = try reader.string(bytes)
            case 5: try data(&reader, bytes, .gauge, &metric)
            case 7: try data(&reader, bytes, .sum, &metric)
            case 9: try data(&reader, bytes, .histogram, &metric)
            case 10: try data(&reader, bytes, .exponentialHistogram, &metric)
            case 11: try data(&reader, bytes, .summary, &metric)
            default: try reader.skip(bytes)
            }
        }
        return metric
    }

    /// Gauge, Sum, Histogram, ExponentialHistogram, Summary: points 1, temporality 2, is_monotonic 3.
    private static func data(
        _ reader: inout WireReader, _ bytes: Span<UInt8>, _ kind: OTLPMetric.Kind, _ metric: inout OTLPMetric
    ) throws(WireError) {
        metric.kind = kind
        var inner = try message(&reader, bytes)
        while try inner.next(bytes) {
            switch inner.number {
            case 1:
                let point = try message(&inner, bytes)
                switch kind {
                case .histogram: metric.points.append(try histogramPoint(bytes, point))
                case .exponentialHistogram: metric.points.append(try exponentialPoint(bytes, point))
                case .summary: metric.points.append(try summaryPoint(bytes, point))
                case .none, .gauge, .sum: metric.points.append(try numberPoint(bytes, point))
                }
            case 2: metric.temporality = .init(rawValue: try inner.varint(bytes)) ?? .unspecified
            case 3: metric.isMonotonic = try inner.varint(bytes) != 0
            default: try inner.skip(bytes)
            }
        }
    }

    private static func numberPoint(_ bytes: Span<UInt8>, _ message: WireReader) throws(WireError) -> OTLPPoint {
        var reader = message
        var point = OTLPPoint()
        while try reader.next(bytes) {
            switch reader.number {
            case 3: point.time = try reader.fixed64(bytes)
            case 4: point.value = try reader.double(bytes)
            case 5: point.exemplars.append(try exemplar(&reader, bytes))
            case 6: point.value = Double(Int64(bitPattern: try reader.fixed64(bytes)))
            case 7: point.attributes.append(try attribute(&reader, bytes))
            case 8: point.flags = try reader.varint(bytes)
            default: try reader.skip(bytes)
            }
        }
        return point
    }

    private static func histogramPoint(_ bytes: Span<UInt8>, _ message: WireReader) throws(WireError) -> OTLPPoint {
        var reader = message
        var point = OTLPPoint()
        while try reader.next(bytes) {
            switch reader.number {
            case 3: point.time = try reader.fixed64(bytes)
            case 4: point.count = try reader.fixed64(bytes)
            case 5: point.sum = try reader.double(bytes)
            case 6: try reader.repeated(bytes, .fixed64) { (r, b) throws(WireError) in point.bucketCounts.append(try r.fixed64(b)) }
            case 7: try reader.repeated(bytes, .fixed64) { (r, b) throws(WireError) in point.explicitBounds.append(try r.double(b)) }
            case 8: point.exemplars.append(try exemplar(&reader, bytes))
            case 9: point.attributes.append(try attribute(&reader, bytes))
            case 10: point.flags = try reader.varint(bytes)
            default: try reader.skip(bytes)
            }
        }
        return point
    }

    private static func exponentialPoint(_ bytes: Span<UInt8>, _ message: WireReader) throws(WireError) -> OTLPPoint {
        var reader = message
        var point = OTLPPoint()
        while try reader.next(bytes) {
            switch reader.number {
            case 1: point.attributes.append(try attribute(&reader, bytes))
            case 3: point.time = try reader.fixed64(bytes)
            case 4: point.count = try reader.fixed64(bytes)
            case 5: point.sum = try reader.double(bytes)
            case 6: point.scale = Int32(truncatingIfNeeded: try reader.zigzag(bytes))
            case 7: point.zeroCount = try reader.fixed64(bytes)
            case 8: point.positive = try buckets(&reader, bytes)
            case 9: point.negative = try buckets(&reader, bytes)
            case 10: point.flags = try reader.varint(bytes)
            case 11: point.exemplars.append(try exemplar(&reader, bytes))
            case 14: point.zeroThreshold = try reader.double(bytes)
            default: try reader.skip(bytes)
            }
        }
        return point
    }

    private static func buckets(_ reader: inout WireReader, _ bytes: Span<UInt8>) throws(WireError) -> OTLPBuckets {
        var inner = try message(&reader, bytes)
        var buckets = OTLPBuckets()
        while try inner.next(bytes) {
            switch inner.number {
            case 1: buckets.offset = Int32(truncatingIfNeeded: try inner.zigzag(bytes))
            case 2: try inner.repeated(bytes, .varint) { (r, b) throws(WireError) in buckets.counts.append(try r.varint(b)) }
            default: try inner.skip(bytes)
            }
        }
        return buckets
    }

    private static func summaryPoint(_ bytes: Span<UInt8>, _ message: WireReader) throws(WireError) -> OTLPPoint {
        var reader = message
        var point = OTLPPoint()
        while try reader.next(bytes) {
            switch reader.number {
            case 3: point.time = try reader.fixed64(bytes)
            case 4: point.count = try reader.fixed64(bytes)
            case 5: point.sum = try reader.double(bytes)
            case 6:
                var inner = try self.message(&reader, bytes)
                var quantile = (quantile: 0.0, value: 0.0)
                while try inner.next(bytes) {
                    switch inner.number {
                    case 1: quantile.quantile = try inner.double(bytes)
                    case 2: quantile.value = try inner.double(bytes)
                    default: try inner.skip(bytes)
                    }
                }
                point.quantiles.append(quantile)
            case 7: point.attributes.append(try attribute(&reader, bytes))
            case 8: point.flags = try reader.varint(bytes)
            default: try reader.skip(bytes)
            }
        }
        return point
    }

    private static func exemplar(_ reader: inout WireReader, _ bytes: Span<UInt8>) throws(WireError) -> OTLPExemplar {
        var inner = try message(&reader, bytes)
        var exemplar = OTLPExemplar()
        while try inner.next(bytes) {
            switch inner.number {
            case 2: exemplar.time = try inner.fixed64(bytes)
            case 3: exemplar.value = try inner.double(bytes)
            case 4: exemplar.spanID = hexadecimal(bytes, try inner.range(bytes))
            case 5: exemplar.traceID = hexadecimal(bytes, try inner.range(bytes))
            case 6: exemplar.value = Double(Int64(bitPattern: try inner.fixed64(bytes)))
            case 7: exemplar.attributes.append(try attribute(&inner, bytes))
            default: try inner.skip(bytes)
            }
        }
        return exemplar
    }

    static func hexadecimal(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for place in range.prefix(32) { text += [digits[Int(bytes[place] >> 4)], digits[Int(bytes[place] & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }

    static func attribute(_ reader: inout WireReader, _ bytes: Span<UInt8>) throws(WireError) -> OTLPAttribute {
        var inner = try message(&reader, bytes)
        let (key, value) = try pair(&inner, bytes, depth: 0)
        return OTLPAttribute(key: key, value: OTLPJSON.text(of: value))
    }

    /// A `KeyValue`: key 1, value 2.
    private static func pair(_ reader: inout WireReader, _ bytes: Span<UInt8>, depth: Int) throws(WireError) -> (String, JSON) {
        var key = ""
        var value = JSON.null
        while try reader.next(bytes) {
            switch reader.number {
            case 1: key = try reader.string(bytes)
            case 2: value = try any(try message(&reader, bytes), bytes, depth: depth)
            default: try reader.skip(bytes)
            }
        }
        return (key, value)
    }

    /// An `AnyValue`: text 1, boolean 2, whole number 3, number 4, list 5, map 6, bytes 7. Deeper than 16 it is left out.
    static func any(_ message: WireReader, _ bytes: Span<UInt8>, depth: Int) throws(WireError) -> JSON {
        guard depth < 16 else { return .null }
        var reader = message
        var value = JSON.null
        while try reader.next(bytes) {
            switch reader.number {
            case 1: value = .string(try reader.string(bytes))
            case 2: value = .bool(try reader.varint(bytes) != 0)
            case 3: value = .integer(Int64(bitPattern: try reader.varint(bytes)))
            case 4: value = .number(try reader.double(bytes))
            case 5:
                var inner = try self.message(&reader, bytes)
                var elements: [JSON] = []
                while try inner.next(bytes) {
                    if inner.number == 1 {
                        elements.append(try any(try self.message(&inner, bytes), bytes, depth: depth + 1))
                    } else {
                        try inner.skip(bytes)
                    }
                }
                value = .array(elements)
            case 6:
                var inner = try self.message(&reader, bytes)
                var members: [(String, JSON)] = []
                while try inner.next(bytes) {
                    guard inner.number == 1 else {
                        try inner.skip(bytes)
                        continue
                    }
                    var member = try self.message(&inner, bytes)
                    members.append(try pair(&member, bytes, depth: depth + 1))
                }
                value = .object(members)
            case 7: value = .string(hexadecimal(bytes, try reader.range(bytes)))
            default: try reader.skip(bytes)
            }
        }
        return value
    }
}
