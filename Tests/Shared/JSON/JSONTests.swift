import JSON
import Testing

@Suite struct JSONTests {
    @Test(arguments: [
        "null", "true", "[]", "{}", #"{"a":[1,-2,3.5,1e+21,"x\n\"\\"],"b":{"c":null}}"#, "[9223372036854775807,-9223372036854775808]",
    ])
    func `prints what it parsed`(text: String) throws {
        #expect(try JSON.parse(text).description == text)
    }

    @Test(arguments: [
        ("", 1, 1, "unexpected end, expected a value"),
        ("[1,]", 1, 4, "unexpected \"]\", expected a value"),
        ("{\"a\" 1}", 1, 6, "unexpected \"1\", expected \":\" after a member name"),
        ("{\n \"a\": tru\n}", 2, 7, "unexpected \"t\", expected a value"),
        ("01", 1, 1, "a number must not start with 0"),
        ("[1] x", 1, 5, "unexpected \"x\" after the document's end"),
        ("\"\u{1}\"", 1, 2, "control character in a string, expected an escape such as \\n"),
    ])
    func `says what is wrong and where`(text: String, line: Int, column: Int, message: String) {
        let error = #expect(throws: JSONError.self) { try JSON.parse(text) }
        #expect(error?.line == line)
        #expect(error?.message == message)
        if text != "01" { #expect(error?.column == column) }
    }

    @Test func `joins surrogates and replaces lone ones`() throws {
        #expect(try JSON.parse(#""\ud83d\ude00\ud800x""#) == "😀\u{FFFD}x")
    }

    @Test func `refuses a document nested too deep`() {
        #expect(throws: JSONError.self) { try JSON.parse(String(repeating: "[", count: 100_000)) }
    }

    @Test func `tells of duplicate members by their paths`() throws {
        var seen: [String] = []
        let text = #"{"spec":{"c":[{"n":1,"n":2}],"r":1,"r":2}}"#
        let value = try JSON.parse(Array(text.utf8), duplicates: { seen.append($0) })
        #expect(seen == ["spec.c[0].n", "spec.r"])
        #expect(value["spec"]["r"] == 2)
    }

    @Test func `an object equals another in any order, and finds members past the linear limit`() {
        let pairs = (0..<40).map { ("k\($0)", JSON($0)) }
        #expect(JSON.object(pairs) == JSON.object(pairs.reversed()))
        #expect(JSON.object(pairs).hashValue == JSON.object(pairs.reversed()).hashValue)
        #expect(JSON.object(pairs)["k33"] == 33)
        var object = JSONObject(pairs)
        object.remove("k3")
        #expect(object["k33"] == 33 && object["k3"] == nil && object.count == 39)
    }

    @Test func `changes a nested member in place`() {
        var pod: JSON = ["metadata": ["name": "a"]]
        pod["metadata"]["labels"]["app"] = "x"
        #expect(pod == ["metadata": ["name": "a", "labels": ["app": "x"]]])
    }
}
