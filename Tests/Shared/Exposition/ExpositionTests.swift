import Exposition
import Telemetry
import Testing

@Suite struct ExpositionTests {
    static let families = [
        MetricFamily(
            name: "http_requests_total", help: "Requests \\ by \"code\".\nAll.", kind: .counter,
            samples: [
                .init(labels: [("code", "200"), ("path", "a\"b\\c\nd")], value: 1027),
                .init(labels: [("code", "500")], value: 3, timestamp: Timestamp(milliseconds: 1_700_000_000_250)),
            ]),
        MetricFamily(
            name: "h_seconds", help: "", kind: .histogram,
            samples: [
                .init(suffix: "_bucket", labels: [("le", "1")], value: 2), .init(suffix: "_bucket", labels: [("le", "+Inf")], value: 3),
                .init(suffix: "_sum", value: 0.1), .init(suffix: "_count", value: 3),
            ]),
        MetricFamily(name: "odd", help: "Odd.", kind: .untyped, samples: [.nan, .infinity, -.infinity, 1e300, -0.25].map { .init(value: $0) }),
    ]

    @Test func `prints the text format`() {
        let text = String(decoding: TextFormat.print(ExpositionTests.families), as: UTF8.self)
        #expect(
            text == """
                # HELP http_requests_total Requests \\\\ by "code".\\nAll.
                # TYPE http_requests_total counter
                http_requests_total{code="200",path="a\\"b\\\\c\\nd"} 1027
                http_requests_total{code="500"} 3 1700000000250
                # TYPE h_seconds histogram
                h_seconds_bucket{le="1"} 2
                h_seconds_bucket{le="+Inf"} 3
                h_seconds_sum 0.1
                h_seconds_count 3
                # HELP odd Odd.
                # TYPE odd untyped
                odd NaN
                odd +Inf
                odd -Inf
                odd 1e+300
                odd -0.25

                """)
    }

    @Test func `prints OpenMetrics`() {
        let text = String(decoding: TextFormat.openMetrics.print(Array(ExpositionTests.families.prefix(2)) + [ExpositionTests.families[2]]), as: UTF8.self)
        #expect(text.hasPrefix("# HELP http_requests Requests \\\\ by \\\"code\\\".\\nAll.\n# TYPE http_requests counter\nhttp_requests_total{"))
        #expect(text.contains("http_requests_total{code=\"500\"} 3 1700000000.25\n"))
        #expect(text.contains("h_seconds_bucket{le=\"1.0\"} 2\n"))
        #expect(text.contains("# TYPE odd unknown\n"))
        #expect(text.hasSuffix("\n# EOF\n"))
    }

    @Test(arguments: [
        (nil, TextFormat.prometheus), ("*/*", .prometheus), ("text/plain;version=0.0.4;q=0.5", .prometheus),
        ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1", .openMetrics),
        ("application/openmetrics-text; q=0.1, text/plain; q=0.9", .prometheus), ("application/openmetrics-text", .openMetrics),
    ])
    func `answers in the form that is asked for`(accept: String?, expected: TextFormat) {
        #expect(TextFormat.negotiated(accept: accept) == expected)
        #expect(TextFormat.contentType(forAccept: accept) == expected.contentType)
    }
}
