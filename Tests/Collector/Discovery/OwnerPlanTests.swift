import Runtime
import Testing

@testable import Discovery

@Suite struct OwnerPlanTests {
    private func connectedPlan(_ change: (inout OwnerPlan.Limits) -> Void = { _ in }) -> OwnerPlan {
        var limits = OwnerPlan.Limits()
        change(&limits)
        var plan = OwnerPlan(limits: limits)
        #expect(plan.next(.zero) == .connect)
        plan.connected(.zero)
        #expect(plan.next(.zero) == .watch)
        #expect(plan.next(.zero) == .list)
        return plan
    }

    /// `#expect` cannot call what changes its value.
    private func expectTaken(_ isTaken: Bool, sourceLocation: SourceLocation = #_sourceLocation) { #expect(isTaken, sourceLocation: sourceLocation) }

    @Test func `a runtime that is not there is tried again, at longer and longer intervals`() {
        var plan = OwnerPlan()
        var waits: [Duration] = []
        var now: Duration = .zero
        for _ in 0..<6 {
            #expect(plan.next(now) == .connect)
            plan.failed(now)
            guard case .wait(let time) = plan.next(now) else { return #expect(Bool(false)) }
            waits.append(time)
            now += time
        }
        #expect(waits == [.seconds(1), .seconds(2), .seconds(4), .seconds(8), .seconds(10), .seconds(10)])
    }

    @Test func `what the list tells is inspected once, and again when its text changes`() {
        var plan = connectedPlan()
        #expect(plan.listed(["a": "1", "b": "1"]).gone == [])
        #expect(plan.next(.zero) == .inspect(["a", "b"]))
        plan.inspected("a", .found, .zero)
        plan.inspected("b", .found, .zero)
        #expect(plan.next(.zero) == .wait(.seconds(30)))
        #expect(plan.next(.seconds(30)) == .list)
        #expect(plan.listed(["a": "1", "b": "2"]).gone == [])
        #expect(plan.next(.seconds(30)) == .inspect(["b"]))
        plan.inspected("b", .found, .seconds(30))
        #expect(plan.next(.seconds(60)) == .list)
        #expect(plan.listed(["b": "2"]).gone == ["a"])
        #expect(plan.next(.seconds(60)) == .wait(.seconds(30)))
    }

    @Test func `what failed to be inspected is asked for again by the next list`() {
        var plan = connectedPlan()
        _ = plan.listed(["a": "1"])
        #expect(plan.next(.zero) == .inspect(["a"]))
        plan.inspected("a", .failed, .zero)
        #expect(plan.next(.zero) == .wait(.seconds(30)))
        #expect(plan.next(.seconds(30)) == .list)
        _ = plan.listed(["a": "1"])
        #expect(plan.next(.seconds(30)) == .inspect(["a"]))
    }

    @Test func `a connection that breaks while it is inspected loses nothing`() {
        var plan = connectedPlan()
        _ = plan.listed(["a": "1"])
        #expect(plan.next(.zero) == .inspect(["a"]))
        plan.failed(.zero)
        #expect(plan.next(.seconds(1)) == .connect)
        plan.connected(.seconds(1))
        // The stream is still open: no second one.
        #expect(plan.next(.seconds(1)) == .list)
        _ = plan.listed(["a": "1"])
        #expect(plan.next(.seconds(1)) == .inspect(["a"]))
    }

    @Test func `events are inspected, once for many of one container`() {
        var plan = connectedPlan()
        _ = plan.listed([:])
        for _ in 0..<5 { expectTaken(plan.changed(.changed(id: "a"), .zero)) }
        expectTaken(plan.changed(.changed(id: "b"), .zero))
        expectTaken(plan.changed(.removed(id: "b"), .zero))
        #expect(plan.next(.zero) == .inspect(["a"]))
        plan.inspected("a", .found, .zero)
        // The list's text of what an event told is taken as it is.
        #expect(plan.next(.seconds(30)) == .list)
        _ = plan.listed(["a": "1"])
        #expect(plan.next(.seconds(30)) == .wait(.seconds(30)))
        expectTaken(plan.changed(.everything, .seconds(31)))
        #expect(plan.next(.seconds(31)) == .list)
    }

    @Test func `an unknown id is asked about at once, then more and more rarely, and forgotten when nobody asks`() {
        var plan = connectedPlan()
        _ = plan.listed([:])
        let first = plan.wanted("x", .seconds(1))
        #expect(first.isNew && first.wasTaken)
        var asked: [Duration] = []
        for second in stride(from: 1.0, through: 100, by: 0.25) {
            let now: Duration = .seconds(second)
            _ = plan.wanted("x", now)
            while true {
                let step = plan.next(now)
                if case .wait = step { break }
                if step == .list { _ = plan.listed([:]) }
                if step == .inspect(["x"]) {
                    asked.append(now)
                    plan.inspected("x", .absent, now)
                }
            }
        }
        #expect(asked.first == .seconds(1))
        #expect((8...10).contains(asked.count), "\(asked)")
        #expect(plan.unknownCount == 1)
        _ = plan.next(.seconds(300))
        _ = plan.next(.seconds(300))
        #expect(plan.unknownCount == 0)
    }

    @Test func `an unknown id that is found is unknown no more`() {
        var plan = connectedPlan()
        _ = plan.listed([:])
        _ = plan.wanted("x", .zero)
        #expect(plan.next(.zero) == .inspect(["x"]))
        plan.inspected("x", .found, .zero)
        #expect(plan.unknownCount == 0)
        #expect(plan.next(.zero) == .wait(.seconds(30)))
    }

    @Test func `all bounds hold`() {
        var plan = connectedPlan {
            $0.containers = 10
            $0.unknown = 5
        }
        let many = Dictionary(uniqueKeysWithValues: (0..<100).map { ("c\($0)", "1") })
        #expect(plan.listed(many).leftOut == 90)
        for id in 0..<100 { _ = plan.changed(.changed(id: "e\(id)"), .zero) }
        let isTaken = plan.changed(.changed(id: "one more"), .zero)
        #expect(!isTaken)
        for id in 0..<100 { _ = plan.wanted("u\(id)", .zero) }
        #expect(plan.unknownCount == 5)
        let refused = plan.wanted("u200", .zero)
        #expect(!refused.isNew && !refused.wasTaken)
        var inspected = 0
        while case .inspect(let ids) = plan.next(.zero) {
            #expect(ids.count <= 4)
            inspected += ids.count
            for id in ids { plan.inspected(id, .absent, .zero) }
        }
        #expect(inspected <= 15)
    }

    @Test func `without a stream the list is asked for more often, and a stream that ends is opened again`() {
        var plan = connectedPlan()
        _ = plan.listed([:])
        plan.streamEnded(.zero, unsupported: true)
        #expect(plan.next(.zero) == .wait(.seconds(5)))
        #expect(plan.next(.seconds(5)) == .list)
        var other = connectedPlan()
        _ = other.listed([:])
        other.streamEnded(.zero, unsupported: false)
        #expect(other.next(.zero) == .wait(.seconds(1)))
        #expect(other.next(.seconds(1)) == .watch)
        #expect(other.next(.seconds(1)) == .list)
    }
}
