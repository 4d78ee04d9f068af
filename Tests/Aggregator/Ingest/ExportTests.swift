import Exposition
import SeriesStore
import Telemetry
import Testing

@testable import Ingest

@Suite struct ExportTests {
    static let odd: [Double] = [
        1, -0.0, 0.1, 1e300, Double.leastNonzeroMagnitude, 123_456_789_012_345_680, .infinity, -.infinity, .stale, Double(bitPattern: 0x7ff8_0000_0000_0001),
        Double(bitPattern: 0x7ff8_0000_dead_beef), Double(bitPattern: 0xfff8_0000_0000_0000),
    ]

    @Test func `JSON lines come back with every bit`() throws {
        let labels: Labels = ["__name__": "a.b", "x y": "\"\\\n\u{1F600}", "z": "1"]
        var text: [UInt8] = []
        ExportForm.jsonl.write(labels, (0..<Int64(Self.odd.count)).map { $0 * 7 - 3 }, Self.odd, to: &text)
        let batch = try JSONLines.read(text.span, limits: .init(), extra: [])
        #expect(batch.batches.map(\.series.labels) == [labels])
        #expect(batch.batches[0].samples.map(\.value.bitPattern) == Self.odd.map(\.bitPattern))
        #expect(batch.batches[0].samples.map(\.timestamp) == (0..<Int64(Self.odd.count)).map { $0 * 7 - 3 })
    }

    @Test(arguments: UInt64(1)...20)
    func `text comes back with every bit of every number`(seed: UInt64) throws {
        var random = seed
        func next() -> UInt64 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return random
        }
        let values = (0..<200).map { _ in Double(bitPattern: next()) }.filter { !$0.isNaN } + Self.odd.filter { !$0.isNaN }
        let times = values.indices.map { Int64($0) - 5 }
        let labels: Labels = ["__name__": "a:b", "x.y": "\"\\\nü", "z": "1"]
        var text: [UInt8] = []
        ExportForm.prometheus.write(labels, times, values, to: &text)
        var reader = TextImport(limits: .init(), seed: 1)
        let batch = try reader.read(text.span, .prometheus, timestamp: 0, extra: [])
        #expect(batch.batches.map(\.series.labels) == [labels])
        #expect(batch.batches[0].samples.map(\.value.bitPattern) == values.map(\.bitPattern), "seed \(seed)")
        #expect(batch.batches[0].samples.map(\.timestamp) == times)
    }

    @Test func `cells of a table cannot be formulas`() {
        var text = ExportForm.csv.head
        ExportForm.csv.write(["__name__": "=cmd()", "a": "b,\"c\""], [1], [1.5], to: &text)
        #expect(String(decoding: text, as: UTF8.self) == "metric,labels,timestamp_ms,value\r\n'=cmd(),\"{\"\"a\"\":\"\"b,\\\"\"c\\\"\"\"\"}\",1,1.5\r\n")
    }
}
