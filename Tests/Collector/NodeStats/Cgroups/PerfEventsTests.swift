import Testing

@testable import NodeStats

@Suite struct PerfEventsTests {
    /// Count, nanoseconds wanted, nanoseconds run; what is shown and the share of the time.
    @Test(
        arguments: [
            (100, 1_000, 1_000, 100, 1.0), (100, 1_000, 250, 400, 0.25), (7, 0, 0, 7, 1.0), (0, 1_000, 0, 0, 0.0), (100, 1_000, 1_001, 100, 1.0),
        ] as [(UInt64, UInt64, UInt64, UInt64, Double)])
    func `a count is scaled to all of the time`(value: UInt64, enabled: UInt64, running: UInt64, shown: UInt64, share: Double) {
        let event = PerfCounters.event("cycles", cpu: 0, value: value, enabled: enabled, running: running)
        #expect(event.value == shown && event.scaling == share)
    }
}
