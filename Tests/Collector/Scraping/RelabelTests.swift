import Telemetry
import Testing

@testable import Scraping

@Suite struct RelabelTests {
    @Test(arguments: [
        ("", "d41d8cd98f00b204e9800998ecf8427e"), ("abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("12345678901234567890123456789012345678901234567890123456789012345678901234567890", "57edf4a22be3c955ac49da2e2107b67a"),
    ])
    func `MD5 gives the digests of RFC 1321`(text: String, digest: String) {
        let made = MD5.digest(Array(text.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(made == digest)
    }

    @Test func `each action does what Prometheus documents`() throws {
        let labels: Labels = ["a": "foo", "b": "bar", "c": "baz", "__meta_x_one": "1"]
        #expect(try RelabelRule(.replace, ["a"], regex: "f(.*)", target: "d", replacement: "ch${1}-ch${1}").apply(to: labels)?["d"] == "choo-choo")
        #expect(try RelabelRule(.replace, ["a", "b"], regex: "foo;(.*)", target: "a", replacement: "b${1}b").apply(to: labels)?["a"] == "bbarb")
        // No match leaves all as it is; an empty result takes the label away.
        #expect(try RelabelRule(.replace, ["a"], regex: "x", target: "d").apply(to: labels) == labels)
        #expect(try RelabelRule(.replace, ["a"], regex: "foo", target: "b", replacement: "").apply(to: labels)?["b"] == "")
        #expect(try RelabelRule(.keep, ["a"], regex: "fo").apply(to: labels) == nil)
        #expect(try RelabelRule(.keep, ["a"], regex: "fo+").apply(to: labels) == labels)
        #expect(try RelabelRule(.drop, ["a"], regex: "foo").apply(to: labels) == nil)
        #expect(try RelabelRule(.keepequal, ["a"], target: "b").apply(to: labels) == nil)
        #expect(try RelabelRule(.dropequal, ["a"], target: "b").apply(to: labels) == labels)
        #expect(try RelabelRule(.labelmap, regex: "__meta_x_(.+)").apply(to: labels)?["one"] == "1")
        #expect(try RelabelRule(.labeldrop, regex: "a|b").apply(to: labels) == ["c": "baz", "__meta_x_one": "1"])
        #expect(try RelabelRule(.labelkeep, regex: "a|b").apply(to: labels) == ["a": "foo", "b": "bar"])
        #expect(try RelabelRule(.uppercase, ["a"], target: "u").apply(to: labels)?["u"] == "FOO")
        // Prometheus' own test of hashmod: c = baz, modulus 1000.
        #expect(try RelabelRule(.hashmod, ["c"], target: "d", modulus: 1000).apply(to: labels)?["d"] == "976")
    }
}
