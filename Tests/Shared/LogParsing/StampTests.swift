import Glibc
import Telemetry
import Testing

@testable import LogParsing

@Suite struct StampTests {
    /// 2026-11-24T08:48:41Z.
    static let base: Int64 = 1_795_510_121_000_000_000

    @Test(arguments: [
        ("2026-11-24T08:48:41Z rest", base, 20), ("2026-11-24 08:48:41,123 x", base + 123_000_000, 23), ("2026-11-24T09:48:41.5+01:00", base + 500_000_000, 27),
        ("2026-11-24 08:48:41.000001 +0000 x", base + 1000, 32), ("2026/11/24 08:48:41 main.go:1", base, 19), ("24/Nov/2026:09:48:41 +0100]", base, 26),
        ("24 Nov 2026 08:48:41.123 * x", base + 123_000_000, 24), ("Nov 24 08:48:41 host x", base, 15),
        ("Nov  4 08:48:41 host", base - 20 * 86_400_000_000_000, 15),
        ("Tue Nov 24 08:48:41.5 2026] x", base + 500_000_000, 26), ("Tue, 24 Nov 2026 08:48:41 GMT", base, 29), ("1795510121 x", base, 10),
        ("1795510121.25", base + 250_000_000, 13), ("1795510121000", base, 13), ("1795510121000000", base, 16), ("1795510121000000000", base, 19),
        ("20261124T084841Z", base, 16), ("2026-11-24 08:48:41 UTC x", base, 23), ("2026-11-24 08:48:41 -12 apples", base, 19),
    ])
    func `reads the forms of stamps that logs use`(text: String, time: Int64, length: Int) throws {
        let (stamp, end) = try #require(StampScanner.scan(Array(text.utf8)[...]))
        #expect(stamp.nanoseconds(near: Self.base) == time)
        #expect(end == length)
    }

    @Test(arguments: [
        "", "x", "2026-13-01 00:00:00", "2026-11-24", "12345", "12:00", "Nov", "Nov 24", "999999999999999999999", "May I go", "2026-11-24T25:00:00Z", "[",
    ])
    func `takes nothing else for a stamp`(text: String) { #expect(StampScanner.scan(Array(text.utf8)[...]) == nil) }

    @Test func `never reads beyond a text, whatever the bytes`() {
        let sources = ["2026-11-24T08:48:41.123+01:00", "Tue Nov 24 08:48:41 2026", "24/Nov/2026:09:48:41 +0100", "1795510121.25"].map { Array($0.utf8) }
        for source in sources {
            for length in 0...source.count { _ = StampScanner.scan(source[..<length]) }
            for index in source.indices {
                for byte in [UInt8(0), 0x20, 0x2D, 0x39, 0xFF] {
                    var changed = source
                    changed[index] = byte
                    _ = StampScanner.scan(changed[...]).map { $0.stamp.nanoseconds(near: Self.base) }
                }
            }
        }
    }

    @Test func `chooses the year of a stamp without one so that it lies near`() throws {
        func time(_ text: String, near: String) throws -> String {
            let stamp = try #require(StampScanner.scan(Array(text.utf8)[...])?.stamp)
            let now = try #require(CivilTime.parse(near)).nanosecondsSinceEpoch
            return CivilTime(nanosecondsSinceEpoch: stamp.nanoseconds(near: now)).rfc3339()
        }
        #expect(try time("Dec 31 23:59:59 h", near: "2027-01-01T00:00:05Z") == "2026-12-31T23:59:59Z")
        #expect(try time("Jan  1 00:00:05 h", near: "2026-12-31T23:59:59Z") == "2027-01-01T00:00:05Z")
        #expect(try time("Nov 24 08:48:41 h", near: "2026-11-24T08:48:42Z") == "2026-11-24T08:48:41Z")
        #expect(try time("Nov 30 08:48:41 h", near: "2026-11-24T08:48:42Z") == "2026-11-30T08:48:41Z")
        #expect(try time("Dec 24 08:48:41 h", near: "2026-11-24T08:48:42Z") == "2025-12-24T08:48:41Z")
    }

    // MARK: Zones

    static func zone(_ name: String) -> ZoneRules? {
        ZoneRules(named: name) { name in
            guard let file = unsafe fopen("/usr/share/zoneinfo/\(name)", "r") else { return nil }
            defer { unsafe fclose(file) }
            var bytes = [UInt8](repeating: 0, count: 1 << 16)
            let count = unsafe bytes.withUnsafeMutableBytes { unsafe fread($0.baseAddress, 1, $0.count, file) }
            return Array(bytes[..<count])
        }
    }

    @Test(arguments: [
        ("Europe/Berlin", "2026-01-15T12:00:00", "2026-01-15T11:00:00Z"), ("Europe/Berlin", "2026-07-15T12:00:00", "2026-07-15T10:00:00Z"),
        ("America/New_York", "2040-07-04T12:00:00", "2040-07-04T16:00:00Z"), ("Asia/Kolkata", "2026-07-15T12:00:00", "2026-07-15T06:30:00Z"),
        ("Australia/Lord_Howe", "2045-01-15T12:00:00", "2045-01-15T01:00:00Z"), ("Etc/UTC", "2026-07-15T12:00:00", "2026-07-15T12:00:00Z"),
        // Skipped: clocks go from 02:00 to 03:00 on 29 March 2026.
        ("Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T01:30:00Z"),
        ("America/Sao_Paulo", "1995-12-31T12:00:00", "1995-12-31T14:00:00Z"),
    ])
    func `reckons with a place's clocks`(name: String, local: String, utc: String) throws {
        let zone = try #require(Self.zone(name))
        let stamp = try #require(StampScanner.scan(Array(local.utf8)[...])?.stamp)
        let near = try #require(CivilTime.parse(utc)).nanosecondsSinceEpoch
        #expect(CivilTime(nanosecondsSinceEpoch: stamp.nanoseconds(zone: zone, near: near)).rfc3339() == utc)
    }

    @Test func `takes of the two hours when clocks go back the one nearest to when the line was seen`() throws {
        let zone = try #require(Self.zone("Europe/Berlin"))
        let stamp = try #require(StampScanner.scan(Array("2026-10-25 02:30:00 x".utf8)[...])?.stamp)
        for utc in ["2026-10-25T00:30:01Z", "2026-10-25T01:30:01Z"] {
            let near = try #require(CivilTime.parse(utc)).nanosecondsSinceEpoch
            #expect(stamp.nanoseconds(zone: zone, near: near) == near - 1_000_000_000)
        }
        // The rule of the file's footer does the same after the last listed change.
        let late = try #require(StampScanner.scan(Array("2050-10-30 02:30:00 x".utf8)[...])?.stamp)
        for utc in ["2050-10-30T00:30:01Z", "2050-10-30T01:30:01Z"] {
            let near = try #require(CivilTime.parse(utc)).nanosecondsSinceEpoch
            #expect(late.nanoseconds(zone: zone, near: near) == near - 1_000_000_000)
        }
    }

    @Test func `refuses names that are no zones, and files that are none`() {
        for name in ["../etc/passwd", "/etc/passwd", "", "Europe//Berlin", "Europe/Nowhere", "a\u{0}b"] { #expect(Self.zone(name) == nil) }
        #expect(ZoneRules(tzif: []) == nil)
        #expect(ZoneRules(tzif: Array("TZif2".utf8) + [UInt8](repeating: 0xFF, count: 60)) == nil)
    }
}
