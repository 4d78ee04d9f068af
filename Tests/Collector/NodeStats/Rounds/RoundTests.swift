import Runtime
import Telemetry
import TestKit
import Testing

@testable import NodeStats

@Suite struct RoundScheduleTests {
    @Test func `rounds sit on the second, whatever the sleep did`() {
        var schedule = RoundSchedule(interval: 1000)
        #expect(schedule.next(wall: 10_400, monotonic: 400) == .init(due: 11_000, wait: 600))
        // Woken a moment early: the round at 11,000 has been made, so the next is at 12,000.
        #expect(schedule.next(wall: 10_999, monotonic: 999) == .init(due: 12_000, wait: 1_001))
        #expect(schedule.next(wall: 12_003, monotonic: 2_003) == .init(due: 13_000, wait: 997))
        // A round that took 2.5 s: two are left out.
        #expect(schedule.next(wall: 15_500, monotonic: 5_500) == .init(due: 16_000, wait: 500, late: 2))
        schedule.interval = 5000
        #expect(schedule.next(wall: 16_020, monotonic: 6_020) == .init(due: 20_000, wait: 3_980))
    }

    @Test func `a clock that is set makes a jump, not late rounds`() {
        var schedule = RoundSchedule(interval: 1000)
        _ = schedule.next(wall: 100_500, monotonic: 0)
        #expect(schedule.next(wall: 3_701_510, monotonic: 1_010) == .init(due: 3_702_000, wait: 490, jump: 3_600_000))
        #expect(schedule.next(wall: 102_520, monotonic: 2_020) == .init(due: 103_000, wait: 480, jump: -3_600_000))
        #expect(schedule.next(wall: 103_001, monotonic: 2_501) == .init(due: 104_000, wait: 999))
        #expect(schedule.next(wall: -1_500, monotonic: 3_000).due == -1_000, "before 1970 as well")
    }
}

@Suite struct CPUBudgetTests {
    @Test(arguments: [
        // Cost of a round in CPU seconds, the interval before, and after: 1 % of a core.
        (0.005, Int64(1000), Int64(1000)), (0.012, 1000, 2000), (0.045, 1000, 5000), (2.0, 1000, 60_000), (0.012, 2000, 2000), (0.007, 2000, 1000),
        (0.009, 2000, 2000), (0.001, 60_000, 30_000), (0.5, 60_000, 60_000),
    ])
    func `the interval follows the cost`(cost: Double, before: Int64, after: Int64) {
        #expect(CPUBudget.decide(meanCost: cost, share: 0.01, base: 1000, interval: before) == after)
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func `a steady cost comes to rest within the budget`(seed: UInt64) {
        var state = seed
        for _ in 0..<200 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let cost = Double((state >> 33) % 500) / 1000
            var budget = CPUBudget(share: 0.01, base: 1000)
            var time: Int64 = 0
            var last: Int64 = 0
            for _ in 0..<400 {
                last = budget.interval
                time += last
                _ = budget.record(cost, at: time)
            }
            #expect(budget.interval == last, "seed \(seed), cost \(cost)")
            #expect(cost / (Double(last) / 1000) <= 0.01 + 1e-9 || last == CPUBudget.widest, "seed \(seed), cost \(cost)")
        }
    }

    @Test func `without a budget nothing widens`() {
        var budget = CPUBudget(share: 0, base: 1000)
        for second in 0..<100 { #expect(budget.record(5, at: Int64(second) * 1000) == 1000) }
    }
}

@Suite struct DeliveryPlanTests {
    @Test func `every quarter of a minute, and each second around trouble`() {
        var plan = DeliveryPlan(interval: 15_000)
        #expect(plan.decide(at: 1000, troubled: []) == .init(isRegular: true))
        #expect(plan.decide(at: 2000, troubled: []) == .init(isRegular: false))
        // What came before the trouble goes back to the last delivery.
        #expect(plan.decide(at: 5000, troubled: ["/a"]) == .init(isRegular: false, bursts: ["/a": 1000]))
        #expect(plan.decide(at: 6000, troubled: []) == .init(isRegular: false, bursts: ["/a": 6000]))
        #expect(plan.decide(at: 15_000, troubled: []) == .init(isRegular: true, bursts: ["/a": 15_000]))
        #expect(plan.decide(at: 49_000, troubled: []).bursts == ["/a": 49_000])
        #expect(plan.decide(at: 51_000, troubled: []).bursts.isEmpty)
        // A clock that was set back by an hour does not stop deliveries.
        #expect(plan.decide(at: -3_549_000, troubled: []).isRegular)
    }

    @Test func `each second is delivered where that is asked for`() {
        var plan = DeliveryPlan(interval: 1000)
        for second in 0..<10 { #expect(plan.decide(at: Int64(second) * 1000, troubled: ["/a"]) == .init(isRegular: true)) }
    }

    @Test func `trouble is pressure, throttling or a kill`() {
        var calm = CgroupSample()
        calm.throttledPeriods = 4
        calm.oomKills = 0
        #expect(!DeliveryPlan.isTroubled(calm, previous: calm))
        var other = calm
        other.throttledPeriods = 5
        #expect(DeliveryPlan.isTroubled(other, previous: calm))
        other = calm
        other.oomKills = 1
        #expect(DeliveryPlan.isTroubled(other, previous: calm) && !DeliveryPlan.isTroubled(other, previous: nil))
        other = calm
        other.memoryPressure = .init()
        other.memoryPressure?.some.average10 = 10
        #expect(DeliveryPlan.isTroubled(other, previous: nil))
    }
}
