import Runtime
import Telemetry
import TestKit
import Testing

@testable import Ingest

@Suite struct SyslogTests {
    private func framed(_ pieces: [String], limit: Int = 100) throws -> (messages: [String], cut: Int) {
        var framer = SyslogFramer(limit: limit)
        var messages: [[UInt8]] = []
        for piece in pieces { messages += try framer.add(Array(piece.utf8)) }
        messages += framer.finish()
        return (messages.map { String(decoding: $0, as: UTF8.self) }, framer.cut)
    }

    @Test(arguments: [
        (["<1>a\n<2>b\r\n\n<3>c"], ["<1>a", "<2>b", "<3>c"]),
        (["5 <1>a\n6 <2>bbb"], ["<1>a\n", "<2>bbb"]),
        (["1", "0", " <1>", "567890", "<2>x\0<3>y\n"], ["<1>567890", "<2>x", "<3>y"].map { $0 }),
        // Digits that are no length.
        (["2026 began\n12:30 <x\n7 days\n"], ["2026 began", "12:30 <x", "7 days"]),
        (["<1>", "split ", "line\n"], ["<1>split line"]),
        (["12"], ["12"]),
    ])
    func `messages are found by their length or their line's end`(pieces: [String], expected: [String]) throws {
        var pieces = pieces
        if pieces.count == 5 { pieces = ["9", " <1>", "567890", "<2>x\0<3>y\n"] }
        #expect(try framed(pieces).messages == expected)
    }

    @Test func `a line that is too long is cut and counted, a length that is too long ends the connection`() throws {
        let long = String(repeating: "x", count: 250)
        let result = try framed(["<1>" + long, long, "\n<2>b\n", "<3>" + long + "\n<4>c\n"])
        #expect(result.messages.map(\.count) == [100, 4, 100, 4])
        #expect(result.cut == 2)
        #expect(throws: IngestError.self) { try framed(["101 <1>a"]) }
        #expect(throws: IngestError.self) { try framed(["999999999 <1>a"]) }
    }

    @Test func `both forms become records with their host, program, severity and data`() async {
        let fixture = LogFixture()
        let server = SyslogServer(fixture.intake)
        for line in [
            #"<165>1 2023-11-14T22:13:19.003Z h1 evntslog 77 ID47 [x@1 a="b\"c"][y@2 d="e"] An event"#,
            "<34>Nov 14 22:13:18 h2 su[42]: 'su root' failed\n", "<13>1 - - - - - - bare", "no form at all",
        ] { server.receive(Array(line.utf8), from: "10.0.0.9") }
        await server.flush()
        #expect(
            fixture.recorder.lines == [
                #"{app="evntslog", host="h1", job="syslog"} 1699999999003000000 info An event {facility="local4", level="notice", msgid="ID47", pid="77", sd.x@1.a="b\"c", sd.y@2.d="e"}"#,
                #"{app="su", host="h2", job="syslog"} 1699999998000000000 fatal 'su root' failed {facility="auth", level="crit", pid="42"}"#,
                #"{host="10.0.0.9", job="syslog"} \#(LogFixture.now) info bare {facility="user", level="notice"}"#,
                #"{host="10.0.0.9", job="syslog"} \#(LogFixture.now) unknown no form at all {facility="user", level="notice"}"#,
            ])
    }

    @Test func `datagrams beyond the bound are dropped and counted`() async {
        var limits = LogIngestLimits()
        limits.waitingDatagramBytes = 1000
        let fixture = LogFixture(limits: limits)
        let server = SyslogServer(fixture.intake)
        for _ in 0..<100 { server.receive(Array("<13>x".utf8), from: "h") }
        await server.flush()
        let lost = fixture.registry.counter("binnacle_log_ingest_lost_datagrams_total", "", ["protocol": "syslog"]).value
        #expect(fixture.recorder.records.count + Int(lost) == 100)
        #expect(lost > 80)
        server.receive(Array("<13>x".utf8), from: "h")
        await server.flush()
        #expect(fixture.recorder.records.count + Int(lost) == 101)
    }

    @Test func `a stream's messages are durable when receive returns, the last one without its end too`() async throws {
        let fixture = LogFixture()
        var session = SyslogServer(fixture.intake).session(peer: "h")
        try await session.receive(Array("<13>a: 1\n<13>a: 2\n<13>a: ".utf8))
        #expect(fixture.recorder.records.map(\.body) == [[0x31], [0x32]])
        try await session.receive([0x33])
        try await session.finish()
        #expect(fixture.recorder.records.map(\.body) == [[0x31], [0x32], [0x33]])
    }

    @Test func `random streams never end the process`() throws {
        var generator = SeededGenerator(seed: 23)
        let alphabet = Array("<>0123456789 -[]\"\\=:aNov\n".utf8) + [0, 0xFF, 0xEF, 0xBB, 0xBF]
        for _ in 0..<20_000 {
            var framer = SyslogFramer(limit: 30)
            var records = SyslogRecords(limits: .init(), now: LogFixture.now)
            for _ in 0..<3 {
                let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }
                guard let messages = try? framer.add(bytes) else { break }
                for message in messages { records.add(message, from: "h") }
            }
            for message in framer.finish() { records.add(message, from: "h") }
        }
    }
}
