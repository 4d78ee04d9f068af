import JSON
import Objects
import Runtime
import Synchronization
import TestKit
import Testing

@testable import Kubelet

struct EventTests {
    private func event(_ message: String, about name: String = "web", at seconds: Int64 = 0) -> ClusterEvent {
        ClusterEvent(object: ["name": .string(name)], kind: .warning, reason: "BackOff", message: message, time: seconds * .second)
    }

    private func text(_ decision: EventCorrelator.Decision) -> String {
        switch decision {
        case .create(let message, _): "new \(message)"
        case .count(let message, _): "again \(message)"
        case .drop: "drop"
        }
    }

    @Test func `equal events are counted`() {
        var correlator = EventCorrelator()
        #expect(["a", "a", "b", "a"].map { text(correlator.decide(event($0))) } == ["new a", "again a", "new b", "again a"])
    }

    @Test func `more than ten similar ones within ten minutes are combined`() {
        var correlator = EventCorrelator()
        for number in 0..<10 { #expect(text(correlator.decide(event("m\(number)"))) == "new m\(number)") }
        #expect(text(correlator.decide(event("m10"))) == "new (combined from similar events): m10")
        #expect(text(correlator.decide(event("m11"))) == "again (combined from similar events): m11")
        #expect(text(correlator.decide(event("m12", at: 601))) == "new m12")
    }

    @Test func `one object cannot flood`() {
        var correlator = EventCorrelator()
        let decisions = (0..<30).map { _ in text(correlator.decide(event("same"))) }
        #expect(decisions.filter { $0 == "drop" }.count == 5)
        #expect(text(correlator.decide(event("x", about: "other"))) == "new x")
        #expect(text(correlator.decide(event("same", at: 301))) == "again same")
        #expect(text(correlator.decide(event("same", at: 302))) == "drop")
    }

    @Test func `what is known is bounded`() {
        var recent = RecentlyUsed<Int, Int>(capacity: 10)
        for number in 0..<1000 {
            recent[number] = number
            _ = recent[0]
        }
        #expect(recent.count <= 10)
        #expect(recent[0] == 0 && recent[999] == 999 && recent[500] == nil)
    }

    @Test func `events are written, counted and survive a deletion`() async throws {
        let client = FakeClient()
        let clock = ManualClock()
        let recorder = EventRecorder(client: client, component: "kubelet", host: "n1", time: clock, metrics: MetricRegistry())
        let task = Task { await recorder.run() }
        let pod = makePod("web")
        recorder.record(pod, .warning, "Unhealthy", "no", fieldPath: "spec.containers{c}")
        clock.advance(by: .seconds(5))
        recorder.record(pod, .warning, "Unhealthy", "no", fieldPath: "spec.containers{c}")
        let stored = try await waitFor { client.state.withLock { $0.objects[.events]?.values.first { $0["count"] == 2 } } }
        #expect(stored["source"] == ["component": "kubelet", "host": "n1"])
        #expect(stored["involvedObject"]["fieldPath"] == "spec.containers{c}" && stored["involvedObject"]["uid"] == "uid-of-web")
        #expect(stored["firstTimestamp"] == "2023-11-14T22:13:20Z" && stored["lastTimestamp"] == "2023-11-14T22:13:25Z")
        #expect(stored.metadataName.hasPrefix("web."))
        client.state.withLock { $0.objects[.events] = [:] }
        recorder.record(pod, .warning, "Unhealthy", "no", fieldPath: "spec.containers{c}")
        _ = try await waitFor { client.state.withLock { $0.objects[.events]?.values.first { $0["count"] == 1 } } }
        task.cancel()
        await task.value
    }

    private func waitFor(_ find: () -> JSON?) async throws -> JSON {
        for _ in 0..<1_000_000 {
            if let found = find() { return found }
            await Task.yield()
        }
        return try #require(nil)
    }
}
