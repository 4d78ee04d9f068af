import Exposition
import HTTP
import JSON
import ProtoWire
import SeriesStore
import Telemetry
import Testing

@testable import Ingest

@Suite struct OTLPTests {
    static func point(_ attributes: [(String, String)], _ time: UInt64, attributeField: Int = 7, _ more: (inout WireWriter) -> Void) -> [UInt8] {
        var writer = WireWriter()
        writer.fixed64(3, time)
        for (key, value) in attributes { writer.bytes(attributeField, attribute(key, value)) }
        more(&writer)
        return writer.bytes
    }

    static func attribute(_ key: String, _ value: String) -> [UInt8] {
        var writer = WireWriter()
        writer.string(1, key)
        writer.message(2) { $0.string(1, value) }
        return writer.bytes
    }

    static func request(_ metrics: [(name: String, unit: String, field: Int, points: [[UInt8]], temporality: UInt64?, isMonotonic: Bool)]) -> [UInt8] {
        var writer = WireWriter()
        writer.message(1) { resource in
            resource.message(1) {
                for (key, value) in [("service.name", "shop"), ("service.namespace", "eu"), ("service.instance.id", "i-1"), ("host.name", "h")] {
                    $0.bytes(1, attribute(key, value))
                }
            }
            resource.message(2) { scope in
                for metric in metrics {
                    scope.message(2) { message in
                        message.string(1, metric.name)
                        message.string(3, metric.unit)
                        message.message(metric.field) { data in
                            for point in metric.points { data.bytes(1, point) }
                            if let temporality = metric.temporality { data.varint(2, temporality) }
                            if metric.isMonotonic { data.varint(3, 1) }
                        }
                    }
                }
            }
        }
        return writer.bytes
    }

    static let second: UInt64 = 1_000_000_000

    @Test func `each kind becomes the series that Prometheus would have`() async throws {
        let histogram = Self.point([("a.b", "c")], 5 * Self.second, attributeField: 9) {
            $0.fixed64(4, 6)
            $0.double(5, 12.5)
            for count in [1, 2, 3] as [UInt64] { $0.fixed64(6, count) }
            $0.packed(7, [0.5, 1])
        }
        let exponential = Self.point([], 5 * Self.second, attributeField: 1) {
            $0.fixed64(4, 7)
            $0.double(5, 3)
            $0.zigzag(6, 1)
            $0.fixed64(7, 1)
            $0.message(8) {
                $0.zigzag(1, -1)
                $0.packed(2, [2, 0, 0, 4] as [UInt64])
            }
        }
        let summary = Self.point([], 5 * Self.second) {
            $0.fixed64(4, 2)
            $0.double(5, 9)
            $0.message(6) {
                $0.double(1, 0.5)
                $0.double(2, 4)
            }
        }
        let body = Self.request([
            ("http.requests", "{request}", 7, [Self.point([("code", "200")], 5 * Self.second) { $0.fixed64(6, 41) }], 2, true),
            ("mem.used", "By", 5, [Self.point([], 5 * Self.second) { $0.double(4, 0.25) }], nil, false),
            ("duration", "ms", 9, [histogram], 2, false), ("size", "", 10, [exponential], 2, false), ("rpc", "s", 11, [summary], nil, false),
            ("gone", "", 5, [Self.point([], 5 * Self.second) { $0.varint(8, 1) }], nil, false),
        ])
        let fixture = Fixture()
        let response = await fixture.post("/api/v1/otlp/v1/metrics", body, type: "application/x-protobuf")
        #expect(response.status == 200)
        #expect(response.bytes.isEmpty)
        let common = "instance=\"i-1\", job=\"eu/shop\""
        #expect(
            fixture.recorder.lines
                == [
                    "duration_milliseconds_bucket{a_b=\"c\", \(common), le=\"+Inf\"} 5000 6.0",
                    "duration_milliseconds_bucket{a_b=\"c\", \(common), le=\"0.5\"} 5000 1.0",
                    "duration_milliseconds_bucket{a_b=\"c\", \(common), le=\"1.0\"} 5000 3.0", "duration_milliseconds_count{a_b=\"c\", \(common)} 5000 6.0",
                    "duration_milliseconds_sum{a_b=\"c\", \(common)} 5000 12.5", "gone{\(common)} 5000 nan(0x2)".replacing("nan(0x2)", with: "\(Double.stale)"),
                    "http_requests_total{code=\"200\", \(common)} 5000 41.0", "mem_used_bytes{\(common)} 5000 0.25",
                    "rpc_seconds_count{\(common)} 5000 2.0", "rpc_seconds_sum{\(common)} 5000 9.0", "rpc_seconds{\(common), quantile=\"0.5\"} 5000 4.0",
                    "target_info{host_name=\"h\", \(common)} 5000 1.0",
                ].sorted())
        let native = try #require(fixture.recorder.batches.first { !$0.histograms.isEmpty })
        #expect(native.series.labels.name == "size")
        let histogramBytes = native.histograms[0].encoded
        let decoded = try NativeHistogram.decode(histogramBytes.span, 0..<histogramBytes.count).histogram
        // Bucket -1 there is 0 here; the third, 2 there, is 3 here.
        #expect(decoded.positiveSpans == [.init(offset: 0, length: 1), .init(offset: 2, length: 1)])
        #expect(decoded.positiveDeltas == [2, 2])
        #expect(decoded.schema == 1)
        #expect(decoded.count == 7)
    }

    @Test func `deltas are refused as a partial success that names them`() async throws {
        let body = Self.request([
            ("d", "", 7, [Self.point([], Self.second) { $0.double(4, 1) }, Self.point([], Self.second) { $0.double(4, 1) }], 1, true),
            ("ok", "", 5, [Self.point([], Self.second) { $0.double(4, 1) }], nil, false),
        ])
        let fixture = Fixture()
        let response = await fixture.post("/v1/metrics", body, type: "application/x-protobuf")
        #expect(response.status == 200)
        let bytes = response.bytes
        var reader = WireReader(bytes.span)
        #expect(try reader.next(bytes.span))
        var partial = try reader.message(bytes.span)
        #expect(try partial.next(bytes.span))
        #expect(try partial.varint(bytes.span) == 2)
        #expect(try partial.next(bytes.span))
        #expect(try partial.string(bytes.span).contains("d has delta temporality"))
        #expect(fixture.recorder.lines.count == 2)
    }

    @Test func `JSON means the same as the binary form`() async {
        let body = """
            {"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}},{"key":"k8s.count","value":{"intValue":"3"}}]},
             "scopeMetrics":[{"scope":{"name":"lib","version":"1"},"metrics":[
              {"name":"req","unit":"1","sum":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_CUMULATIVE","isMonotonic":true,"dataPoints":[
                {"asInt":"9","timeUnixNano":"5000000000","attributes":[{"key":"ok","value":{"boolValue":true}}],
                 "exemplars":[{"timeUnixNano":"4000000000","asDouble":0.5,"traceId":"5b8e","spanId":"eee1"}]}]}},
              {"name":"load","unit":"1","gauge":{"dataPoints":[{"asDouble":0.5,"timeUnixNano":5000000000}]}}]}]}]}
            """
        let fixture = Fixture()
        let response = await fixture.post("/v1/metrics", body, type: "application/json")
        #expect(response.status == 200)
        #expect(response.text == "{}")
        #expect(
            fixture.recorder.lines == [
                "load_ratio{job=\"shop\", otel_scope_name=\"lib\", otel_scope_version=\"1\"} 5000 0.5",
                "req_total{job=\"shop\", ok=\"true\", otel_scope_name=\"lib\", otel_scope_version=\"1\"} 5000 9.0",
                "target_info{job=\"shop\", k8s_count=\"3\"} 5000 1.0",
            ])
        #expect(fixture.recorder.batches.flatMap(\.exemplars) == [.init(labels: ["trace_id": "5b8e", "span_id": "eee1"], timestamp: 4000, value: 0.5)])
    }

    @Test(arguments: [("application/json", "{", 400), ("application/json", "[]", 400), ("application/x-protobuf", "zz", 400), ("text/plain", "", 415)])
    func `bad requests`(type: String, body: String, status: Int) async {
        #expect(await Fixture().post("/v1/metrics", body, type: type).status == status)
    }

    @Test(arguments: [
        ("http.server.duration", "s", OTLPMetric.Kind.histogram, false, "http_server_duration_seconds"),
        ("system.io", "By/s", .gauge, false, "system_io_bytes_per_second"),
        ("jobs.total", "", .sum, true, "jobs_total"), ("jobs_total_seconds", "s", .sum, true, "jobs_seconds_total"), ("2xx", "", .gauge, false, "_2xx"),
        ("a:b", "", .gauge, false, "a:b"),
        ("cpu", "1", .gauge, false, "cpu_ratio"), ("f", "{fault}/s", .sum, false, "f_per_second"),
    ])
    func `names`(name: String, unit: String, kind: OTLPMetric.Kind, isMonotonic: Bool, expected: String) {
        var metric = OTLPMetric()
        (metric.name, metric.unit, metric.kind, metric.isMonotonic) = (name, unit, kind, isMonotonic)
        #expect(OTLPName.metric(metric) == expected)
    }
}
