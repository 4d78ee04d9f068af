import Exposition
import Glibc
import Runtime
import Synchronization
import TestKit
import Testing

@testable import NodeStats

/// systemd over D-Bus, as far as a socket can play it.
@Suite struct SystemdTests {
    private func read(_ systemd: FakeSystemd) -> Result<SystemdUnits, BusError> {
        SystemdClient(root: systemd.directory.path, isHidden: NodeOptions().isUnitHidden).read()
    }

    @Test(arguments: [FakeSystemd.Manner.proper, .bus]) func `units come with what each kind has`(manner: FakeSystemd.Manner) throws {
        let systemd = try FakeSystemd(manner)
        let all = try read(systemd).get()
        #expect(all.version == "252.39-1~deb12u1" && all.systemState == "degraded")
        #expect(all.units.map(\.name) == FakeSystemd.units.map(\.name))
        #expect(all.units.map(\.type) == ["notify", "oneshot", "", "", "", ""])
        #expect(all.units[3].socket == .init(accepted: 7, connections: 2, refused: nil), "this systemd does not know NRefused")
        #expect(all.units[4].lastTrigger == 1_000_000 && all.units[5].socket == nil)
        let asked = systemd.asked.withLock { $0 }
        #expect(asked.first == (manner == .bus ? "Hello" : "Get") && asked.count { $0 == "ListUnits" } == 1)
    }

    @Test func `a service's type is asked for once, not at each exchange`() throws {
        let systemd = try FakeSystemd(.proper)
        let client = SystemdClient(root: systemd.directory.path, isHidden: { _ in false })
        let first = try client.read().get()
        let calls = systemd.asked.withLock { $0.count }
        #expect(try client.read().get().units == first.units)
        #expect(systemd.asked.withLock { $0.count } - calls == calls - 2, "two services")
    }

    @Test(
        arguments: [
            (.refusesUser, .denied), (.closesInAnswer, .closed), (.liesAboutLength, .malformed), (.speaksNonsense, .malformed),
            (.refusesLists, .refused("org.freedesktop.DBus.Error.AccessDenied")),
        ] as [(FakeSystemd.Manner, BusError)])
    func `what is wrong is told apart`(manner: FakeSystemd.Manner, problem: BusError) throws {
        #expect(read(try FakeSystemd(manner)) == .failure(problem))
    }

    @Test func `without a systemd there is nothing, and that is said`() {
        let directory = TemporaryDirectory("systemd")
        #expect(SystemdClient(root: directory.path, isHidden: { _ in false }).read() == .failure(.absent))
        // A path that is too long for a socket's address.
        let long = SystemdClient(root: "/" + String(repeating: "x", count: 200), isHidden: { _ in false })
        #expect(long.read() == .failure(.failed(ENAMETOOLONG)))
    }

    @Test func `one that hangs is waited for until the deadline`() throws {
        let systemd = try FakeSystemd(.hangs)
        let start = BackgroundThread.steadyTime
        #expect(throws: BusError.timeout) {
            _ = try BusConnection(path: systemd.directory.file("run/systemd/private"), destination: "", deadline: start + 50_000_000)
        }
        #expect(BackgroundThread.steadyTime - start >= 50_000_000)
    }

    /// Through the reader of the node: the answer comes from a thread of its own, so the first round has none.
    @Test func `a reader shows them once they have come`() async throws {
        let systemd = try FakeSystemd(.proper)
        var options = NodeOptions()
        options.enabled = ["systemd"]
        options.disabled = Set(NodeOptions.collectorNames)
        let reader = NodeReader(root: systemd.directory.path, options: options, metrics: MetricRegistry())
        var metrics = reader.sample().metrics
        for _ in 0..<2000 where metrics.value("node_systemd_system_running") == nil {
            try await Task.sleep(for: .milliseconds(5))
            metrics = reader.sample().metrics
        }
        #expect(metrics.value("node_systemd_system_running") == 0, "degraded")
        #expect(metrics.value("node_systemd_version", ["version": "252.39-1~deb12u1"]) == 252.39)
        #expect(metrics.value("node_systemd_units", ["state": "active"]) == 4 && metrics.value("node_systemd_units", ["state": "failed"]) == 1)
        #expect(metrics.value("node_systemd_unit_state", ["name": "web.service", "state": "active", "type": "notify"]) == 1)
        #expect(metrics.value("node_systemd_unit_state", ["name": "web.service", "state": "failed", "type": "notify"]) == 0)
        #expect(metrics.value("node_systemd_unit_state", ["name": "batch.service", "state": "failed", "type": "oneshot"]) == 1)
        #expect(metrics.value("node_systemd_unit_state", ["name": "-.mount", "state": "active", "type": ""]) == nil, "only counted")
        #expect(metrics.value("node_systemd_unit_state", ["name": "gone.service", "state": "inactive", "type": ""]) == nil, "not loaded")
        #expect(metrics.value("node_systemd_socket_accepted_connections_total", ["name": "ssh.socket"]) == 7)
        #expect(metrics.value("node_systemd_timer_last_trigger_seconds", ["name": "apt.timer"]) == 1)
        #expect(metrics.value("node_scrape_collector_success", ["collector": "systemd"]) == 1)
    }

    @Test(arguments: [("252.39-1~deb12u1", 252.39), ("v255", nil), ("systemd 255 (255.4)", 255), ("", nil), ("257.", 257)] as [(String, Double?)])
    func `a version's number`(text: String, number: Double?) { #expect(SystemdSource.number(text) == number) }

    /// Any bytes: a message is taken apart or malformed, and nothing else happens.
    @Test func `no bytes can harm the reader`() throws {
        var random = SeededGenerator(seed: 20_261_124)
        let call = BusMessage.call("Get", of: "a.b", on: "/c", at: "d.e", serial: 5, ["x", "y"])
        #expect(try BusMessage.length(call) == call.count)
        #expect(try BusMessage(call).kind == .call)
        for _ in 0..<5_000 {
            var bytes = call
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) { bytes.removeLast(Int.random(in: 1..<bytes.count, using: &random)) }
            guard let message = try? BusMessage(bytes) else { continue }
            var body = message.body
            while !body.isAtEnd, (try? body.variant()) != nil {}
        }
    }
}

extension Result where Success == SystemdUnits, Failure == BusError {
    fileprivate static func == (left: Self, right: Self) -> Bool {
        if case .failure(let a) = left, case .failure(let b) = right { return a == b }
        return false
    }
}
