import LogParsing
import Telemetry
import Testing

@Suite struct SeverityDetectorTests {
    @Test(
        arguments: [
            (#"{"ts":1,"level":"error","msg":"x"}"#, .error), (#"{"msg":"level","severity" : "WARNING"}"#, .warning),
            (#"{"nested":{"level":"error"},"level":30}"#, .info), (#"{"Level":"Fatal"}"#, .fatal), (#"{"msg":"no level \" here"}"#, .unknown),
            ("I1124 08:48:41.123456       1 main.go:12] started", .info), ("E1124 08:48:41.1 1 x.go:1] bad", .error), ("Info about it", .unknown),
            (#"time="2026" level=warning msg="x""#, .warning), ("ts=1 lvl=dbg x=1", .debug), ("sublevel=error", .unknown),
            ("2026-11-24 08:48:41,123 ERROR [main] Foo - bar", .error), ("[error] 12#0: open() failed", .error), ("panic: runtime error", .fatal),
            ("2026/11/24 08:48:41 [warn] x", .warning), ("<11>Nov 24 08:48:41 host app: x", .error), ("an error happened", .unknown), ("", .unknown),
            ("Error: cannot open", .error), ("WARN  o.a.x - y", .warning),
        ] as [(String, LogRecord.Severity)])
    func `tells severity from a line`(line: String, severity: LogRecord.Severity) {
        #expect(SeverityDetector.detect(Array(line.utf8)[...]) == severity)
    }
}
