import Runtime
import Testing

@testable import NodeStats

@Suite struct EventLogTests {
    private func event(_ path: String, _ time: Int64, _ kind: ContainerEvent.Kind = .oomKill) -> ContainerEvent {
        ContainerEvent(path: path, time: time, kind: kind)
    }

    private static let queries: [(name: String, change: @Sendable (inout EventLog.Query) -> Void, times: [Int64])] = [
        ("all", { _ in }, [1, 2, 3, 4, 5]),
        ("from", { $0.from = 3 }, [3, 4, 5]),
        ("through", { $0.through = 2 }, [1, 2]),
        ("kinds", { $0.kinds = [.containerCreation] }, [1, 3]),
        ("a cgroup and those below", { $0.path = "/a" }, [1, 2, 4]),
        ("a cgroup with a slash", { $0.path = "/a/" }, [2]),
        (
            "a cgroup alone",
            {
                $0.path = "/a"
                $0.includesSubcontainers = false
            }, [1, 4]
        ),
        ("the newest two", { $0.limit = 2 }, [4, 5]),
        ("none", { $0.limit = 0 }, []),
        ("the root alone", { $0.includesSubcontainers = false }, []),
    ]

    @Test(arguments: queries.indices)
    func `queries choose`(index: Int) {
        let log = EventLog(metrics: MetricRegistry())
        log.append(event("/a", 1, .containerCreation))
        log.append(event("/a", 4))
        log.append(event("/a/b", 2, .oom))
        log.append(event("/ab", 3, .containerCreation))
        log.append(event("/c", 5, .containerDeletion))
        var query = EventLog.Query()
        Self.queries[index].change(&query)
        #expect(log.events(query).map(\.time) == Self.queries[index].times, "\(Self.queries[index].name)")
    }

    @Test func `one kind does not push out another, and old events are forgotten`() {
        var limits = EventLog.Limits()
        limits.perKind = 16
        limits.age = 1_000
        let metrics = MetricRegistry()
        let log = EventLog(limits: limits, metrics: metrics)
        log.append(event("/a", 1))
        for time in 2..<502 { log.append(event("/a", Int64(time), .containerCreation)) }
        #expect(log.events(EventLog.Query()).count <= 17)
        #expect(log.events(EventLog.Query()).first?.kind == .oomKill)
        #expect(log.events(EventLog.Query()).last?.time == 501)
        #expect(metrics.counter("binnacle_collector_events_forgotten_total", "").value >= 484)
        log.append(event("/a", 2_000))
        #expect(log.events(EventLog.Query()).filter { $0.kind == .oomKill }.map(\.time) == [2_000])
    }

    @Test func `a listener gets what it asked for, and loses what it is too slow for, counted`() async throws {
        let metrics = MetricRegistry()
        let log = EventLog(metrics: metrics)
        var query = EventLog.Query()
        query.path = "/a"
        let stream = try #require(log.subscribe(query, buffer: 4))
        for time in 1...10 { log.append(event(time % 2 == 0 ? "/b" : "/a/x", Int64(time))) }
        log.append(event("/a", 11))
        log.finish()
        var times: [Int64] = []
        for await event in stream { times.append(event.time) }
        #expect(times == [1, 3, 5, 7])
        #expect(metrics.counter("binnacle_collector_events_undelivered_total", "").value == 2)
    }

    @Test func `listeners beyond the limit are refused, and one that leaves makes room`() async throws {
        var limits = EventLog.Limits()
        limits.subscribers = 1
        let log = EventLog(limits: limits, metrics: MetricRegistry())
        let first = try #require(log.subscribe(EventLog.Query()))
        #expect(log.subscribe(EventLog.Query()) == nil)
        let task = Task { for await _ in first {} }
        task.cancel()
        await task.value
        #expect(log.subscriberCount == 0)
        #expect(log.subscribe(EventLog.Query()) != nil)
    }
}
