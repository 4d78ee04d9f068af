import JSON
import Objects
import Synchronization
import Testing

@testable import Kubelet

struct LoadTests {
    /// The times that are printed are for people; only the number of writes is held.
    @Test func `a hundred pods start and end with few status writes each`() async throws {
        let node = TestNode()
        try await node.run {
            let clock = ContinuousClock()
            let begun = clock.now
            for number in 0..<100 { try await node.create(makePod("p\(number)")) }
            try await node.eventually("all run") { (0..<100).allSatisfy { node.pod("p\($0)").isReady } }
            let started = clock.now
            for number in 0..<100 {
                try await node.client.delete(.pods, namespace: "default", name: "p\(number)", gracePeriodSeconds: nil, uid: nil, propagation: nil)
            }
            try await node.eventually("all gone") { (0..<100).allSatisfy { node.pod("p\($0)").isNull } }
            let ended = clock.now
            let writes = node.client.state.withLock { $0.statusWrites }
            print("100 pods: start \(started - begun), end \(ended - started), \(writes) status writes")
            #expect(writes < 100 * 8)
        }
    }

    @Test func `a look at a pod at rest asks for nothing and changes nothing`() {
        let container: JSON = ["name": "c", "resources": ["limits": ["cpu": "1", "memory": "1Gi"]], "livenessProbe": ["tcpSocket": ["port": 1]]]
        let facts = situation(makePod("p", containers: [container, ["name": "d"]]), containers: ["c": "run", "d": "run"])
        let surroundings = StatusSurroundings(runtimeName: "host", hostAddress: "192.0.2.1")
        let previous = facts.status(in: surroundings, previous: .null)
        let time = ContinuousClock().measure {
            for _ in 0..<1000 {
                _ = facts.plan()
                _ = facts.status(in: surroundings, previous: previous) == previous
            }
        }
        // A pod at rest asks for no action, and its status does not change by looking.
        #expect(facts.plan().actions.isEmpty)
        #expect(facts.status(in: surroundings, previous: previous) == previous)
        print("1000 looks at a pod of two containers: \(time)")
    }
}
