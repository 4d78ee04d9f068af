import HTTP
import JSON
import ProtoWire
import Telemetry
import TestKit
import Testing

@testable import Ingest

@Suite struct OTLPLogsTests {
    /// A `KeyValue` of a text.
    private static func pair(_ writer: inout WireWriter, _ field: Int, _ key: String, _ value: String) {
        writer.message(field) {
            $0.string(1, key)
            $0.message(2) { $0.string(1, value) }
        }
    }

    static let request: [UInt8] = {
        var writer = WireWriter()
        writer.message(1) { resource in
            resource.message(1) {
                pair(&$0, 1, "service.name", "shop")
                pair(&$0, 1, "k8s.pod.name", "web-1")
                pair(&$0, 1, "process.pid", "7")
            }
            resource.message(2) { scope in
                scope.message(1) { $0.string(1, "lib") }
                scope.message(2) { record in
                    record.fixed64(1, 1_699_999_999_000_000_001)
                    record.varint(2, 17)
                    record.message(5) { $0.bytes(1, [0x68, 0x69, 0xFF]) }
                    pair(&record, 6, "http.status", "500")
                    record.bytes(9, [0xAB, 0xCD])
                    record.bytes(10, [0x01])
                }
                scope.message(2) { record in
                    record.fixed64(11, 1_699_999_998_000_000_000)
                    record.string(3, "WARN")
                    record.message(5) { body in
                        body.message(6) { pair(&$0, 1, "a", "b") }
                    }
                }
            }
        }
        return writer.bytes
    }()

    @Test(arguments: ["/v1/logs", "/otlp/v1/logs", "/insert/opentelemetry/v1/logs"])
    func `a binary request keeps bodies, severities, ids and attributes`(path: String) async {
        let fixture = LogFixture()
        let response = await fixture.post(path, Self.request, type: "application/x-protobuf")
        #expect(response.status == 200)
        #expect(response.bytes.isEmpty)
        #expect(fixture.recorder.batches.map(\.stream) == [["service_name": "shop", "k8s_pod_name": "web-1"]])
        #expect(
            fixture.recorder.records == [
                LogRecord(
                    time: 1_699_999_999_000_000_001, severity: .error, body: [0x68, 0x69, 0xFF],
                    fields: ["process_pid": "7", "scope_name": "lib", "http_status": "500", "trace_id": "abcd", "span_id": "01"]),
                LogRecord(
                    time: 1_699_999_998_000_000_000, severity: .warning, body: Array(#"{"a":"b"}"#.utf8),
                    fields: ["process_pid": "7", "scope_name": "lib", "severity_text": "WARN"]),
            ])
    }

    @Test func `JSON says the same, with hexadecimal ids and numbers as texts`() async {
        let fixture = LogFixture()
        let body = """
            {"resourceLogs":[{"resource":{"attributes":[{"key":"x.y","value":{"intValue":"5"}}]},"scopeLogs":[{"scope":{"name":"lib"},"logRecords":[
            {"timeUnixNano":"1699999999000000001","severityNumber":9,"body":{"stringValue":"hi"},"traceId":"abcd","attributes":[{"key":"l","value":{"arrayValue":{"values":[{"boolValue":true}]}}}]},
            {"body":{"kvlistValue":{"values":[{"key":"k","value":{"doubleValue":1.5}}]}}}]}]}]}
            """
        let response = await fixture.post("/v1/logs", body)
        #expect(response.status == 200)
        #expect(response.text == "{}")
        #expect(
            fixture.recorder.lines == [
                #"{service_name="unknown_service"} 1699999999000000001 info hi {l="[true]", scope_name="lib", trace_id="abcd", x_y="5"}"#,
                #"{service_name="unknown_service"} \#(LogFixture.now) unknown {"k":1.5} {scope_name="lib", x_y="5"}"#,
            ])
    }

    @Test func `lines that are too long are a partial success`() async throws {
        var limits = LogIngestLimits()
        limits.lineBytes = 2
        let fixture = LogFixture(limits: limits)
        let body = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"long"}},{"body":{"stringValue":"ok"}}]}]}]}"#
        let response = await fixture.post("/v1/logs", body)
        #expect(response.status == 200)
        #expect(try JSON.parse(response.bytes)["partialSuccess"]["rejectedLogRecords"] == "1")
        #expect(fixture.recorder.records.count == 1)
    }

    @Test func `bad requests and unknown types are refused, damaged ones end nothing`() async {
        let fixture = LogFixture()
        #expect(await fixture.post("/v1/logs", "x").status == 400)
        #expect(await fixture.post("/v1/logs", [1, 2], type: "text/plain").status == 415)
        #expect(await fixture.post("/v1/logs", [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F], type: "application/x-protobuf").status == 400)
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<5000 {
            var body = Self.request
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                body[Int.random(in: 0..<body.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            if Bool.random(using: &generator) { body.removeLast(Int.random(in: 0..<body.count, using: &generator)) }
            #expect([200, 400].contains(await fixture.post("/v1/logs", body, type: "application/x-protobuf").status))
        }
    }
}
