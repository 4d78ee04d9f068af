import TestKit
import JSON
import Objects
import Testing

@Suite struct ValuesTests {
    @Test(
        arguments: [
            (0, "0s"), (119, "119s"), (120, "2m"), (330, "5m30s"), (599, "9m59s"), (600, "10m"), (7200, "120m"), (10_799, "179m"), (10_800, "3h"),
            (19_200, "5h20m"), (108_000, "30h"), (172_799, "47h"), (172_800, "2d"), (273_600, "3d4h"), (691_200, "8d"), (34_560_000, "400d"),
            (63_072_000, "2y"), (95_472_000, "3y10d"), (-1, "0s"), (-10, "<invalid>"),
        ] as [(Int64, String)])
    func `ages are short`(seconds: Int64, text: String) { #expect(shortDuration(seconds: seconds) == text) }

    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2026-11-24T08:48:41Z", 1_795_510_121), ("2000-02-29T23:59:59Z", 951_868_799), ("1969-12-31T23:59:59Z", -1),
        ] as [(String, Int64)])
    func `times are read and written`(text: String, seconds: Int64) {
        #expect(RFC3339.parse(text) == seconds)
        #expect(RFC3339.format(seconds) == text)
    }

    @Test func `times with offset and fraction are read`() {
        #expect(RFC3339.parse("2026-11-24T10:48:41.123456+02:00") == 1_795_510_121)
        #expect(RFC3339.parts("2026-11-24T08:48:41.5Z")?.microseconds == 500_000)
        #expect(RFC3339.format(1_795_510_121, microseconds: 17) == "2026-11-24T08:48:41.000017Z")
        for text in ["", "2026", "2026-11-24", "2026-11-24T08:48:41", "2026-13-24T08:48:41Z", "2026-11-24T08:48:41.Z", "2026-11-24T08:48:41Zx"] {
            #expect(RFC3339.parse(text) == nil, "\(text)")
        }
    }

    @Test(arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")])
    func `base64 both ways`(plain: String, coded: String) throws {
        #expect(Base64.encode(plain.utf8) == coded)
        #expect(try #require(Base64.decode(coded)) == Array(plain.utf8))
    }

    @Test(arguments: ["Zg", "Zg=", "Z===", "Zm9v!", "=Zm9", "Zm9vYg==Zm9v"])
    func `refuses what is not base64`(text: String) { #expect(Base64.decode(text) == nil) }

    @Test(arguments: [
        (NameRule.subdomain, "web", true), (.subdomain, "a.b-c.d", true), (.subdomain, "Web", false), (.subdomain, "-a", false), (.subdomain, "a..b", false),
        (.subdomain, String(repeating: "a", count: 254), false), (.label, "123-abc", true), (.label, "a.b", false),
        (.label, String(repeating: "a", count: 64), false),
        (.service, "web-1", true), (.service, "1web", false), (.pathSegment, "a:B@c", true), (.pathSegment, "a/b", false), (.pathSegment, "..", false),
    ])
    func `names fit their rule or not`(rule: NameRule, name: String, isGood: Bool) { #expect(rule.problems(name).isEmpty == isGood) }

    @Test func `generated names stay inside a label`() {
        #expect(GeneratedName.name(prefix: "web-", suffix: "x2b4c") == "web-x2b4c")
        #expect(GeneratedName.name(prefix: String(repeating: "a", count: 80), suffix: "x2b4c").utf8.count == 63)
        var generator = SeededGenerator(seed: 1)
        let suffix = GeneratedName.suffix(using: &generator)
        #expect(suffix.utf8.count == 5 && suffix.allSatisfy { "bcdfghjklmnpqrstvwxz2456789".contains($0) })
    }

    @Test func `template hashes see values but not the order of members`() {
        #expect(templateHash(["a": 1, "b": ["c": 2, "d": 3]]) == templateHash(["b": ["d": 3, "c": 2], "a": 1]))
        #expect(templateHash(["a": 1]) != templateHash(["a": 2]))
        #expect(templateHash(["a": 1]) != templateHash(["a": 1], collisionCount: 1))
        // What is stored must stay the same over versions of the program: a change here restarts every pod.
        #expect(templateHash(["spec": ["containers": [["name": "c", "image": "nginx"]]]]) == "glhgmfjgk")
    }

    @Test func `counts may be per cent`() {
        #expect(IntOrString("25%")?.scaled(total: 10, roundingUp: true) == 3)
        #expect(IntOrString("25%")?.scaled(total: 10, roundingUp: false) == 2)
        #expect(IntOrString(4)?.scaled(total: 10, roundingUp: true) == 4)
        #expect(IntOrString("999999999999999999%")?.scaled(total: 100, roundingUp: true) == .max)
        #expect(IntOrString("x")?.scaled(total: 10, roundingUp: true) == nil)
        #expect(IntOrString(.null) == nil)
    }
}
