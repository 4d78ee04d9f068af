import TestKit
import Runtime
import Testing

@testable import Controllers

@Suite struct WorkQueueTests {
    private let a = ObjectKey("ns", "a")
    private let b = ObjectKey("ns", "b")

    @Test func `a key that is added twice is taken once, in the order of first adding`() {
        var queue = WorkQueue()
        for key in [a, b, a] { queue.add(key) }
        #expect(queue.depth == 2)
        #expect(queue.take(now: .zero) == a)
        #expect(queue.take(now: .zero) == b)
        #expect(queue.take(now: .zero) == nil)
    }

    @Test func `a key that changes while it is worked on comes back, and never has two workers`() {
        var queue = WorkQueue()
        queue.add(a)
        #expect(queue.take(now: .zero) == a)
        queue.add(a)
        queue.add(a)
        #expect(queue.take(now: .zero) == nil)
        queue.finish(a, .done, now: .zero)
        #expect(queue.take(now: .zero) == a)
        queue.finish(a, .done, now: .zero)
        #expect(queue.take(now: .zero) == nil)
        #expect(queue.isIdle)
    }

    @Test func `failures wait longer each time, even if the world changes, and success forgets them`() {
        var queue = WorkQueue(backoff: Backoff(first: .milliseconds(10), limit: .milliseconds(40)))
        queue.add(a)
        var now = Duration.zero
        for delay in [10, 20, 40, 40] {
            #expect(queue.take(now: now) == a)
            queue.add(a)
            queue.finish(a, .failed, now: now)
            #expect(queue.take(now: now + .milliseconds(delay - 1)) == nil)
            now += .milliseconds(delay)
        }
        #expect(queue.take(now: now) == a)
        queue.finish(a, .done, now: now)
        queue.add(a)
        #expect(queue.take(now: now) == a)
        queue.finish(a, .failed, now: now)
        #expect(queue.nextDue == now + .milliseconds(10))
    }

    @Test func `a delayed key comes at its date, and earlier when something adds it`() {
        var queue = WorkQueue()
        queue.add(a, at: .seconds(5))
        queue.add(b, at: .seconds(3))
        queue.add(a, at: .seconds(9))
        #expect(queue.nextDue == .seconds(3))
        #expect(queue.take(now: .seconds(2)) == nil)
        queue.add(a)
        #expect(queue.take(now: .seconds(2)) == a)
        #expect(queue.take(now: .seconds(3)) == b)
        queue.finish(a, .again(after: .seconds(1)), now: .seconds(3))
        #expect(queue.take(now: .seconds(4)) == a)
    }

    @Test func `a full queue refuses and remembers that it did`() {
        var queue = WorkQueue(capacity: 2)
        for name in ["a", "b", "c"] { queue.add(ObjectKey("ns", name)) }
        #expect(queue.depth == 2)
        #expect(queue.hasOverflowed)
        queue.clearOverflow()
        queue.add(a)
        #expect(!queue.hasOverflowed)
    }

    @Test func `random use agrees with a naive model`() {
        for seed in UInt64(1)...50 {
            var random = SeededGenerator(seed: seed)
            var queue = WorkQueue()
            var wanted: Set<ObjectKey> = []
            var working: Set<ObjectKey> = []
            var now = Duration.zero
            for _ in 0..<500 {
                let key = ObjectKey("ns", "\(Int.random(in: 0..<8, using: &random))")
                switch Int.random(in: 0..<4, using: &random) {
                case 0:
                    queue.add(key)
                    wanted.insert(key)
                case 1:
                    if let taken = queue.take(now: now) {
                        #expect(!working.contains(taken), "seed \(seed)")
                        #expect(wanted.remove(taken) != nil, "seed \(seed)")
                        working.insert(taken)
                    }
                case 2:
                    if let done = working.sorted().first {
                        working.remove(done)
                        queue.finish(done, .done, now: now)
                    }
                default: now += .milliseconds(1)
                }
            }
            for key in working { queue.finish(key, .done, now: now) }
            while let taken = queue.take(now: now) {
                wanted.remove(taken)
                queue.finish(taken, .done, now: now)
            }
            #expect(wanted.isEmpty, "seed \(seed): lost \(wanted)")
        }
    }
}
