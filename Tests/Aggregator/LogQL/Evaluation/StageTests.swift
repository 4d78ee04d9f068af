import Telemetry
import Testing

@testable import LogQL

@Suite struct StageTests {
    /// What a pipeline makes of one line of the stream {app="web", pod="p"}: the line and the labels other than these; nil if it is dropped.
    static func result(_ stages: String, _ line: String, fields: Labels = [:], severity: LogRecord.Severity = .unknown) async throws -> String? {
        let source = MemorySource(rows: [
            .init(stream: ["app": "web", "pod": "p"], time: 1_700_000_000_123_456_789, line: line, severity: severity, fields: fields)
        ])
        guard let entry = try await source.run("{app=\"web\"} \(stages)").first else { return nil }
        var labels = entry.labels
        if labels["app"] == "web" { labels["app"] = "" }
        if labels["pod"] == "p" { labels["pod"] = "" }
        return "\(String(decoding: entry.line, as: UTF8.self)) \(labels)"
    }

    static let table: [(String, String, String?)] = [
        // Line filters.
        ("|= \"b\"", "abc", "abc {}"), ("|= \"B\"", "abc", nil), ("|=i \"B\"", "abc", "abc {}"), ("!=i \"B\"", "abc", nil), ("|= \"\"", "abc", "abc {}"),
        ("!= \"b\"", "abc", nil), ("!= \"x\" or \"b\"", "abc", nil), ("!= \"x\" or \"y\"", "abc", "abc {}"), ("|= \"x\" or \"b\"", "abc", "abc {}"),
        ("|~ \"a.c\"", "a\nc", "a\nc {}"), ("|~ `(?i)ABC`", "abc", "abc {}"), ("!~ \"^b\"", "abc", "abc {}"),
        ("|> \"a<_>c\"", "abbc", "abbc {}"), ("|> \"a<_>b\"", "abbc", nil), ("|> \"abc\"", "abc", "abc {}"), ("|> \"ab\"", "abc", nil),
        ("!> \"<_>b<_>\"", "abc", nil),
        ("|> \"<_>b\"", "axbxb", "axbxb {}"), ("|> \"\"", "abc", "abc {}"),
        ("|= ip(\"10.0.0.0/8\")", "from 10.1.2.3:80, done", "from 10.1.2.3:80, done {}"), ("|= ip(\"10.0.0.0/8\")", "from 11.1.2.3", nil),
        ("!= ip(\"10.0.0.0/8\")", "nobody", "nobody {}"), ("|= ip(\"2001:db8::/32\")", "x [2001:db8::1]:443", "x [2001:db8::1]:443 {}"),
        ("|= ip(\"1.1.1.1-1.1.1.9\")", "1.1.1.10", nil), ("|= ip(\"1.1.1.1-1.1.1.9\")", "a1.1.1.9.", "a1.1.1.9. {}"),
        // json
        (
            "| json", #"{"a":"x","b":{"c":1.50,"d":[1],"e":null,"f":true},"1x":"y","k-é":"z"}"#,
            #"{"a":"x","b":{"c":1.50,"d":[1],"e":null,"f":true},"1x":"y","k-é":"z"} {_1x="y", a="x", b_c="1.50", b_f="true", k__="z"}"#
        ),
        ("| json | line_format \"\"", #"{"pod":"q","a":"1","a":"2"}"#, #" {a="1", pod_extracted="q"}"#),
        ("| json | line_format \"\"", #"{"a":"\u00e9\n\ud83d\ude00"}"#, " {a=\"é\\n😀\"}"),
        ("| json", "no", #"no {__error__="JSONParserErr", __error_details__="the line is no JSON object"}"#),
        ("| json | __error__=\"\"", "[1]", nil), ("| json | drop __error__, __error_details__", "{\"a\":1} x", "{\"a\":1} x {}"),
        ("| json | __error__!=\"\" | drop __error_details__", "{\"a\":", #"{"a": {__error__="JSONParserErr"}"#),
        (
            "| json x=\"a.b\", y=\"c[1]\", z=`d[\"k\"]`, gone | line_format \"\"", #"{"a":{"b":{"q":1}},"c":[1,"two"],"d":{"k":null}}"#,
            #" {x="{\"q\":1}", y="two"}"#
        ),
        // logfmt
        ("| logfmt | line_format \"\"", #"a=1 b="x y\"" c= d e="" a=2 f-g=h"#, #" {a="1", b="x y\"", f_g="h"}"#),
        ("| logfmt --keep-empty | c=\"\" | line_format \"{{.a}}\"", "a=1 c=", #"1 {a="1"}"#),
        ("| logfmt | line_format \"\"", #"a=1 b=x"y z=2"#, #" {a="1", z="2"}"#),
        ("| logfmt --strict | drop __error_details__ | line_format \"\"", #"a=1 b=x"y z=2"#, #" {__error__="LogfmtParserErr", a="1"}"#),
        ("| logfmt x=\"b\", q | line_format \"\"", "a=1 b=2", #" {x="2"}"#),
        // regexp, pattern, unpack
        ("| regexp `(?P<m>[A-Z]+) (?P<pod>\\d+)`", "GET 12", #"GET 12 {m="GET", pod_extracted="12"}"#), ("| regexp `(?P<m>\\d)`", "x", "x {}"),
        ("| pattern \"<ip> - <_> [<at>]\"", "1.2 - me [now] x", #"1.2 - me [now] x {at="now", ip="1.2"}"#),
        ("| pattern \"<a>,<b>;\"", "1,2", #"1,2 {a="1"}"#), ("| pattern \"x<a>\"", "y1", "y1 {}"),
        ("| pattern \"<a> <b>\"", "1 2 3", #"1 2 3 {a="1", b="2 3"}"#),
        ("| unpack", #"{"_entry":"hi","a":"b","n":1}"#, #"hi {a="b"}"#),
        ("| unpack | drop __error_details__", "x", #"x {__error__="JSONParserErr"}"#),
        // Label filters.
        ("| json | a>5 | line_format \"\"", #"{"a":7}"#, #" {a="7"}"#), ("| json | a>5", #"{"a":3}"#, nil), ("| json | b>5", #"{"a":3}"#, nil),
        ("| json | a==7.5e1 | line_format \"\"", #"{"a":"75"}"#, #" {a="75"}"#), ("| json | a!=7 | line_format \"\"", #"{"a":8}"#, #" {a="8"}"#),
        ("| json | a>5 | drop __error_details__ | line_format \"\"", #"{"a":"x"}"#, #" {__error__="LabelFilterErr", a="x"}"#),
        (
            "| json | a>5 | a>10s | line_format \"\"", #"{"a":"x"}"#,
            #" {__error__="LabelFilterErr", __error_details__="\"x\" is no number", a="x"}"#
        ),
        ("| json | t>=1.5s | line_format \"\"", #"{"t":"1500ms"}"#, #" {t="1500ms"}"#), ("| json | t>1s | __error__=\"\"", #"{"t":"1d"}"#, nil),
        ("| json | s>1KB | line_format \"\"", #"{"s":"1 kib"}"#, #" {s="1 kib"}"#), ("| json | s<1KiB", #"{"s":"1 kib"}"#, nil),
        ("| nope=\"\"", "x", "x {}"), ("| nope=~\".+\"", "x", nil), ("| app=~\"w.b\" and pod!~\"q\"", "x", "x {}"), ("| app=\"no\" or pod=\"p\"", "x", "x {}"),
        ("| app=\"no\" or pod=\"p\" and app=\"web\"", "x", "x {}"), ("| (app=\"no\" or pod=\"p\") and app=\"no\"", "x", nil),
        ("| json | i=ip(\"10.0.0.0/8\") | line_format \"\"", #"{"i":"10.0.0.1"}"#, #" {i="10.0.0.1"}"#),
        ("| json | i!=ip(\"10.0.0.0/8\")", #"{"i":"10.0.0.1"}"#, nil),
        // Formats.
        ("| line_format \"{{.app}}-{{.nope}}-{{__line__}}\"", "x", "web--x {}"), ("| line_format \"{{ .app | upper }}\"", "x", "WEB {}"),
        ("| label_format a=pod, b=`{{.pod}}{{.a}}`", "x", #"x {a="p", b="p"}"#), ("| label_format a=app | keep a", "x", #"x {a="web"}"#),
        ("| label_format app=pod", "x", #"x {app="p"}"#), ("| label_format x=nope", "x", "x {}"),
        ("| line_format `{{div 1 0}}` | drop __error_details__", "x", #"x {__error__="TemplateFormatErr"}"#),
        ("| json | drop a | line_format \"\"", #"{"a":"1","b":"2"}"#, #" {b="2"}"#), ("| json | drop a=\"2\" | line_format \"\"", #"{"a":"1"}"#, #" {a="1"}"#),
        ("| json | keep a, b=\"x\" | line_format \"\"", #"{"a":"1","b":"2"}"#, #" {a="1"}"#),
        ("| decolorize", "\u{1B}[31;1mred\u{1B}[0m", "red {}"),
        // Ours.
        ("| template | drop template_id", "took 15ms for user-7 ok", #"took 15ms for user-7 ok {template="took <_> for <_> ok"}"#),
        ("| redact", "password=hunter2 mail a@b.org Bearer abcdefgh1", "password=[redacted] mail [redacted] Bearer [redacted] {}"),
        ("| sample 100%", "x", "x {}"),
    ]

    @Test(arguments: table) func `a stage does to a line what the table says`(stages: String, line: String, expected: String?) async throws {
        #expect(try await StageTests.result(stages, line) == expected)
    }

    @Test func `metadata and severity are labels, and lose against the stream`() async throws {
        #expect(
            try await StageTests.result("", "x", fields: ["pod": "q", "t": "1"], severity: .warning) == #"x {detected_level="warn", pod_extracted="q", t="1"}"#)
        #expect(
            try await StageTests.result("| json | line_format \"\"", #"{"pod":"r","t":"2"}"#, fields: ["pod": "q", "t": "1"])
                == #" {pod_extracted="r", t="1", t_extracted="2"}"#)
        #expect(try await StageTests.result("| detected_level=~\"warn|error\"", "x", severity: .warning) == #"x {detected_level="warn"}"#)
        #expect(try await StageTests.result("| detected_level=\"error\"", "x", severity: .warning) == nil)
    }

    static let templates: [(String, String)] = [
        ("{{ToLower}}", ""), ("{{alignLeft 5 .v}}|", "ab   |"), ("{{alignRight 5 .v}}", "   ab"), ("{{alignRight 1 .v}}", "b"), ("{{b64enc .v}}", "YWI="),
        ("{{b64dec `YWI=`}}", "ab"),
        ("{{default `d` .nope}}{{default `d` .v}}", "dab"), ("{{(fromJson `{\"a\":[1,\"x\"]}`).a}}", "[1 x]"),
        ("{{lower `AB`}}{{upper `ab`}}{{title `ab cd`}}", "abABAb Cd"),
        ("{{trunc 1 .v}}{{trunc -1 .v}}", "ab"), ("{{substr 1 -1 `hello`}}{{substr 0 2 `hello`}}", "ellohe"), ("{{replace `a` `x` `banana`}}", "bxnxnx"),
        ("{{trim ` a `}}|", "a|"),
        ("{{trimAll `$` `$5$`}}{{trimLeft `ab` `abc`}}{{trimRight `bc` `abc`}}", "5ca"), ("{{trimPrefix `a` `aab`}}{{trimSuffix `b` `abb`}}", "abab"),
        ("{{indent 2 `a`}}{{nindent 1 `b`}}", "  a\n b"), ("{{repeat 3 `x`}}", "xxx"),
        ("{{contains `b` .v}}{{hasPrefix `a` .v}}{{hasSuffix `a` .v}}", "truetruefalse"),
        ("{{add 1 2 3}} {{sub 5 2}} {{mul 2 3}} {{div 7 2}} {{mod 7 2}}", "6 3 6 3 1"),
        ("{{addf 1.5 2}} {{subf 1 0.5}} {{mulf 2 1.5}} {{divf 1 4}}", "3.5 0.5 3 0.25"),
        ("{{max 1 3 2}} {{min 3 1}} {{maxf 1.5 2}} {{minf 1.5 2}}", "3 1 2 1.5"), ("{{ceil 1.2}} {{floor 1.8}} {{round 1.256 2}}", "2 1 1.26"),
        ("{{float64 `1.5`}} {{int `7`}}", "1.5 7"),
        ("{{duration `1m30s`}} {{duration_seconds `1.5s`}} {{bytes `2KB`}}", "90 1.5 2000"), ("{{count `a` `banana`}}", "3"),
        ("{{regexReplaceAll `(a)n` `banana` `${1}m`}}", "bamama"),
        ("{{regexReplaceAllLiteral `a.` `banana` `$1`}}", "b$1$1a"), ("{{urlencode `a b/ü`}} {{urldecode `a+b%2F`}}", "a+b%2F%C3%BC a b/"),
        ("{{printf `%05.1f|%s` 2.25 .v}}", "002.2|ab"),
        ("{{if eq .v `ab`}}yes{{else}}no{{end}}", "yes"), ("{{len .v}}", "2"), ("{{range $i, $x := fromJson `[1,2]`}}{{$i}}{{$x}}{{end}}", "0112"),
        ("{{__timestamp__ | date `2006-01-02T15:04:05.000Z07:00`}}", "2023-11-14T22:13:20.123Z"),
        ("{{unixEpoch __timestamp__}} {{unixEpochMillis __timestamp__}}", "1700000000 1700000000123"),
        ("{{unixEpochNanos (toDate `2006-01-02` `2024-02-29`)}}", "1709164800000000000"),
        ("{{toDateInZone `2006-01-02 15:04` `+02:00` `2024-02-29 12:00`}}", "2024-02-29 10:00:00 +0000 UTC"),
        ("{{unixToTime `1700000000` | date `Mon Jan _2 3:04PM 06`}}", "Tue Nov 14 10:13PM 23"), ("{{now | unixEpoch}}", "5"),
        ("{{.v | upper | printf `%s!`}}", "AB!"),
    ]

    @Test(arguments: templates.dropFirst()) func `a template's functions answer as in Loki`(template: String, expected: String) async throws {
        let source = MemorySource(rows: [.init(stream: ["v": "ab"], time: 1_700_000_000_123_456_789, line: "x")])
        var options = LogEngine.Options()
        options.now = 5 * second
        let query = LogPipeline(matchers: [], stages: [.lineFormat(template)])
        let entries = try await LogEngine(source, options: options).lines(query, LogLinesRequest(0..<(1 << 62))).entries
        #expect(entries.map { String(decoding: $0.line, as: UTF8.self) } == [expected], "\(entries.first?.labels.description ?? "")")
    }

    @Test func `an unknown function is a fault of the query`() {
        #expect(throws: LogQLError.self) { try LogExpression.parse("{} | line_format `{{ToLower .x}}`") }
    }
}
