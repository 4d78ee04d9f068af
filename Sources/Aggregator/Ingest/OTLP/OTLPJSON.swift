import JSON

/// Reads an export request in its JSON form: names in lowerCamelCase, 64-bit numbers as texts, enumerations as numbers
/// (or, from some senders, by name). (OpenTelemetry, "OTLP/HTTP", JSON Protobuf encoding.)
enum OTLPJSON {
    static func read(_ document: JSON) throws(IngestError) -> OTLPRequest {
        guard document.object != nil else { throw IngestError(400, "the request is no JSON object") }
        var request = OTLPRequest()
        for resource in document["resourceMetrics"].elements {
            var made = OTLPResource(attributes: attributes(resource["resource"]["attributes"]))
            for scope in resource["scopeMetrics"].elements {
                made.scopes.append(
                    OTLPScope(
                        name: scope["scope"]["name"].string ?? "", version: scope["scope"]["version"].string ?? "",
                        metrics: try metrics(scope["metrics"].elements)))
            }
            request.resources.append(made)
        }
        return request
    }

    private static func metrics(_ elements: [JSON]) throws(IngestError) -> [OTLPMetric] {
        var metrics: [OTLPMetric] = []
        for element in elements {
            var metric = OTLPMetric()
            metric.name = element["name"].string ?? ""
            metric.description = element["description"].string ?? ""
            metric.unit = element["unit"].string ?? ""
            let kinds: [(String, OTLPMetric.Kind)] = [
                ("gauge", .gauge), ("sum", .sum), ("histogram", .histogram), ("exponentialHistogram", .exponentialHistogram), ("summary", .summary),
            ]
            for (name, kind) in kinds where element[name].object != nil {
                metric.kind = kind
                metric.isMonotonic = element[name]["isMonotonic"].bool ?? false
                metric.temporality = temporality(element[name]["aggregationTemporality"])
                for point in element[name]["dataPoints"].elements { metric.points.append(try self.point(point)) }
            }
            metrics.append(metric)
        }
        return metrics
    }

    private static func temporality(_ value: JSON) -> OTLPMetric.Temporality {
        switch value.string {
        case "AGGREGATION_TEMPORALITY_DELTA": .delta
        case "AGGREGATION_TEMPORALITY_CUMULATIVE": .cumulative
        default: .init(rawValue: UInt64(clamping: value.int ?? 0)) ?? .unspecified
        }
    }

    private static func point(_ value: JSON) throws(IngestError) -> OTLPPoint {
        var point = OTLPPoint()
        point.attributes = attributes(value["attributes"])
        point.time = try whole(value["timeUnixNano"], "timeUnixNano")
        point.flags = UInt64(clamping: value["flags"].int ?? 0)
        if !value["asDouble"].isNull {
            point.value = try number(value["asDouble"], "asDouble")
        } else if !value["asInt"].isNull {
            point.value = try number(value["asInt"], "asInt")
        }
        point.count = try whole(value["count"], "count")
        if !value["sum"].isNull { point.sum = try number(value["sum"], "sum") }
        for count in value["bucketCounts"].elements { point.bucketCounts.append(try whole(count, "bucketCounts")) }
        for bound in value["explicitBounds"].elements { point.explicitBounds.append(try number(bound, "explicitBounds")) }
        point.scale = Int32(clamping: value["scale"].int ?? 0)
        point.zeroCount = try whole(value["zeroCount"], "zeroCount")
        point.zeroThreshold = value["zeroThreshold"].double ?? 0
        point.positive = try buckets(value["positive"])
        point.negative = try buckets(value["negative"])
        for quantile in value["quantileValues"].elements {
            let place = quantile["quantile"].isNull ? 0 : try number(quantile["quantile"], "quantile")
            point.quantiles.append((place, quantile["value"].isNull ? 0 : try number(quantile["value"], "value")))
        }
        for exemplar in value["exemplars"].elements { point.exemplars.append(try self.exemplar(exemplar)) }
        return point
    }

    private static func exemplar(_ value: JSON) throws(IngestError) -> OTLPExemplar {
        var exemplar = OTLPExemplar(attributes: attributes(value["filteredAttributes"]))
        exemplar.time = try whole(value["timeUnixNano"], "timeUnixNano")
        if !value["asDouble"].isNull { exemplar.value = try number(value["asDouble"], "asDouble") }
        if !value["asInt"].isNull { exemplar.value = try number(value["asInt"], "asInt") }
        exemplar.traceID = value["traceId"].string ?? ""
        exemplar.spanID = value["spanId"].string ?? ""
        return exemplar
    }

    private static func buckets(_ value: JSON) throws(IngestError) -> OTLPBuckets {
        var buckets = OTLPBuckets(offset: Int32(clamping: value["offset"].int ?? 0))
        for count in value["bucketCounts"].elements { buckets.counts.append(try whole(count, "bucketCounts")) }
        return buckets
    }

    /// A number that is not negative; absent is 0.
    static func whole(_ value: JSON, _ name: String) throws(IngestError) -> UInt64 {
        if value.isNull { return 0 }
        if let text = value.string, let number = UInt64(text) { return number }
        if let number = value.int, number >= 0 { return UInt64(number) }
        throw IngestError(400, "\(name) is no whole number")
    }

    private static func number(_ value: JSON, _ name: String) throws(IngestError) -> Double {
        if let number = value.double { return number }
        switch value.string {
        case "NaN": return Double(bitPattern: 0x7ff8_0000_0000_0001)
        case "Infinity": return .infinity
        case "-Infinity": return -.infinity
        case let text?: if let number = Double(text) { return number }
        case nil: break
        }
        throw IngestError(400, "\(name) is no number")
    }

    static func attributes(_ list: JSON) -> [OTLPAttribute] {
        list.elements.map { OTLPAttribute(key: $0["key"].string ?? "", value: text(of: plain($0["value"], depth: 0))) }
    }

    /// An `AnyValue` without its wrapping.
    static func plain(_ value: JSON, depth: Int) -> JSON {
        guard depth < 16 else { return .null }
        for (kind, inner) in value.members {
            switch kind {
            case "stringValue", "boolValue", "doubleValue", "bytesValue": return inner
            case "intValue": return inner.string.flatMap { Int64($0) }.map { .integer($0) } ?? inner
            case "arrayValue": return .array(inner["values"].elements.map { plain($0, depth: depth + 1) })
            case "kvlistValue": return .object(inner["values"].elements.map { ($0["key"].string ?? "", plain($0["value"], depth: depth + 1)) })
            default: continue
            }
        }
        return .null
    }

    /// A value as a label shows it.
    static func text(of value: JSON) -> String {
        switch value {
        case .string(let text): text
        case .null: ""
        default: String(decoding: value.bytes(), as: UTF8.self)
        }
    }
}
