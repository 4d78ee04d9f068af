import Exposition
import Telemetry
import Testing

@Suite struct PageWriterTests {
    private static let labels = RenderedLabels([("id", "/a\"b\\c\nd"), ("pod", "")])

    @Test func `prints families as the slow way does`() {
        for format in [TextFormat.prometheus, .openMetrics] {
            var page = PageWriter(format: format, reserving: 0)
            page.begin(FamilyHead(name: "none_total", help: "Shown nowhere.", kind: .counter))
            page.begin(FamilyHead(name: "a_seconds_total", help: "Says \"a\".", kind: .counter))
            page.sample(Self.labels, RenderedLabels([("cpu", "0")]), value: .nanoseconds(1_250_000_000), at: 1_700_000_000_250)
            page.begin(FamilyHead(name: "fails", help: "", kind: .counter))
            page.sample(value: .unsigned(.max))
            page.begin(FamilyHead(name: "g", help: "G.", kind: .gauge))
            page.sample(RenderedLabels([("x", "1")]), value: .signed(-1))
            page.sample(.none, RenderedLabels([("x", "2")]), value: .double(0.1), at: -1)
            page.append(ExpositionTests.families[1])
            #expect(page.samples == 8)
            let slow = [
                MetricFamily(
                    name: "a_seconds_total", help: "Says \"a\".", kind: .counter,
                    samples: [
                        .init(
                            labels: [("id", "/a\"b\\c\nd"), ("pod", ""), ("cpu", "0")], value: 1.25, timestamp: Timestamp(milliseconds: 1_700_000_000_250))
                    ]),
                MetricFamily(name: "fails", help: "", kind: .counter, samples: [.init(value: 7)]),
                MetricFamily(
                    name: "g", help: "G.", kind: .gauge,
                    samples: [
                        .init(labels: [("x", "1")], value: -1), .init(labels: [("x", "2")], value: 0.1, timestamp: Timestamp(milliseconds: -1)),
                    ]), ExpositionTests.families[1],
            ]
            let expected = String(decoding: format.print(slow), as: UTF8.self)
                .replacing("fails 7", with: "fails 18446744073709551615").replacing("fails_total 7", with: "fails_total 18446744073709551615")
            #expect(String(decoding: page.finish(), as: UTF8.self) == expected)
        }
    }

    @Test(arguments: [
        (MetricValue.unsigned(0), "0"), (.unsigned(9), "9"), (.unsigned(10), "10"), (.unsigned(999_999_999_999_999_999), "999999999999999999"),
        (.unsigned(1_000_000_000_000_000_000), "1000000000000000000"), (.unsigned(10_000_000_000_000_000_000), "10000000000000000000"),
        (.unsigned(.max), "18446744073709551615"), (.signed(.min), "-9223372036854775808"), (.nanoseconds(1), "0.000000001"),
        (.nanoseconds(1_000_000_000), "1"), (.nanoseconds(1_500_000_000), "1.5"), (.nanoseconds(.max), "18446744073.709551615"),
        (.microseconds(20), "0.00002"), (.milliseconds(1_700_000_000_123), "1700000000.123"), (.scaled(.max, digits: 19), "1.8446744073709551615"),
        (.scaled(5, digits: 0), "5"), (.double(.nan), "NaN"), (.double(-.infinity), "-Inf"), (.double(2.5e-7), "2.5e-07"),
    ])
    func `prints numbers with all their digits`(value: MetricValue, expected: String) {
        #expect(printed(value) == expected)
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func `what is printed reads back as the value`(seed: UInt64) {
        var state = seed
        func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> (state >> 58)
        }
        for _ in 0..<2000 {
            let value = next() >> 11
            #expect(UInt64(printed(.unsigned(value))) == value, "seed \(seed)")
            for digits in [3, 6, 9] {
                let scaled = MetricValue.scaled(value, digits: digits)
                #expect(Double(printed(scaled)) == scaled.double, "seed \(seed): \(value) with \(digits) digits")
            }
        }
    }

    @Test func `a name that was no UTF-8 is replaced, and a page holds every sample of a long run`() {
        let name = String(decoding: [0x61, 0xFF, 0x62] as [UInt8], as: UTF8.self)
        let labels = RenderedLabels([("name", name)]).appending(RenderedLabels([("x", "y")])).appending(.none)
        var page = PageWriter(format: .prometheus, reserving: 0)
        page.begin(FamilyHead(name: "m", help: "", kind: .gauge))
        for number in 0..<5000 { page.sample(labels, value: .unsigned(UInt64(number))) }
        let lines = String(decoding: page.finish(), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 5001)
        #expect(lines[5000] == "m{name=\"a\u{FFFD}b\",x=\"y\"} 4999")
    }

    @Test(arguments: [0, 100, 1 << 20]) func `a page that is taken in pieces is the page`(reserving: Int) {
        func write(_ page: inout PageWriter, then: (inout PageWriter) -> Void) {
            for family in 0..<20 {
                page.begin(FamilyHead(name: "m\(family)", help: "Of \(family).", kind: .counter))
                for number in 0..<family * 10 { page.sample(RenderedLabels([("n", "\(number)")]), value: .unsigned(UInt64(number)), at: 1) }
                page.append(MetricFamily(name: "f\(family)", help: "", kind: .gauge))
                then(&page)
            }
        }
        var whole = PageWriter(format: .openMetrics)
        write(&whole) { _ in }
        var pieces: [UInt8] = []
        var page = PageWriter(format: .openMetrics, reserving: reserving)
        write(&page) { page in
            let pending = page.pending
            let piece = page.take()
            #expect(piece.count == pending && page.pending == 0)
            pieces += piece
        }
        #expect(pieces + page.finish() == whole.finish())
    }

    private func printed(_ value: MetricValue) -> String {
        var page = PageWriter(format: .prometheus)
        page.begin(FamilyHead(name: "m", help: "", kind: .untyped))
        page.sample(value: value)
        return String(decoding: page.finish(), as: UTF8.self).split(separator: "\n").last.map { String($0.dropFirst(2)) } ?? ""
    }
}
