import Exposition
import HTTP
import ProtoWire
import Runtime
import SeriesStore
import Snappy
import Synchronization
import Telemetry
import Testing

@testable import Ingest

@Suite struct RemoteWriteTests {
    static let up: [(String, String)] = [("__name__", "up"), ("instance", "a:1"), ("job", "x")]

    @Test func `a request of the first protocol is stored bit by bit`() async {
        let fixture = Fixture()
        let odd = Double(bitPattern: 0x7ff8_0000_dead_beef)
        let message =
            Message.series(Self.up, [(1_700_000_000_000, 1), (1_700_000_015_000, .stale)])
            + Message.series([("__name__", "odd")], [(0, -0.0), (253_402_300_799_000, odd), (-1, .infinity)])
        #expect(await fixture.write(message).status == 204)
        #expect(fixture.recorder.batches.map(\.series.labels) == [Labels(Self.up), ["__name__": "odd"]])
        #expect(fixture.recorder.batches[0].samples.map(\.value.bitPattern) == [Double(1).bitPattern, Double.stale.bitPattern])
        #expect(fixture.recorder.batches[1].samples.map(\.timestamp) == [0, 253_402_300_799_000, -1])
        #expect(fixture.recorder.batches[1].samples[1].value.bitPattern == odd.bitPattern)
        #expect(fixture.recorder.batches[1].samples[0].value.sign == .minus)
    }

    @Test func `the bytes that a real sender makes are read`() async {
        // prometheus.WriteRequest with up{job="a"} 1 at 1000 ms, written out by hand from the field numbers.
        let message: [UInt8] = [
            0x0A, 0x29, 0x0A, 0x0E, 0x0A, 0x08, 0x5F, 0x5F, 0x6E, 0x61, 0x6D, 0x65, 0x5F, 0x5F, 0x12, 0x02, 0x75, 0x70, 0x0A, 0x08, 0x0A, 0x03, 0x6A,
            0x6F, 0x62, 0x12, 0x01, 0x61, 0x12, 0x0C, 0x09, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0x10, 0xE8, 0x07, 0x00,
        ]
        let fixture = Fixture()
        #expect(await fixture.write(Array(message.dropLast(1).prefix(1)) + [0x28] + message.dropFirst(2).dropLast(1)).status == 204)
        #expect(fixture.recorder.lines == ["up{job=\"a\"} 1000 1.0"])
    }

    @Test func `a remembered series keeps its identity, and its samples stay together`() async {
        let fixture = Fixture()
        for round in 0..<3 {
            _ = await fixture.write(Message.series(Self.up, [(Int64(round), 1)]) + Message.series(Self.up, [(Int64(round) + 10, 2)]))
        }
        #expect(fixture.recorder.batches.count == 3)
        #expect(fixture.recorder.batches.allSatisfy { $0.series === fixture.recorder.batches[0].series && $0.samples.count == 2 })
    }

    @Test func `exemplars, histograms and metadata come along`() async throws {
        var native = NativeHistogram()
        native.count = 3
        native.sum = 4.5
        native.schema = 2
        native.zeroCount = 1
        native.positiveSpans = [.init(offset: 1, length: 2)]
        native.positiveDeltas = [1, 0]
        var series = WireWriter()
        series.message(1) { message in
            message.message(1) {
                $0.string(1, "__name__")
                $0.string(2, "h")
            }
            message.message(3) { exemplar in
                exemplar.message(1) {
                    $0.string(1, "trace_id")
                    $0.string(2, "abc")
                }
                exemplar.double(2, 0.5)
                exemplar.int64(3, 77)
            }
            var histogram = WireWriter()
            histogram.int64(15, 99)
            message.bytes(4, native.encoded + histogram.bytes)
        }
        series.message(3) {
            $0.varint(1, 3)
            $0.string(2, "h")
            $0.string(4, "Help.")
            $0.string(5, "seconds")
        }
        let fixture = Fixture()
        #expect(await fixture.write(series.bytes).status == 204)
        let batch = try #require(fixture.recorder.batches.first)
        #expect(batch.exemplars == [.init(labels: ["trace_id": "abc"], timestamp: 77, value: 0.5)])
        #expect(batch.histograms == [.init(timestamp: 99, encoded: native.encoded)])
        #expect(try NativeHistogram.decode(native.encoded.span, 0..<native.encoded.count).histogram == native)
        #expect(fixture.recorder.metadata == [MetricMetadata(metric: "h", type: "histogram", help: "Help.", unit: "seconds")])
    }

    @Test func `the second protocol names by symbols, and counts what it wrote`() async {
        let fixture = Fixture()
        for round in 0..<2 {
            // The second request numbers its symbols in another order.
            let list: [(labels: [(String, String)], samples: [(Int64, Double)])] = [
                (Self.up, [(Int64(round), 1), (Int64(round) + 5, 2)]), ([("__name__", "b"), ("job", "x")], [(7, 3)]),
            ]
            let message = Message.second(round == 0 ? list : list.reversed())
            let response = await fixture.post(
                "/api/v1/write", Snappy.compress(message), type: "application/x-protobuf;proto=io.prometheus.write.v2.Request", encoding: "snappy")
            #expect(response.status == 204)
            #expect(response.fields["X-Prometheus-Remote-Write-Samples-Written"] == "3")
            #expect(response.fields["X-Prometheus-Remote-Write-Histograms-Written"] == "0")
            #expect(response.fields["X-Prometheus-Remote-Write-Exemplars-Written"] == "0")
        }
        let batches = fixture.recorder.batches
        #expect(batches.map(\.series.labels.name) == ["up", "b", "b", "up"])
        #expect(batches[0].series === batches[3].series)
        #expect(fixture.recorder.metadata.first == MetricMetadata(metric: "up", type: "gauge", help: "What it is."))
    }

    @Test(arguments: [
        ("text/plain", "snappy", 415), ("application/x-protobuf;proto=foo.Bar", "snappy", 415), ("application/x-protobuf", "br", 415),
        ("application/x-protobuf", "snappy", 204), ("application/x-protobuf; proto=prometheus.WriteRequest", "snappy", 204),
    ])
    func `unknown forms are refused with 415, so that a sender falls back`(type: String, encoding: String, status: Int) async {
        let fixture = Fixture()
        let body = Snappy.compress(Message.series(Self.up, [(1, 1)]))
        #expect(await fixture.post("/api/v1/write", body, type: type, encoding: encoding).status == status)
    }

    @Test func `snappy bombs and lying lengths cost nothing`() async {
        let fixture = Fixture(
            limits: {
                var l = IngestLimits(); l.unpackedBytes = 1000; return l
            }())
        #expect(await fixture.post("/api/v1/write", [0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, 0x61], encoding: "snappy").status == 413)
        #expect(await fixture.write(Message.series(Self.up, [(1, 1)]) + [UInt8](repeating: 0, count: 2000)).status == 413)
        #expect(await fixture.post("/api/v1/write", [0x20, 0], encoding: "snappy").status == 400)
    }

    @Test func `a message cut at any byte is refused whole or says less, and never crashes`() async {
        let message = Message.series(Self.up, [(1, 1), (2, 2)]) + Message.second([(Self.up, [(1, 1)])])
        for length in 0..<message.count {
            let fixture = Fixture()
            let response = await fixture.write(Array(message.prefix(length)))
            #expect([204, 400].contains(response.status))
            if response.status == 400 { #expect(fixture.recorder.batches.isEmpty) }
        }
    }

    @Test(arguments: UInt64(1)...30)
    func `damaged messages never crash`(seed: UInt64) async {
        var random = seed
        func next(_ limit: Int) -> Int {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(random >> 33) % limit
        }
        let fixture = Fixture()
        let messages = [Message.series(Self.up, [(1, 1), (2, 2)]), Message.second([(Self.up, [(1, 1)]), ([("__name__", "b")], [(3, 4)])])]
        for _ in 0..<60 {
            for (position, message) in messages.enumerated() {
                var damaged = message
                for _ in 0...next(3) { damaged[next(damaged.count)] = UInt8(next(256)) }
                let type = position == 0 ? "application/x-protobuf" : "application/x-protobuf;proto=io.prometheus.write.v2.Request"
                let response = await fixture.post("/api/v1/write", Snappy.compress(damaged), type: type, encoding: "snappy")
                #expect([204, 400].contains(response.status), "seed \(seed)")
            }
        }
    }

    @Test func `what breaks a rule is refused with its reason, the rest is stored`() async {
        let fixture = Fixture()
        let message =
            Message.series([("__name__", "good")], [(1, 1)]) + Message.series([("job", "x")], [(1, 1)])
            + Message.series([("__name__", "big"), ("l", String(repeating: "x", count: 1 << 20))], [(1, 1), (2, 2)])
            + Message.series([("__name__", "twice"), ("a", "1"), ("a", "2")], [(1, 1)])
        for _ in 0..<2 {
            // The second time they are remembered as refused.
            let response = await fixture.write(message)
            #expect(response.status == 400)
            #expect(
                response.text
                    == "4 samples refused (4 invalid): a series has no __name__: {job=\"x\"}; the label l of a series of big has 1048576 bytes, the limit is 16384; a series of twice has the label a twice\n"
            )
        }
        #expect(fixture.recorder.lines == ["good 1 1.0", "good 1 1.0"])
    }

    @Test func `a limit of series is 422, and mixed with other faults 400`() async {
        let fixture = Fixture()
        fixture.recorder.state.withLock { $0.overLimit = ["new"] }
        let over = Message.series([("__name__", "new")], [(1, 1)])
        #expect(await fixture.write(over + Message.series(Self.up, [(1, 1)])).status == 422)
        #expect(await fixture.write(over + Message.series([("a", "b")], [(1, 1)])).status == 400)
    }

    @Test func `a store without room is asked again for a while, then the sender waits`() async {
        let fixture = Fixture()
        fixture.recorder.state.withLock { $0.refusals = Array(repeating: .overloaded(waiting: 10, limit: 5), count: 3) }
        #expect(await fixture.write(Message.series(Self.up, [(1, 1)])).status == 204)
        fixture.recorder.state.withLock { $0.refusals = Array(repeating: .headFull(bytes: 10, limit: 5), count: 1000) }
        let response = await fixture.write(Message.series(Self.up, [(1, 1)]))
        #expect(response.status == 429)
        #expect(response.fields["Retry-After"] == "1")
        fixture.recorder.state.withLock { $0.refusals = [.diskFull(path: "/x")] }
        #expect(await fixture.write(Message.series(Self.up, [(1, 1)])).status == 507)
    }

    @Test func `a hundred thousand new series are read, and what is remembered stays bounded`() async {
        var limits = IngestLimits()
        limits.rememberedSeries = 10_000
        let fixture = Fixture(limits: limits)
        for part in 0..<10 {
            var message: [UInt8] = []
            for index in 0..<10_000 { message += Message.series([("__name__", "n"), ("id", "\(part * 10_000 + index)")], [(1, 1)]) }
            #expect(await fixture.write(message).status == 204)
        }
        #expect(fixture.recorder.batches.count == 100_000)
        let remembered = fixture.registry.collect().first { $0.name == "binnacle_ingest_remembered_series" }?.samples.first?.value ?? 0
        #expect(remembered <= 20_000)
    }
}
