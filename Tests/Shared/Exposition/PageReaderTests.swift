import Telemetry
import Testing

@testable import Exposition

@Suite struct PageReaderTests {
    struct Line: Equatable, CustomStringConvertible {
        var labels: Labels
        var bits: UInt64
        var timestamp: Int64?
        init(_ labels: Labels, _ value: Double, _ timestamp: Int64? = nil) {
            self.labels = labels
            bits = value.bitPattern
            self.timestamp = timestamp
        }
        var description: String { "\(labels) \(Double(bitPattern: bits)) \(timestamp.map(String.init) ?? "")" }
    }

    static func lines(_ page: String, _ format: TextFormat = .prometheus) throws -> [Line] { try lines(Array(page.utf8), format) }

    static func lines(_ bytes: [UInt8], _ format: TextFormat = .prometheus) throws(ExpositionError) -> [Line] {
        let table = ByteTable(seed: 1)
        var reader = PageReader(format)
        var lines: [Line] = []
        while let entry = try reader.next(bytes.span, in: table) {
            guard entry == .sample else { continue }
            lines.append(Line(try reader.labels(bytes.span), reader.value, reader.timestamp))
            _ = try reader.readExemplar(bytes.span)
        }
        return lines
    }

    @Test func `Prometheus' own example reads as it says`() throws {
        // From the documentation of the format, "Text format example".
        let page = #"""
            # HELP http_requests_total The total number of HTTP requests.
            # TYPE http_requests_total counter
            http_requests_total{method="post",code="200"} 1027 1395066363000
            http_requests_total{method="post",code="400"}    3 1395066363000

            # Escaping in label values:
            msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot find file:\n\"FILE.TXT\""} 1.458255915e9

            # Minimalistic line:
            metric_without_timestamp_and_labels 12.47

            # A weird metric from before the epoch:
            something_weird{problem="division by zero"} +Inf -3982045

            # TYPE http_request_duration_seconds histogram
            http_request_duration_seconds_bucket{le="0.05"} 24054
            http_request_duration_seconds_bucket{le="1"} 133988
            http_request_duration_seconds_bucket{le="+Inf"} 144320
            http_request_duration_seconds_sum 53423

            """#
        #expect(
            try Self.lines(page) == [
                Line(["__name__": "http_requests_total", "code": "200", "method": "post"], 1027, 1_395_066_363_000),
                Line(["__name__": "http_requests_total", "code": "400", "method": "post"], 3, 1_395_066_363_000),
                Line(["__name__": "msdos_file_access_time_seconds", "path": #"C:\DIR\FILE.TXT"#, "error": "Cannot find file:\n\"FILE.TXT\""], 1_458_255_915),
                Line(["__name__": "metric_without_timestamp_and_labels"], 12.47),
                Line(["__name__": "something_weird", "problem": "division by zero"], .infinity, -3_982_045),
                Line(["__name__": "http_request_duration_seconds_bucket", "le": "0.05"], 24054),
                Line(["__name__": "http_request_duration_seconds_bucket", "le": "1.0"], 133_988),
                Line(["__name__": "http_request_duration_seconds_bucket", "le": "+Inf"], 144_320),
                Line(["__name__": "http_request_duration_seconds_sum"], 53423),
            ])
    }

    @Test func `names in quotes are UTF-8 names`() throws {
        #expect(
            try Self.lines("{\"my.metric\",\"lbl.x\"=\"v\", plain=\"w\",} 1\na:b{ x = \"1\" , } 2\n{__name__=\"c\"} -0\n") == [
                Line(["__name__": "my.metric", "lbl.x": "v", "plain": "w"], 1), Line(["__name__": "a:b", "x": "1"], 2), Line(["__name__": "c"], -0.0),
            ])
    }

    @Test func `OpenMetrics has seconds, exemplars and an end`() throws {
        let page = """
            # TYPE foo counter
            # UNIT foo seconds
            foo_total{a="b"} 17.0 1520879607.789 # {trace_id="KOO5S4vxi0o"} 0.67 1520879607.5
            # TYPE bar info
            bar_info{x="1"} 1
            # EOF

            """
        #expect(
            try Self.lines(page, .openMetrics) == [
                Line(["__name__": "foo_total", "a": "b"], 17, 1_520_879_607_789), Line(["__name__": "bar_info", "x": "1"], 1),
            ])
        let bytes = Array(page.utf8)
        var reader = PageReader(.openMetrics)
        while let entry = try reader.next(bytes.span, in: ByteTable(seed: 1)), entry != .sample {}
        let exemplar = try #require(try reader.readExemplar(bytes.span))
        #expect(exemplar.labels == ["trace_id": "KOO5S4vxi0o"])
        #expect(exemplar.value == 0.67)
        #expect(exemplar.timestamp == 1_520_879_607_500)
    }

    @Test(arguments: [
        ("a", "line 1: the value is no number"), ("a{b=\"c\"", "line 1: the labels do not end with }"), ("a{b=c} 1\n", "line 1: expected a text in quotes"),
        ("a 1\n\na{b=\"1\",b=\"2\"} 1\n", "line 3: the label b comes twice"), ("a 1 2 3\n", "line 1: something follows the sample"),
        ("a x\n", "line 1: the value is no number"), ("a 1 1.5\n", "line 1: something follows the sample"), ("1a 1\n", "line 1: a name begins with a digit"),
        ("# TYPE a nonsense\n", "line 1: \"nonsense\" is no type of a metric"), ("{b=\"c\"} 1\n", "line 1: a sample has no name"),
        ("a 1 # {x=\"1\"} 1\n", "line 1: an exemplar, which only OpenMetrics has"), ("a{=\"c\"} 1\n", "line 1: a label's name is missing"),
        ("a 1 99999999999999999999\n", "line 1: the time is no whole number of milliseconds"),
    ])
    func `what is wrong is said with its line`(page: String, text: String) {
        let error = #expect(throws: ExpositionError.self) { try Self.lines(page) }
        #expect(error?.description == text)
    }

    @Test(arguments: [
        ("a 1\n", "line 1: the page does not end with # EOF"), ("a 1\n# EOF\nb 1\n", "line 3: there is more after # EOF"),
        ("\na 1\n# EOF\n", "line 1: an empty line, which OpenMetrics does not allow"),
    ])
    func `OpenMetrics is strict`(page: String, text: String) {
        let error = #expect(throws: ExpositionError.self) { try Self.lines(page, .openMetrics) }
        #expect(error?.description == text)
    }

    @Test(arguments: UInt64(1)...40)
    func `numbers have the bits that the standard library reads`(seed: UInt64) {
        var random = seed
        func next() -> UInt64 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return random
        }
        for _ in 0..<500 {
            let value =
                switch next() % 4 {
                case 0: Double(bitPattern: next())
                case 1: Double(Int64(bitPattern: next()) >> Int64(next() % 60))
                case 2: Double(Int64(bitPattern: next()) >> 34) / 1000
                default: Double(next() % 1_000_000) * 1e-9
                }
            guard value.isFinite else { continue }
            let text = "\(value)"
            let bytes = Array("\(text) ".utf8)
            var offset = 0
            let read = DecimalNumber.double(bytes.span, &offset, end: bytes.count)
            #expect(read?.bitPattern == value.bitPattern, "seed \(seed): \(text)")
            #expect(offset == bytes.count - 1)
        }
    }

    @Test(
        arguments: [
            ("+Inf", Double.infinity), ("-inf", -.infinity), ("0x1p-2", 0.25), ("1e-400", 0), ("123456789012345678901234567890", 1.2345678901234568e29),
            (".5", 0.5), ("5.", 5),
            ("9007199254740993", 9_007_199_254_740_992), ("1E5", 100_000),
        ] as [(String, Double)])
    func `unusual numbers are read`(text: String, value: Double) {
        let bytes = Array(text.utf8)
        var offset = 0
        #expect(DecimalNumber.double(bytes.span, &offset, end: bytes.count) == value)
    }

    @Test(arguments: ["", "-", "e5", "1e", "1x", "nan(0x1)", "--1", "1.2.3", "infinit", "0x"])
    func `what is no number is none`(text: String) {
        let bytes = Array(text.utf8)
        var offset = 0
        #expect(DecimalNumber.double(bytes.span, &offset, end: bytes.count) == nil)
    }

    @Test(arguments: UInt64(1)...60)
    func `damaged pages end in an error or at the end, and never crash`(seed: UInt64) {
        var random = seed
        func next(_ limit: Int) -> Int {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(random >> 33) % limit
        }
        let page = Array(
            "# HELP a \"x\\\\\n# TYPE a histogram\na_bucket{le=\"1\",b=\"\\\"\\n\"} 1.5e3 17 # {t=\"1\"} 2 3\n{\"u.v\",\"w\"=\"z\"} NaN\nc -Inf\n# EOF\n".utf8)
        for _ in 0..<100 {
            var damaged = page
            for _ in 0...next(3) { damaged[next(damaged.count)] = UInt8(next(256)) }
            if next(2) == 0 { damaged.removeLast(next(damaged.count)) }
            _ = try? Self.lines(damaged)
            _ = try? Self.lines(damaged, .openMetrics)
        }
    }

    @Test func `a right guess and a search find the same`() throws {
        let page = Array("a{x=\"1\"} 1\na{x=\"12\"} 2\na 3\nab 4\n".utf8)
        var table = ByteTable(seed: 7)
        var reader = PageReader(.prometheus)
        while try reader.next(page.span, in: table) != nil { _ = table.insert(page.span, reader.series, hash: table.hash(page.span, reader.series)) }
        #expect(table.count == 4)
        reader = PageReader(.prometheus)
        var known: [Int?] = []
        // The second guess is a beginning of the line and wrong.
        for guess in [0, 2, 2, 2] {
            _ = try reader.next(page.span, guess: guess, in: table)
            known.append(reader.known)
            #expect(table.find(page.span, reader.series, hash: table.hash(page.span, reader.series)) != nil)
        }
        #expect(known == [0, nil, 2, nil])
    }
}
