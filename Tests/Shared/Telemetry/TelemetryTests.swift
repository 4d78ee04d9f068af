import Telemetry
import Testing

@Suite struct CivilTimeTests {
    @Test(arguments: [
        (Int64(0), "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"),
        (1_732_438_121, "2024-11-24T08:48:41Z"), (4_102_444_799, "2099-12-31T23:59:59Z"),
    ])
    func `prints and parses RFC 3339`(seconds: Int64, text: String) {
        #expect(CivilTime(secondsSinceEpoch: seconds).rfc3339() == text)
        #expect(CivilTime.parse(text)?.secondsSinceEpoch == seconds)
    }

    @Test func `reads fractions and offsets`() {
        #expect(CivilTime.parse("2026-11-24T10:00:00.123456789+01:30")?.rfc3339(fractionDigits: 9) == "2026-11-24T08:30:00.123456789Z")
        #expect(CivilTime.parse("2026-11-24T10:00:00") == nil)
        #expect(CivilTime.parse("2026-13-24T10:00:00Z") == nil)
    }

    @Test func `knows the day of the week`() {
        #expect(CivilTime(secondsSinceEpoch: 0).dayOfWeek == 4)
        #expect(CivilTime.parse("2026-11-24T00:00:00Z")?.dayOfWeek == 2)
    }
}

@Suite struct LabelsTests {
    @Test func `keeps names sorted and drops empty values`() {
        var labels: Labels = ["b": "2", "a": "1", "c": ""]
        #expect(labels.list.map(\.name) == ["a", "b"])
        labels["aa"] = "x"
        labels["b"] = ""
        #expect(labels == ["a": "1", "aa": "x"])
        #expect(Labels(name: "up", ["job": "a\"b"]).description == #"up{job="a\"b"}"#)
    }

    @Test func `order by the bytes of UTF-8`() {
        // Composed and decomposed: equal to Swift's order, two texts to Prometheus.
        let composed: Labels = ["a": "caf\u{e9}", "b": "1"], decomposed: Labels = ["a": "cafe\u{301}", "b": "0"]
        #expect(decomposed < composed && !(composed < decomposed))
        // U+FF5E comes before U+1F600 in bytes, after it in UTF-16.
        let wide: Labels = ["a": "\u{ff5e}"], face: Labels = ["a": "\u{1f600}"]
        #expect(wide < face && !(face < wide))
        let short: Labels = ["a": "1"], long: Labels = ["a": "1", "b": "2"]
        #expect(short < long && !(long < short) && !(long < long))
    }
}
