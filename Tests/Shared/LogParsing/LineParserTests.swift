import Pattern
import Telemetry
import TestKit
import Testing

@testable import LogParsing

@Suite struct LineParserTests {
    private func parse(_ line: String) -> ParsedLine { LineParser.parse(Array(line.utf8)[...], statusIsSeverity: true) }
    private func time(_ parsed: ParsedLine) -> String? {
        parsed.stamp.map { CivilTime(nanosecondsSinceEpoch: $0.nanoseconds(near: StampTests.base)).rfc3339(fractionDigits: 3) }
    }

    @Test(arguments: [
        (#"{"level":"warn","ts":"2026-11-24T08:48:41Z","msg":"low","ctx":{"id":7}}"#, LineForm.json, LogRecord.Severity.warning, "low"),
        (#"{"time":1795510121.0,"severity_number":17,"body":1,"message":"otlp"}"#, .json, .error, "otlp"),
        (#"{"pid":1,"level":50,"time":1795510121000,"msg":"pino"}"#, .json, .error, "pino"),
        (#"E1124 08:48:41.000000   12345 controller.go:42] "Sync failed" worker="a b" count=3"#, .klog, .error, "Sync failed"),
        (#"I1124 08:48:41.000000       1 main.go:1] plain text"#, .klog, .info, "plain text"),
        (#"level=info ts=2026-11-24T08:48:41Z msg="two words" n=1"#, .logfmt, .info, "two words"),
        (#"10.0.0.1 - frank [24/Nov/2026:08:48:41 +0000] "GET /a?b=c HTTP/1.1" 503 2326 "-" "curl/8""#, .access, .error, "GET /a?b=c HTTP/1.1"),
        (#"10.0.0.1 - - [24/Nov/2026:08:48:41 +0000] "-" 404 0"#, .access, .warning, "-"),
        (#"[Tue Nov 24 08:48:41.000000 2026] [core:error] [pid 12:tid 34] [client 10.0.0.1:5] AH1: no"#, .webError, .error, "AH1: no"),
        (#"2026/11/24 08:48:41 [warn] 12#34: *56 buffered, client: 10.0.0.1"#, .webError, .warning, "12#34: *56 buffered, client: 10.0.0.1"),
        (#"<165>1 2026-11-24T08:48:41Z host app 12 ID47 [ex@1 a="q\"\]" b="2"][o] text"#, .syslog, .info, "text"),
        ("<34>Nov 24 08:48:41 host su[12]: failed", .syslog, .fatal, "failed"),
        ("2026-11-24 08:48:41,000 ERROR [main] c.x.Y - broken", .stamped, .error, "[main] c.x.Y - broken"),
        ("2026-11-24 08:48:41.000 WARN x", .stamped, .warning, "x"),
        ("\u{1B}[31m2026-11-24T08:48:41Z ERROR red\u{1B}[0m", .stamped, .error, "red"),
    ])
    func `tells form, time, severity and text`(line: String, form: LineForm, severity: LogRecord.Severity, message: String) {
        let parsed = parse(line)
        #expect(parsed.form == form)
        #expect(parsed.severity == severity)
        #expect(parsed.message == message)
        #expect(time(parsed) == "2026-11-24T08:48:41.000Z")
        // The quick way says the same.
        let heading = LineParser.heading(AnsiText.stripped(Array(line.utf8)[...]), as: form)
        #expect(heading?.stamp == parsed.stamp)
        if form != .access { #expect(heading?.severity == severity) }
    }

    @Test(arguments: [
        "plain text", "", "   ", "{not json", "{\"a\":1} trailing", "a=b", "x = y and z = w", "<999>x", "http://a/?b=c&d=e is a link", "I am here",
        "Error: nothing", "=1 =2", "[x] y",
    ])
    func `leaves other lines as they are`(line: String) {
        #expect(parse(line).form == .raw)
        #expect(parse(line).message == line)
    }

    @Test func `reads the fields of each form`() {
        let ingress = parse(
            #"10.0.0.1 - frank [24/Nov/2026:08:48:41 +0000] "GET /a HTTP/1.1" 200 2326 "http://r/" "curl/8" 512 0.004 [shop-api-80] [] 10.1.0.7:8080 2326 0.003 200 4f2e"#
        )
        let expected = [
            "client": "10.0.0.1", "user": "frank", "method": "GET", "path": "/a", "protocol": "HTTP/1.1", "status": "200", "bytes": "2326",
            "referer": "http://r/", "agent": "curl/8", "request_length": "512", "request_time": "0.004", "upstream_name": "shop-api-80",
            "upstream_addr": "10.1.0.7:8080", "upstream_bytes": "2326", "upstream_time": "0.003", "upstream_status": "200", "request_id": "4f2e",
        ]
        #expect(Dictionary(uniqueKeysWithValues: ingress.fields.map { ($0.name, $0.value) }) == expected)
        let syslog = parse(#"<165>1 2026-11-24T08:48:41Z host app 12 ID47 [ex@1 a="q\"\]" b="2"][o] text"#)
        #expect(syslog["ex@1.a"] == #"q"]"# && syslog["ex@1.b"] == "2" && syslog["o"] == "" && syslog["facility"] == "local4" && syslog["msg_id"] == "ID47")
        #expect(parse(#"I1124 08:48:41.000000 1 a.go:1] "x" worker="a \"b\"" n=3"#)["worker"] == #"a "b""#)
        #expect(parse(#"{"a":{"b":{"c":{"d":{"e":1}}}},"t":true}"#).fields == [.init("a.b.c.d", #"{"e":1}"#), .init("t", "true")])
        #expect(parse("[Tue Nov 24 08:48:41.1 2026] [core:error] [pid 12:tid 34] [client 10.0.0.1:5] x")["client"] == "10.0.0.1:5")
    }

    @Test(arguments: [
        ("<13>Nov 24 08:48:41 su: x", String?.none, "su"), ("<13>su[1]: x", nil, "su"), ("<13>Nov 24 08:48:41 web-1 su[1]: x", "web-1", "su"),
        ("<13>2026-11-24T08:48:41+01:00 web-1 su[1]: x", "web-1", "su"),
    ])
    func `reads what senders make of RFC 3164`(line: String, host: String?, application: String) throws {
        let message = try #require(SyslogMessage.parse(Array(line.utf8)[...]))
        #expect(message.host == host && message.application == application && message.text.elementsEqual("x".utf8) && !message.isRFC5424)
    }

    @Test func `remembers a container's form and takes another when lines change`() {
        var detector = FormDetector()
        func feed(_ line: String) -> LineHeading { detector.heading(Array(line.utf8)[...]) }
        _ = feed("** banner **")
        #expect(detector.form == .raw)
        for _ in 0..<199 { #expect(feed("level=error msg=x").severity == .error) }
        #expect(detector.form == .logfmt)
        for _ in 0..<30 { #expect(feed(#"{"level":"warn"}"#).severity == .warning) }
        for _ in 0..<170 { _ = feed("level=error msg=x") }
        #expect(detector.form == .logfmt)
        for _ in 0..<200 { _ = feed(#"{"level":"warn"}"#) }
        #expect(detector.form == .json)
        var forced = FormDetector(forced: .klog)
        for _ in 0..<500 { _ = forced.heading(Array(#"{"level":"warn"}"#.utf8)[...]) }
        #expect(forced.form == .klog)
    }

    @Test func `reads a form that a user describes, also with Grok's names`() throws {
        let form = try CustomForm("%{IPORHOST:client} %{WORD:method} %{NUMBER:seconds:float} %{LOGLEVEL:level} %{MINE:mine}", definitions: ["MINE": "m%{INT}"])
        let parsed = try #require(form.parse(Array("10.0.0.1 GET 0.25 error m-12".utf8)[...]))
        #expect(parsed.severity == .error && parsed["client"] == "10.0.0.1" && parsed["seconds"] == "0.25" && parsed["mine"] == "m-12")
        #expect(form.parse(Array("other".utf8)[...]) == nil)
        #expect(throws: PatternError.self) { try CustomForm("%{NOSUCH:x}") }
        #expect(throws: PatternError.self) { try CustomForm("%{A}", definitions: ["A": "%{B}", "B": "%{A}"]) }
        #expect(throws: PatternError.self) { try CustomForm("%{A") }
    }

    @Test(arguments: UInt64(1)...20) func `reads any bytes without failing`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let seeds = [
            #"{"level":"warn","a":[1,{"b":"\\\""}]}"#, #"<165>1 2026-11-24T08:48:41Z h a 1 - [e@1 a="b"] t"#, #"a=b c="d\" e" f"#,
            #"1.1.1.1 - - [24/Nov/2026:08:48:41 +0000] "GET / H" 200 1 "a" "b""#, "E1124 08:48:41.000000   12345 c.go:42] \"x\" a=\"b\"",
            "[Tue Nov 24 08:48:41 2026] [a:error] [pid 1] x", "\u{1B}]8;;x\u{1B}\\a\u{1B}[31mb",
        ].map { Array($0.utf8) }
        for _ in 0..<60 {
            var line = seeds[random.below(seeds.count)]
            for _ in 0..<random.below(6) {
                if line.isEmpty { break }
                switch random.below(3) {
                case 0: line[random.below(line.count)] = UInt8(random.below(256))
                case 1: line.removeLast(random.below(line.count) + 1)
                default: line.insert(UInt8(random.below(256)), at: random.below(line.count))
                }
            }
            for form in LineForm.allCases {
                _ = LineParser.parse(line[...], as: form)
                _ = LineParser.heading(line[...], as: form)
            }
            _ = LineParser.parse(line[...])
        }
    }
}
