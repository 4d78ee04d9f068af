import PromQL
import Testing

@Suite struct ParserTests {
    /// What a query reads as, and prints as.
    @Test(arguments: [
        ("-1^2", "-1 ^ 2"), ("up", "up"), ("up{}", "up"), (#"{__name__="up"}"#, "up"), (#"up{job='a',}"#, #"up{job="a"}"#),
        (#"{"utf8.name", "l.x"="v"}"#, #"{"utf8.name", "l.x"="v"}"#), ("1h30m", "5400"), ("0x1F", "31"), ("017", "15"), ("1_000.5e3", "1000500"), (".5", "0.5"),
        ("foo[5m] offset 1w", "foo[5m] offset 1w"), ("foo offset -5m @ 1.5", "foo @ 1.5 offset -5m"), ("foo @ start()", "foo @ start()"),
        ("foo[300]", "foo[5m]"), ("foo[5m*2]", "foo[10m]"), ("foo offset (1h/2)", "foo offset 30m"), ("rate(foo[5m])[1h:]", "rate(foo[5m])[1h:]"),
        ("rate(foo[5m])[1h:1m] @ end() offset 1m", "rate(foo[5m])[1h:1m] @ end() offset 1m"),
        ("sum(foo) by (a, b)", "sum by (a, b) (foo)"), ("SUM BY(a)(foo)", "sum by (a) (foo)"), ("sum without() (foo)", "sum without () (foo)"),
        ("topk(3, foo)", "topk(3, foo)"), (#"count_values("v", foo)"#, #"count_values("v", foo)"#),
        ("a + on(x) group_left(y) b", "a + on (x) group_left (y) b"), ("a > bool 1", "a > bool 1"), ("a and ignoring(x) b or c", "a and ignoring (x) b or c"),
        ("# c\nsum # d\n(foo)", "sum(foo)"), ("sum", "sum"), ("by + offset", "by + offset"), (#""a\n\x41\u00e9""#, #""a\nAé""#), (#"`a\n`"#, #""a\\n""#),
        ("foo:bar", "foo:bar"), ("foo[5m:1m]", "foo[5m:1m]"), ("(1 + 2) * 3", "(1 + 2) * 3"), ("+Inf", "+Inf"), ("- -foo", "--foo"),
        ("a +fill(0) b", "a + fill (0) b"),
        ("a + on(x) group_left(y) fill_left(-1) FILL_RIGHT(Inf) b", "a + on (x) group_left (y) fill_left (-1) fill_right (+Inf) b"),
        ("fill + fill(1) fill", "fill + fill (1) fill"), ("rate(a[5m] anchored)", "rate(a[5m] anchored)"), ("a smoothed offset 1m", "a smoothed offset 1m"),
        ("a[step()*2+1m]", "a[step() * 2 + 1m]"), ("a offset -step()", "a offset -step()"), ("a offset (-step()*2)", "a offset (-step() * 2)"),
        ("a[min_of(step(), range()/2)]", "a[min_of(step(), range() / 2)]"), ("a offset (-2 ^ 2)", "a offset -4s"), ("a offset 2 ^ 2", "a offset 2s ^ 2"),
        ("a </ 3", "a </ 3"), ("a >/ b", "a >/ b"), (#"info(up, {x=~".*"})"#, #"info(up, {x=~".*"})"#),
        ("2 ^ 3 ^ 2", "2 ^ 3 ^ 2"), ("a atan2 b", "a atan2 b"), ("hour()", "hour()"),
    ])
    func `reads and prints`(query: String, printed: String) throws {
        let expression = try Parser.parse(query)
        #expect(expression.description == printed)
        #expect(try Parser.parse(printed) == expression)
    }

    @Test func `binds as Prometheus does`() throws {
        func top(_ query: String) throws -> String {
            switch try Parser.parse(query).node {
            case .binary(let binary): "\(binary.operation.rawValue): \(binary.left) | \(binary.right)"
            case .unary(_, let inner): "unary: \(inner)"
            default: "other"
            }
        }
        #expect(try top("2^3^2") == "^: 2 | 3 ^ 2")
        #expect(try top("1-2-3") == "-: 1 - 2 | 3")
        #expect(try top("-1^2") == "unary: 1 ^ 2")
        #expect(try top("-a*b") == "*: -a | b")
        #expect(try top("a or b and c") == "or: a | b and c")
        #expect(try top("a + b > c * d") == ">: a + b | c * d")
        #expect(try top("2^-1*3") == "*: 2 ^ -1 | 3")
    }

    @Test(arguments: [
        ("", "1:1: parse error: no expression found"), ("rat(foo[5m])", #"1:1: parse error: unknown function "rat", did you mean "rate"?"#),
        ("sum(foo", "1:8: parse error: unexpected end of query, expected"), ("foo)", #"1:4: parse error: unexpected ")", expected an operator"#),
        ("rate(foo)", "1:6: parse error: argument 1 of rate() must be a range vector, not a instant vector; add a range, such as [5m]"),
        ("1 > 2", "1:3: parse error: comparisons between scalars must use bool"), ("foo{a=~\"(\"}", "1:8: parse error: the regular expression of \"a\""),
        ("{a=\"\"}", "1:1: parse error: a selector must have"), ("foo and 1", "1:5: parse error: the set operator"),
        ("foo[5x]", "1:5: parse error: \"5x\" is neither"),
        ("foo[1m1h]", "1:5: parse error: \"1m1h\" is neither"), ("a +\n b c", "2:4: parse error: unexpected \"c\""),
        ("foo offset 1m offset 2m", "1:15: parse error: offset may stand once"),
        ("(a + b) offset 1m", "1:9: parse error: offset and @ must follow"), ("foo{a==\"x\"}", "1:6: parse error: unexpected \"==\""),
        ("abs(1, 2)", "1:1: parse error: abs() takes 1 argument, not 2"), ("foo offset 5m [1h]", "1:15: parse error: offset and @ must stand after"),
        ("x{__name__=\"y\"}", "1:3: parse error: the metric's name is given twice"), ("a + on(x) group_left(x) b", "1:11: parse error: the label \"x\""),
        ("\"abc", "1:1: parse error: the string is not closed"), ("a ? b", "1:3: parse error: unexpected character \"?\""),
        ("sum(foo[5m])", "1:5: parse error: sum() aggregates"),
        ("rate(foo[5m] + 1)", "1:6: parse error: the operator \"+\" needs scalars or instant vectors"), ("foo[0s]", "1:4: parse error: a range must be longer"),
        (
            "max_over_time(a[5m] anchored)",
            "1:15: parse error: anchored modifier can only be used with: changes, delta, increase, rate, resets - not with max_over_time"
        ),
        ("resets(a[5m] smoothed)", "1:8: parse error: smoothed modifier can only be used with: delta, increase, rate - not with resets"),
        ("a and fill(0) b", "1:7: parse error: the set operator \"and\" takes no fill"),
        ("a + fill(x) b", "1:10: parse error: unexpected \"x\", expected a number in fill"),
        ("a + fill(1) fill_left(2) b", "1:13: parse error: fill_left fills a side"), ("a[1m/0]", "1:3: parse error: the duration divides by zero"),
        ("a[time()]", "1:3: parse error: unexpected \"time\", expected a duration; only step()"),
        ("info(up, sum(x))", "1:10: parse error: argument 2 of info() must be conditions"),
        ("a[5m-10m]", "1:3: parse error: the duration must not be negative"),
        ("a group_left b", "1:3: parse error: unexpected \"group_left\""),
    ])
    func `says what is wrong and where`(query: String, message: String) {
        let error = #expect(throws: QueryError.self) { try Parser.parse(query) }
        #expect(error?.message.hasPrefix(message) == true, "\(error?.message ?? "")")
        #expect(error?.kind == .badData)
    }

    @Test func `refuses deep nesting instead of overflowing the stack`() {
        #expect(throws: QueryError.self) { try Parser.parse(String(repeating: "(", count: 100_000)) }
        #expect(throws: QueryError.self) { try Parser.parse(String(repeating: "-", count: 100_000) + "1") }
    }

    @Test(
        arguments: [
            (1.0, "1"), (-0.5, "-0.5"), (1e-6, "0.000001"), (1e-7, "1e-07"), (1.5e-7, "1.5e-07"), (1e20, "100000000000000000000"), (1e21, "1e+21"),
            (1.25e300, "1.25e+300"),
            (123456789.25, "123456789.25"), (.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (0, "0"), (0.1, "0.1"),
            (9007199254740992, "9007199254740992"), (.greatestFiniteMagnitude, "1.7976931348623157e+308"),
            (.leastNonzeroMagnitude, "5e-324"), (0.000123, "0.000123"), (-0.0, "-0"),
        ] as [(Double, String)])
    func `writes sample values as Prometheus does`(value: Double, text: String) { #expect(NumberText.string(value) == text) }

    @Test(arguments: [(0, "0s"), (5_400_000, "1h30m"), (604_800_000, "1w"), (86_400_000 * 8, "8d"), (1500, "1s500ms"), (-60_000, "-1m")] as [(Int64, String)])
    func `writes durations`(milliseconds: Int64, text: String) { #expect(NumberText.duration(milliseconds: milliseconds) == text) }
}
