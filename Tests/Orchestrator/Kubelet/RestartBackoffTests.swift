import Testing

@testable import Kubelet

struct RestartBackoffTests {
    @Test func `delays are none, 10 s, doubling, 300 s`() {
        var backoff = RestartBackoff()
        var now: Int64 = 1_000 * .second
        var delays: [Int64] = []
        for _ in 0..<8 {
            // The container ends at once after each start.
            let finished = now
            now = backoff.earliestRestart(finished: finished)
            delays.append((now - finished) / .second)
            backoff.restarted(finished: finished, now: now)
        }
        #expect(delays == [0, 10, 20, 40, 80, 160, 300, 300])
    }

    @Test(arguments: [(600, 300), (601, 0)] as [(Int64, Int64)])
    func `ten minutes without an end forgive`(ran: Int64, expected: Int64) {
        let backoff = RestartBackoff(delay: 300 * .second, raised: 1_000 * .second)
        let finished = (1_000 + ran) * .second
        #expect(backoff.earliestRestart(finished: finished) - finished == expected * .second)
    }

    @Test func `after forgiving the delay starts anew`() {
        var backoff = RestartBackoff(delay: 300 * .second, raised: 0)
        backoff.restarted(finished: 700 * .second, now: 700 * .second)
        #expect(backoff.delay == 10 * .second)
    }
}
