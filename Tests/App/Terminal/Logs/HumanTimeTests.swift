import Telemetry
import Testing

@testable import Terminal

@Suite struct HumanTimeTests {
    /// 2026-11-24T15:30:00Z.
    private static let now: Int64 = 1_795_534_200_000_000_000

    @Test(arguments: [
        ("now", "2026-11-24T15:30:00Z"), ("10m", "2026-11-24T15:20:00Z"), ("2h ago", "2026-11-24T13:30:00Z"), ("1h30m", "2026-11-24T14:00:00Z"),
        ("2 days ago", "2026-11-22T15:30:00Z"), ("1.5 hours ago", "2026-11-24T14:00:00Z"), ("yesterday", "2026-11-23T00:00:00Z"),
        ("Yesterday 14:30", "2026-11-23T14:30:00Z"), ("today", "2026-11-24T00:00:00Z"), ("8:05", "2026-11-24T08:05:00Z"),
        ("08:05:30.5", "2026-11-24T08:05:30.5Z"), ("2026-11-20", "2026-11-20T00:00:00Z"), ("2026-11-20 07:00", "2026-11-20T07:00:00Z"),
        ("2026-11-20T07:00:00+01:00", "2026-11-20T06:00:00Z"), ("1795534200", "2026-11-24T15:30:00Z"),
    ]) func `moments as people write them`(text: String, expected: String) throws {
        let time = try #require(HumanTime.parse(text, now: Self.now), "\(text)")
        #expect(time == CivilTime.parse(expected)?.nanosecondsSinceEpoch)
    }

    @Test func `days and times of day are local`() {
        let zone: Int64 = 3 * 3_600_000_000_000
        #expect(HumanTime.parse("today", now: Self.now, zone: zone) == CivilTime.parse("2026-11-23T21:00:00Z")?.nanosecondsSinceEpoch)
        #expect(HumanTime.parse("14:00", now: Self.now, zone: zone) == CivilTime.parse("2026-11-24T11:00:00Z")?.nanosecondsSinceEpoch)
        #expect(HumanTime.parse("2026-11-20 07:00", now: Self.now, zone: zone) == CivilTime.parse("2026-11-20T04:00:00Z")?.nanosecondsSinceEpoch)
    }

    @Test(arguments: ["", "soon", "25:00", "8:5", "10 parsecs", "2026-13-01", "yesterday noon", "5"]) func `what is no moment`(text: String) {
        #expect(HumanTime.parse(text, now: Self.now) == nil)
    }

    @Test func `spans`() {
        let day: Int64 = 86_400_000_000_000
        let midnight = CivilTime.parse("2026-11-24T00:00:00Z")?.nanosecondsSinceEpoch ?? 0
        #expect(HumanTime.span("yesterday", now: Self.now) == midnight - day..<midnight)
        #expect(HumanTime.span("2h ago..1h ago", now: Self.now) == Self.now - 7_200_000_000_000..<Self.now - 3_600_000_000_000)
        #expect(HumanTime.span("1h..", now: Self.now) == Self.now - 3_600_000_000_000..<Self.now)
        #expect(HumanTime.span("1h..2h", now: Self.now) == nil && HumanTime.span("x", now: Self.now) == nil)
    }
}
