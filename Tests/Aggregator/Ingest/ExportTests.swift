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

    @Test(arguments: [false, true]) func `the table comes back with every bit, with its head or without`(hasHead: Bool) throws {
        let series: [Labels] = [
            ["__name__": "a", "x y": "\"\\\n\u{1F600},", "z": "1"], ["__name__": "'=1+1", "z": "="], ["__name__": "-b"], ["__name__": "line\nfeed", "a": "b"],
        ]
        let times = (0..<Int64(Self.odd.count)).map { $0 * 7 - 3 }
        var text = hasHead ? ExportForm.csv.head : []
        for labels in series { ExportForm.csv.write(labels, times, Self.odd, to: &text) }
        // A row is a line: the file may be cut at any.
        #expect(text.count { $0 == 0x0A } == series.count * Self.odd.count + (hasHead ? 1 : 0))
        let batch = try TableImport.read(text.span, limits: .init(), extra: [])
        #expect(batch.batches.map(\.series.labels) == series && batch.invalid == 0)
        for one in batch.batches {
            #expect(one.samples.map(\.value.bitPattern) == Self.odd.map(\.bitPattern))
            #expect(one.samples.map(\.timestamp) == times)
        }
    }

    @Test(arguments: [
        ("a,{},1", "line 1 has 3 columns, expected metric,labels,timestamp_ms,value; other tables need a format"),
        ("a,{},x,1", "line 1: \"x\" is no time in milliseconds"), ("a,{},1,x", "line 1: \"x\" is no number"),
        ("a,[],1,1", "line 1: \"[]\" is no map of labels"),
    ])
    func `a table that is wrong is refused with its line`(row: String, problem: String) {
        let error = #expect(throws: IngestError.self) { try TableImport.read(Array(row.utf8).span, limits: .init(), extra: []) }
        #expect(error?.reason == problem && error?.status == 400)
    }

    @Test func `OpenMetrics comes back, counters, histograms and times before 1970 too`() throws {
        var text: [UInt8] = []
        let known = [
            "hits_total": MetricMetadata(metric: "hits_total", type: "counter", help: "How \"many\".\nReally."),
            "wait_seconds": MetricMetadata(metric: "wait_seconds", type: "histogram", help: "", unit: "seconds"),
            "odd": MetricMetadata(metric: "odd", type: "counter", help: ""),
        ]
        let series: [Labels] = [
            ["__name__": "hits_total", "a": "b"], ["__name__": "odd"], ["__name__": "unheard", "x": "\"\n"], ["__name__": "wait_seconds_bucket", "le": "+Inf"],
            ["__name__": "wait_seconds_count"],
        ]
        let values = Self.odd.filter { !$0.isNaN && $0 >= 0 }
        let times = values.indices.map { Int64($0) * 777 - 1500 }
        var described: [String] = []
        for labels in series {
            if let family = OpenMetricsFamily(of: labels.name, known), !described.contains(family.name) {
                described.append(family.name)
                text += family.head
            }
            ExportForm.openmetrics.write(labels, times, values, to: &text)
        }
        text += ExportForm.openmetrics.tail
        #expect(described == ["hits", "odd", "wait_seconds"])
        let page = String(decoding: text, as: UTF8.self)
        #expect(page.hasPrefix("# TYPE hits counter\n# HELP hits How \\\"many\\\".\\nReally.\nhits_total{a=\"b\"} 1.0 -1.500\n"), "\(page.prefix(200))")
        #expect(
            page.contains("# TYPE odd unknown\n") && page.contains("# TYPE wait_seconds histogram\n# UNIT wait_seconds seconds\n") && page.hasSuffix("# EOF\n"))
        var reader = TextImport(limits: .init(), seed: 1)
        let batch = try reader.read(text.span, .openMetrics, timestamp: 0, extra: [])
        #expect(Set(batch.batches.map(\.series.labels)) == Set(series))
        for one in batch.batches {
            #expect(one.samples.map(\.value.bitPattern) == values.map(\.bitPattern) && one.samples.map(\.timestamp) == times, "\(one.series.labels)")
        }
    }
}
