import Gzip
import HTTP
import ProtoWire
import Snappy
import Telemetry
import TestKit
import Testing

@testable import Ingest

@Suite struct LokiPushTests {
    private static let path = "/loki/api/v1/push"

    @Test(arguments: ["/loki/api/v1/push", "/api/prom/push", "/insert/loki/api/v1/push"])
    func `a push in JSON keeps labels, nanoseconds, lines and metadata`(path: String) async {
        let fixture = LogFixture()
        let response = await fixture.post(
            path,
            #"{"streams":[{"stream":{"app":"web","env":"prod"},"values":[["1699999999000000001","GET \"/\" caf\u00e9\n",{"trace":"abc"}],["1699999999000000000","level=error x"]]}]}"#
        )
        #expect(response.status == 204)
        #expect(
            fixture.recorder.lines == [
                #"{app="web", env="prod"} 1699999999000000000 error level=error x {}"#,
                "{app=\"web\", env=\"prod\"} 1699999999000000001 unknown GET \"/\" café\n {trace=\"abc\"}",
            ])
    }

    @Test func `the older form with a text of labels and entries is read, in either order`() async {
        let fixture = LogFixture()
        let response = await fixture.post(
            "/api/prom/push", #"{"streams":[{"entries":[{"ts":"2023-11-14T22:13:19Z","line":"one"}],"labels":"{app=\"a\\\"b\",}"}]}"#)
        #expect(response.status == 204, "\(response.text)")
        #expect(fixture.recorder.lines == [#"{app="a\"b"} 1699999999000000000 unknown one {}"#])
    }

    static func message(_ streams: [(String, [(Int64, Int64, [UInt8], [(String, String)])])]) -> [UInt8] {
        var writer = WireWriter()
        for (labels, entries) in streams {
            writer.message(1) { stream in
                stream.string(1, labels)
                for (seconds, nanoseconds, line, metadata) in entries {
                    stream.message(2) { entry in
                        entry.message(1) {
                            $0.int64(1, seconds)
                            $0.int64(2, nanoseconds)
                        }
                        entry.bytes(2, line)
                        for (name, value) in metadata {
                            entry.message(3) {
                                $0.string(1, name)
                                $0.string(2, value)
                            }
                        }
                    }
                }
                stream.varint(3, 12345)
            }
        }
        return writer.bytes
    }

    @Test func `a push in protobuf and snappy keeps bytes that are no UTF-8`() async {
        let fixture = LogFixture()
        let body = Self.message([(#"{b="2", a="1"}"#, [(1_699_999_999, 7, [0xFF, 0x00, 0x41], [("m", "v")])])])
        let response = await fixture.post(Self.path, Snappy.compress(body), type: "application/x-protobuf")
        #expect(response.status == 204, "\(response.text)")
        #expect(fixture.recorder.batches.map(\.stream) == [["a": "1", "b": "2"]])
        #expect(fixture.recorder.records == [LogRecord(time: 1_699_999_999_000_000_007, body: [0xFF, 0x00, 0x41], fields: ["m": "v"])])
    }

    @Test func `a request that comes again within ten minutes is acknowledged and not stored again, also by another process`() async {
        let fixture = LogFixture()
        let body = #"{"streams":[{"stream":{"a":"1"},"values":[["1","x"],["1","x"]]},{"stream":{"a":"2"},"values":[["1","x"]]}]}"#
        #expect(await fixture.post(Self.path, body).status == 204)
        #expect(await fixture.post(Self.path, body).status == 204)
        #expect(fixture.recorder.records.count == 3)
        let second = LogFixture(recorder: fixture.recorder)
        #expect(await second.post(Self.path, body).status == 204)
        #expect(fixture.recorder.records.count == 3)
        // Another request with the same line is another line.
        #expect(await fixture.post(Self.path, body + " ").status == 204)
        #expect(fixture.recorder.records.count == 6)
    }

    @Test func `a request that the store refused is stored when it comes again`() async {
        var limits = LogIngestLimits()
        limits.patience = .zero
        let fixture = LogFixture(limits: limits)
        fixture.recorder.refuse(.overloaded("full"), .unavailable("no space"))
        let body = #"{"streams":[{"stream":{"a":"1"},"values":[["1","x"]]}]}"#
        let first = await fixture.post(Self.path, body)
        #expect(first.status == 429)
        #expect(first.fields["Retry-After"] == "1")
        #expect(await fixture.post(Self.path, body).status == 503)
        #expect(await fixture.post(Self.path, body).status == 204)
        #expect(fixture.recorder.records.count == 1)
    }

    @Test(arguments: [
        (#"{"streams":[{"stream":{"a":"1"},"values":[["1","kept?"],[2,"x"]]}]}"#, "time stamp is no text"),
        (#"{"streams":[{"stream":{"a":"1"},"values":[["1.5","x"]]}]}"#, "no whole number"),
        (#"{"streams":[{"stream":{"a":"1"},"values":[["1","x",{"a":{"b":1}}]]}]}"#, "value of a is no text"),
        (#"{"streams":[{"stream":{"a":"1"},"values":[["1",5]]}]}"#, "line is no text"),
        (#"{"streams":[{"stream":{},"values":[["1","x"]]}]}"#, "no labels"),
        (#"{"streams":[{"stream":{"a-b":"1"},"values":[["1","x"]]}]}"#, "no label name"),
        (#"{"streams":[{"labels":"{a=}","entries":[]}]}"#, "expected a value in quotes"),
        (#"{"streams":[{"values":[["1","x"]]}]}"#, "no labels"),
        (#"{"streams":[{"stream":{"a":"1"},"values":[["1","x"]]}]} x"#, "document's end"),
        (#"{"streams":5}"#, "no list"), ("[]", "no push request"), ("", "no push request"),
        (#"{"streams":[{"stream":{"a":"1"},"values":[["1","x\q"]]}]}"#, "unknown escape"),
    ])
    func `a wrong push is refused whole, and told why`(body: String, reason: String) async {
        let fixture = LogFixture()
        let response = await fixture.post(Self.path, body)
        #expect(response.status == 400)
        #expect(response.text.contains(reason), "\(response.text)")
        #expect(fixture.recorder.batches.isEmpty)
    }

    @Test func `bombs and lying lengths end early`() async {
        var limits = LogIngestLimits()
        limits.unpackedBytes = 1 << 20
        limits.lineBytes = 1000
        let fixture = LogFixture(limits: limits)
        let zeros = [UInt8](repeating: 0x20, count: 4 << 20)
        #expect(await fixture.post(Self.path, Snappy.compress(zeros), type: "application/x-protobuf").status == 413)
        #expect(await fixture.post(Self.path, GzipCompressor().compress(zeros), type: "application/json", encoding: "gzip").status == 413)
        // It says that it unpacks to 4 GiB.
        #expect([400, 413].contains(await fixture.post(Self.path, [0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x00], type: "application/x-protobuf").status))
        let deep = Array((#"{"streams":[{"stream":{"a":"1"},"x":"# + String(repeating: "[", count: 100_000)).utf8)
        #expect(await fixture.post(Self.path, deep, type: "application/json").status == 400)
        let long = #"{"streams":[{"stream":{"a":"1"},"values":[["1",""# + String(repeating: "x", count: 1001) + #""]]}]}"#
        #expect(await fixture.post(Self.path, long).text.contains("1001 bytes"))
        #expect(fixture.recorder.batches.isEmpty)
    }

    @Test func `a hundred thousand streams in one push come in`() async {
        let fixture = LogFixture()
        let streams = (0..<100_000).map { (#"{id="\#($0)"}"#, [(Int64(1), Int64(0), Array("x".utf8), [(String, String)]())]) }
        #expect(await fixture.post(Self.path, Snappy.compress(Self.message(streams)), type: "application/x-protobuf").status == 204)
        #expect(Set(fixture.recorder.batches.map(\.stream)).count == 100_000)
    }

    @Test func `cut and flipped pushes never end the process`() async {
        var generator = SeededGenerator(seed: 20_261_124)
        let fixture = LogFixture()
        let binary = Self.message([(#"{b="2", a="1"}"#, [(1, 7, Array("line one".utf8), [("m", "v")]), (2, 0, Array("two".utf8), [])])])
        let text = Array(#"{"streams":[{"stream":{"a":"1"},"values":[["1","x \u00e9\n",{"k":"v"}],["2","y"]]}]}"#.utf8)
        for round in 0..<4000 {
            var body = round % 2 == 0 ? binary : text
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<body.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: body[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: body.removeSubrange(place...)
                default: body.insert(UInt8.random(in: 0...255, using: &generator), at: place)
                }
                if body.isEmpty { body = [0x7B] }
            }
            let response = await fixture.post(
                Self.path, round % 2 == 0 ? Snappy.compress(body) : body, type: round % 2 == 0 ? "application/x-protobuf" : "application/json")
            #expect([204, 400].contains(response.status), "round \(round)")
            // And the block itself, damaged.
            var block = Snappy.compress(binary)
            block[Int.random(in: 0..<block.count, using: &generator)] ^= UInt8.random(in: 1...255, using: &generator)
            #expect([204, 400, 413].contains(await fixture.post(Self.path, block, type: "application/x-protobuf").status))
        }
    }
}
