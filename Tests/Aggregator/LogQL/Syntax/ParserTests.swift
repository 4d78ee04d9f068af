import Testing

@testable import LogQL

@Suite struct ParserTests {
    /// Printed in our form, each parses back to an equal tree.
    static let printed: [(String, String)] = [
        (#"{app="web"}"#, #"{app="web"}"#),
        (#"{}"#, #"{}"#),
        (#"{ a = "b" , c!="d",e=~"f.*", g !~ `h\d` }"#, #"{a="b", c!="d", e=~"f.*", g!~`h\d`}"#),
        (#"({a="b"} |= "x")"#, #"{a="b"} |= "x""#),
        (#"{a="b"} |= "x" != "y" |~ "z+" !~ `\d` |> "<_> foo" !> "bar""#, #"{a="b"} |= "x" != "y" |~ "z+" !~ `\d` |> "<_> foo" !> "bar""#),
        (#"{a="b"} |= "x" or "y" or "z""#, #"{a="b"} |= "x" or "y" or "z""#),
        (#"{a="b"} |= ip("10.0.0.0/8") or ip("::1")"#, #"{a="b"} |= ip("10.0.0.0/8") or ip("::1")"#),
        (#"{a="b"} |=i "Error" !=i"x""#, #"{a="b"} |=i "Error" !=i "x""#),
        (#"{a="b"} | json"#, #"{a="b"} | json"#),
        (#"{a="b"} | JSON status="a.b", x , y="a[\"k\"][0]""#, #"{a="b"} | json status="a.b", x, y="a[\"k\"][0]""#),
        (#"{a="b"} | logfmt --strict --keep-empty x, y="z" | unpack | decolorize"#, #"{a="b"} | logfmt --strict --keep-empty x, y="z" | unpack | decolorize"#),
        (#"{a="b"} | regexp `(?P<x>\d+)` | pattern "<a> - <_>""#, #"{a="b"} | regexp `(?P<x>\d+)` | pattern "<a> - <_>""#),
        (#"{a="b"} | status = 200 | x == 1.5e3 | d > 1h30m | s >= 1.5MB | t < 5KiB"#, #"{a="b"} | status==200 | x==1500 | d>1h30m | s>=1500KB | t<5KiB"#),
        (#"{a="b"} | x="1" and y=~"2" or z!="3", w>1 v<=2"#, #"{a="b"} | x="1" and y=~"2" or z!="3" and w>1 and v<=2"#),
        (#"{a="b"} | (x="1" or y="2") and (z>-1s)"#, #"{a="b"} | (x="1" or y="2") and z>-1s"#),
        (#"{a="b"} | addr=ip("1.2.3.4-1.2.3.9") | addr != ip("::/0")"#, #"{a="b"} | addr=ip("1.2.3.4-1.2.3.9") | addr!=ip("::/0")"#),
        (
            #"{a="b"} | line_format "{{.x}}" | label_format a=b, c="{{.d}}" | drop x, y="z" | keep p, q=~"r""#,
            #"{a="b"} | line_format "{{.x}}" | label_format a=b, c="{{.d}}" | drop x, y="z" | keep p, q=~"r""#
        ),
        (#"{a="b"} # a comment"# + "\n" + #" | json # and |= "one""#, #"{a="b"} | json"#),
        (#"{a="b"} | rate > 5 | duration="x" | json="y""#, #"{a="b"} | rate>5 | duration="x" | json="y""#),
        (
            #"{a="b"} | sample 1% | template | redact | since "deploy/x" | dedup by (m) consecutive | sort by (x desc) | limit 5 | context 3,5"#,
            #"{a="b"} | sample 1% | template | redact | since "deploy/x" | dedup by (m) consecutive | sort by (x desc) | limit 5 | context 3, 5"#
        ),
        (#"count_over_time({a="b"}[5m])"#, #"count_over_time({a="b"} [5m])"#),
        (#"rate({a="b"}[1m] |= "x" | json)"#, #"rate({a="b"} |= "x" | json [1m])"#),
        (#"rate(({a="b"} |= "x")[1m] offset -1h)"#, #"rate({a="b"} |= "x" [1m] offset -1h)"#),
        (
            #"quantile_over_time(0.99, {a="b"} | json | unwrap duration(x) | __error__="" [5m]) by (p)"#,
            #"quantile_over_time(0.99, {a="b"} | json | unwrap duration(x) | __error__="" [5m]) by (p)"#
        ),
        (#"sum(rate({a="b"}[1m])) by (x, y)"#, #"sum by (x, y) (rate({a="b"} [1m]))"#),
        (#"SUM by() (rate({a="b"}[1m]))"#, #"sum by () (rate({a="b"} [1m]))"#),
        (#"topk(5, sum without (x) (rate({a="b"}[1m])))"#, #"topk(5, sum without (x) (rate({a="b"} [1m])))"#),
        (#"approx_topk(5, rate({a="b"}[1m]))"#, #"approx_topk(5, rate({a="b"} [1m]))"#),
        (#"vector(1)+vector(1)"#, #"vector(1) + vector(1)"#),
        ("1 + 2 * 3 ^ 2 ^ 2", "1 + 2 * 3 ^ 2 ^ 2"), ("(1 + 2) * 3", "(1 + 2) * 3"), ("1 - (2 - 3)", "1 - (2 - 3)"), ("-1 + +2", "-1 + 2"),
        ("(2 ^ 2) ^ 2", "(2 ^ 2) ^ 2"),
        (#"rate({a="b"}[1m]) > bool on (x) group_left (y) rate({c="d"}[1m])"#, #"rate({a="b"} [1m]) > bool on (x) group_left (y) rate({c="d"} [1m])"#),
        (#"rate({a="b"}[1m]) and ignoring (x) rate({c="d"}[1m]) or vector(0)"#, #"rate({a="b"} [1m]) and ignoring (x) rate({c="d"} [1m]) or vector(0)"#),
        (#"label_replace(rate({a="b"}[1m]), "x", "$1", "y", "(.*)")"#, #"label_replace(rate({a="b"} [1m]), "x", "$1", "y", "(.*)")"#),
        (#"absent_over_time({a="b"}[1d])"#, #"absent_over_time({a="b"} [1d])"#),
        ("{a=\"tab\\t\\x01\\u00e9\"}", "{a=\"tab\\t\\x01é\"}"),
    ]

    @Test(arguments: printed) func `a query prints in one form, which parses back`(query: String, expected: String) throws {
        let tree = try LogExpression.parse(query)
        #expect(tree.description == expected)
        #expect(try LogExpression.parse(tree.description) == tree)
    }

    static let refused: [(String, String)] = [
        ("", "parse error at line 1, col 1: the query is empty; write a selector such as {pod=\"web\"}"),
        ("{a=}", "parse error at line 1, col 4: unexpected \"}\", expected a string in quotes after \"a=\""),
        ("{a=\"b\"", "parse error at line 1, col 7: unexpected the end of the query, expected \"}\" or \",\" in the selector"),
        ("{a=~\"(\"}", "parse error at line 1, col 5: the regular expression for \"a\" is wrong: "),
        ("{a=\"b\"}\n  | jsn", "parse error at line 2, col 5: unknown stage \"jsn\"; did you mean \"json\"?"),
        ("{a=\"b\"} | size > 1mb", "parse error at line 1, col 18: \"1mb\" is no number, duration (such as 1h30m) or size"),
        ("{a=\"b\"} | regexp `x`", "parse error at line 1, col 18: regexp needs at least one named group"),
        ("{a=\"b\"} | pattern `<_><x>`", "parse error at line 1, col 19: two captures of the pattern stand side by side"),
        ("{a=\"b\"} |> `<x>`", "parse error at line 1, col 12: a pattern filter takes <_> only"),
        ("{a=\"b\"} |~ ip(`1.1.1.1`)", "parse error at line 1, col 12: ip() stands behind |= and != only"),
        ("{a=\"b\"} |= ip(`1.1.1`)", "parse error at line 1, col 15: \"1.1.1\" is no address"),
        ("{a=\"b\"} | line_format `{{`", "parse error at line 1, col 23: the template is wrong: "),
        ("{a=\"b\"} | label_format x=a, x=b", "parse error at line 1, col 29: label_format sets \"x\" twice; use two stages"),
        ("rate({a=\"b\"})", "parse error at line 1, col 13: unexpected \")\", expected a range such as [5m] in rate"),
        ("rate({a=\"b\"}[5m]) by (x)", "parse error at line 1, col 19: grouping is not allowed for rate; wrap it: sum by (…) (rate(…))"),
        ("count_over_time({a=\"b\"} | unwrap x [5m])", "parse error at line 1, col 1: count_over_time counts lines; it takes no unwrap"),
        ("max_over_time({a=\"b\"}[5m])", "parse error at line 1, col 1: max_over_time needs \"| unwrap label\" in its range"),
        ("rate({a=\"b\"} | limit 5 [5m])", "parse error at line 1, col 1: limit shapes an answer of lines; it has no place in rate"),
        ("quantile_over_time(-1, {a=\"b\"} | unwrap x [5m])", "parse error at line 1, col 20: unexpected \"-\", expected a quantile such as 0.99"),
        ("topk(0, vector(1))", "parse error at line 1, col 6: topk needs a whole number above 0"),
        ("sum({a=\"b\"})", "parse error at line 1, col 5: sum needs numbers, and this is a query for lines"),
        ("{a=\"b\"} + 1", "parse error at line 1, col 1: \"+\" needs numbers on its left"),
        ("1 and vector(1)", "parse error at line 1, col 7: \"and\" stands between vectors only"),
        ("coutn_over_time({a=\"b\"}[5m])", "parse error at line 1, col 1: unknown function \"coutn_over_time\"; did you mean \"count_over_time\"?"),
        ("{a='b'}", "parse error at line 1, col 4: unexpected character \"'\"; write strings in double quotes or backticks"),
        ("{a=\"b\"} | limit 5 | json", "parse error at line 1, col 25: limit looks at the whole answer; \"| json\" must stand before it"),
        ("{a=\"b\"} foo", "parse error at line 1, col 9: unexpected \"foo\", expected the end of the query, a stage or an operator"),
    ]

    @Test(arguments: refused) func `a fault is shown with its place and what was expected`(query: String, message: String) {
        let error = #expect(throws: LogQLError.self) { try LogExpression.parse(query) }
        #expect(error?.message.hasPrefix(message) == true, "\(error?.message ?? "")")
        #expect(error?.kind == .syntax)
    }

    @Test func `strictly, a selector needs a condition and our stages are unknown`() {
        for query in ["{}", #"{a=~".*"}"#, #"{a="b"} | limit 5"#, #"{a="b"} |=i "x""#] {
            #expect(throws: LogQLError.self) { try LogExpression.parse(query, isStrict: true) }
        }
        #expect(throws: Never.self) { try LogExpression.parse(#"{a="b"} | limit = "5""#, isStrict: true) }
    }

    @Test func `deep and long texts are refused, not crashed on`() {
        for query in [
            String(repeating: "(", count: 100_000), String(repeating: "1+", count: 100_000) + "1", String(repeating: "sum(", count: 5000),
            "{a=\"b\"} | " + String(repeating: "(", count: 5000), String(repeating: "2^", count: 5000) + "1", String(repeating: " ", count: 2 << 20),
            "{a=\"b\"} | " + String(repeating: "x=1 ", count: 5000), "rate(" + String(repeating: "(", count: 5000),
        ] { #expect(throws: LogQLError.self) { try LogExpression.parse(query) } }
    }
}
