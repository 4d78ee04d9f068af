import Testing

@testable import ServiceProxy

@Suite struct BackendChooserTests {
    private func backends(_ count: Int) -> [Backend] { (1...count).map { Backend("10.1.0.\($0)", 80) } }

    @Test func `back ends take turns, and a change does not start over`() {
        var chooser = BackendChooser(backends: backends(3), affinity: nil)
        func next() -> String? { chooser.choose(client: "c", now: .zero)?.address }
        #expect([next(), next()] == ["10.1.0.1", "10.1.0.2"])
        chooser.change(backends: backends(4), affinity: nil)
        #expect([next(), next(), next()] == ["10.1.0.3", "10.1.0.4", "10.1.0.1"])
        chooser.change(backends: [], affinity: nil)
        #expect(next() == nil)
    }

    @Test func `a client keeps its back end until the timeout or a failure`() {
        var chooser = BackendChooser(backends: backends(3), affinity: .seconds(10))
        func next(_ client: String, _ second: Int, isRetry: Bool = false) -> String? {
            chooser.choose(client: client, now: .seconds(second), isRetry: isRetry)?.address
        }
        #expect(next("a", 0) == "10.1.0.1")
        #expect(next("b", 1) == "10.1.0.2")
        // Each use starts the timeout anew.
        #expect([next("a", 9), next("a", 18)] == ["10.1.0.1", "10.1.0.1"])
        #expect(next("a", 28) == "10.1.0.3")
        #expect(next("a", 29, isRetry: true) == "10.1.0.1")
        #expect(next("a", 30) == "10.1.0.1")
    }

    @Test func `a client whose back end is gone gets another`() {
        var chooser = BackendChooser(backends: backends(2), affinity: .seconds(10))
        #expect(chooser.choose(client: "a", now: .zero)?.address == "10.1.0.1")
        chooser.change(backends: [Backend("10.1.0.2", 80)], affinity: .seconds(10))
        #expect(chooser.choose(client: "a", now: .zero)?.address == "10.1.0.2")
    }

    @Test func `the memory of clients is bounded and its loss counted`() {
        var chooser = BackendChooser(backends: backends(2), affinity: .seconds(1000), capacity: 100)
        for client in 0..<1000 {
            _ = chooser.choose(client: "\(client)", now: .milliseconds(client))
            #expect(chooser.rememberedClients <= 100)
        }
        #expect(chooser.forgotten == 1000 - chooser.rememberedClients)
        #expect(chooser.forgotten > 0)
    }
}
