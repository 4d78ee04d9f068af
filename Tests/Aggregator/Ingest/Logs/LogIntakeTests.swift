import HTTP
import Runtime
import Telemetry
import TestKit
import Testing

@testable import Ingest

@Suite struct LogIntakeTests {
    @Test func `a store without room is waited for, and then the sender is told when to come again`() async {
        var limits = LogIngestLimits()
        limits.patience = .milliseconds(100)
        let fixture = LogFixture(limits: limits)
        fixture.recorder.refuse(.overloaded("full"), .overloaded("full"))
        #expect(await fixture.post("/insert/jsonline", #"{"_msg":"a"}"#).status == 200)
        fixture.recorder.refuse(.overloaded("1"), .overloaded("2"), .overloaded("3"))
        let refused = await fixture.post("/insert/jsonline", #"{"_msg":"b"}"#)
        #expect(refused.status == 429)
        #expect(refused.fields["Retry-After"] == "1")
        fixture.recorder.refuse(.invalid("wrong"))
        #expect(await fixture.post("/insert/jsonline", #"{"_msg":"c"}"#).status == 400)
        #expect(fixture.recorder.records.count == 1)
        #expect(fixture.registry.counter("binnacle_log_ingest_records_total", "", ["protocol": "jsonline"]).value == 1)
        #expect(fixture.registry.counter("binnacle_log_ingest_refused_requests_total", "", ["protocol": "jsonline", "code": "429"]).value == 1)
    }

    @Test func `what connections hold counts against the bound, and is given back when they end`() async throws {
        var limits = LogIngestLimits()
        limits.bytesAtOnce = 10_000
        let fixture = LogFixture(limits: limits)
        let server = SyslogServer(fixture.intake)
        do {
            var first = server.session(peer: "a")
            try await first.receive([UInt8](repeating: 0x78, count: 6000))
            await #expect(throws: IngestError.self) {
                var second = server.session(peer: "b")
                try await second.receive([UInt8](repeating: 0x78, count: 6000))
            }
            // What is whole is no longer held.
            try await first.receive([0x0A])
            var third = server.session(peer: "c")
            try await third.receive([UInt8](repeating: 0x78, count: 9000))
        }
        var fourth = server.session(peer: "d")
        try await fourth.receive([UInt8](repeating: 0x78, count: 9000))
        // A request is always let in alone, and not beside what fills the bound.
        #expect(await fixture.post("/insert/jsonline", #"{"_msg":"a"}"# + String(repeating: " ", count: 4000)).status == 429)
        try await fourth.receive([0x0A])
        #expect(await fixture.post("/insert/jsonline", #"{"_msg":"a"}"# + String(repeating: " ", count: 4000)).status == 200)
    }

    @Test func `two requests have one hash only if they are the same bytes`() {
        var generator = SeededGenerator(seed: 31)
        var seen: Set<BodyHash> = []
        for length in 0..<200 {
            let body = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(BodyHash(body.span) == BodyHash(body.span))
            #expect(seen.insert(BodyHash(body.span)).inserted)
            for place in stride(from: 0, to: length, by: 7) {
                var other = body
                other[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                #expect(seen.insert(BodyHash(other.span)).inserted)
            }
        }
        #expect(BodyHash("").text.utf8.count == 32)
    }
}
