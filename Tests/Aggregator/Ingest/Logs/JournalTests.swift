import HTTP
import Telemetry
import TestKit
import Testing

@testable import Ingest

@Suite struct JournalTests {
    private static let path = "/insert/journald/upload"

    static func binary(_ name: String, _ value: [UInt8]) -> [UInt8] {
        Array("\(name)\n".utf8) + (0..<8).map { UInt8(truncatingIfNeeded: value.count >> ($0 * 8)) } + value + [0x0A]
    }

    static let upload: [UInt8] =
        Array("__CURSOR=s=1;i=1\n__REALTIME_TIMESTAMP=1699999999000001\n__MONOTONIC_TIMESTAMP=5\n_HOSTNAME=n1\n_SYSTEMD_UNIT=a.service\nPRIORITY=3\n".utf8)
        + binary("MESSAGE", Array("two\nlines".utf8))
        + Array("_PID=7\n\n\n__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1699999999000002\n_HOSTNAME=n1\nMESSAGE=x=y\n".utf8)

    @Test func `entries become records, with bytes as they are`() async {
        let fixture = LogFixture()
        let response = await fixture.post(Self.path, Self.upload, type: "application/vnd.fdo.journal")
        #expect(response.status == 200, "\(response.text)")
        #expect(
            fixture.recorder.lines == [
                "{host=\"n1\", job=\"journald\", unit=\"a.service\"} 1699999999000001000 error two\nlines {PRIORITY=\"3\", _PID=\"7\"}",
                #"{host="n1", job="journald"} 1699999999000002000 unknown x=y {}"#,
            ])
    }

    @Test func `entries that come again are known by their cursors`() async {
        let fixture = LogFixture()
        #expect(await fixture.post(Self.path, Self.upload).status == 200)
        let more = Self.upload + Array("\n__CURSOR=s=1;i=3\nMESSAGE=new\n\n".utf8)
        #expect(await fixture.post(Self.path, more).status == 200)
        #expect(fixture.recorder.records.count == 3)
    }

    @Test func `lying lengths and damage are refused`() async {
        let fixture = LogFixture()
        #expect(await fixture.post(Self.path, Array("MESSAGE\n".utf8) + [UInt8](repeating: 0xFF, count: 8) + [1]).status == 400)
        #expect(await fixture.post(Self.path, "MESSAGE", type: nil).status == 400)
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<5000 {
            var body = Self.upload
            body[Int.random(in: 0..<body.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            if Bool.random(using: &generator) { body.removeLast(Int.random(in: 0..<body.count, using: &generator)) }
            #expect([200, 400].contains(await fixture.post(Self.path, body).status))
        }
    }
}
