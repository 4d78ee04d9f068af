import JSON
import Logging
import Runtime
import Synchronization
import Telemetry
import TestKit
import Testing

@testable import Alerting

@Suite struct AlertDispatcherTests {
    private final class Taker: AlertPoster, AlertMessenger {
        let bodies = Mutex<[[UInt8]]>([])
        func post(_ url: String, body: [UInt8], contentType: String) async throws -> Int {
            bodies.withLock { $0.append(body) }
            return 200
        }
        func mail(_: Notification, to _: Receiver.Email, policy _: NotificationPolicy) async throws {}
        func run(_: [String], input _: [UInt8]) async throws {}
    }

    private func alert(_ name: String) -> Alert {
        var alert = Alert(labels: ["alertname": name], annotations: [:], value: 1, activeAt: Timestamp(milliseconds: 0))
        alert.state = .firing
        return alert
    }

    /// Nothing wakes at intervals: what comes in is sent at once, and an end by cancelling ends the waiting.
    @Test(.timeLimit(.minutes(1))) func `news is sent at once and an idle dispatcher sleeps until cancelled`() async throws {
        var policy = NotificationPolicy()
        policy.alertmanagers = ["http://127.0.0.1:9093"]
        let receiver = Taker()
        let dispatcher = AlertDispatcher(
            policy: policy, poster: receiver, messenger: receiver, clock: ManualClock(), metrics: MetricRegistry(), logger: Logger(label: "test"))
        let running = Task { await dispatcher.run() }
        for number in 1...3 {
            await dispatcher.receive([alert("A\(number)")], at: Timestamp(milliseconds: 0))
            while receiver.bodies.withLock({ $0.count }) < number { await Task.yield() }
        }
        #expect(receiver.bodies.withLock { $0.count } == 3)
        running.cancel()
        await running.value
    }

    @Test(.timeLimit(.minutes(1))) func `a wake before the wait counts once, and a limit or cancelling ends a wait`() async {
        let signal = WakeSignal()
        signal.wake()
        signal.wake()
        await signal.wait(atMost: nil)
        await signal.wait(atMost: .milliseconds(5))
        let waiting = Task { await signal.wait(atMost: nil) }
        waiting.cancel()
        await waiting.value
    }
}
