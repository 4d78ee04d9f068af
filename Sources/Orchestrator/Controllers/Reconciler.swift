import Objects
import Runtime
import Synchronization

/// Feeds one controller from its queue with a few workers, and counts what comes of it.
package final class Reconciler: Sendable {
    package let controller: any Controller
    private let world: World
    private let queue: Mutex<WorkQueue>
    private let signal = Signal()
    private let epoch = ContinuousClock.now

    private let reconciles: Counter
    private let conflicts: Counter
    private let errors: Counter
    private let overflows: Counter
    private let duration: Histogram
    /// The newest error of the controller, for `/debug` and for a person who asks why nothing moves.
    private let lastErrorText = Mutex<String?>(nil)

    package init(_ controller: any Controller, world: World, metrics: MetricRegistry, queueCapacity: Int = 100_000) {
        self.controller = controller
        self.world = world
        queue = Mutex(WorkQueue(capacity: queueCapacity))
        let labels = ["controller": controller.name]
        reconciles = metrics.counter("binnacle_controller_reconciles_total", "Keys looked at.", labels)
        conflicts = metrics.counter("binnacle_controller_conflicts_total", "Reconciles that met a newer object and are tried again.", labels)
        errors = metrics.counter("binnacle_controller_errors_total", "Reconciles that failed and are tried again.", labels)
        overflows = metrics.counter("binnacle_controller_queue_overflows_total", "Times the full queue was answered by a look at all keys.", labels)
        duration = metrics.histogram("binnacle_controller_reconcile_seconds", "Time of one reconcile.", labels)
        metrics.gauge("binnacle_controller_queue_depth", "Keys that wait for a worker or for their time.", labels) { [weak self] in
            Double(self?.queue.withLock { $0.depth } ?? 0)
        }
        for resource in controller.sources {
            world[resource].observe { [weak self] change in self?.add(controller.keys(touchedBy: change)) }
        }
    }

    package var lastError: String? { lastErrorText.withLock { $0 } }

    private func add(_ keys: [ObjectKey]) {
        guard !keys.isEmpty else { return }
        queue.withLock { for key in keys { $0.add(key) } }
        signal.wake()
    }

    private var now: Duration { epoch.duration(to: .now) }

    /// Returns only when cancelled; keys that are being worked on end first.
    package func run() async {
        await withDiscardingTaskGroup { group in
            var wakeUp: Duration?
            for await _ in signal.waits {
                while let key = nextKey() {
                    group.addTask {
                        await self.work(on: key)
                        self.signal.wake()
                    }
                }
                // One sleeping task for each earlier date than those that sleep already.
                guard let due = queue.withLock({ $0.nextDue }) else { continue }
                if wakeUp.map({ due < $0 || $0 <= now }) ?? true {
                    wakeUp = due
                    group.addTask {
                        try? await Task.sleep(for: due - self.now)
                        self.signal.wake()
                    }
                }
            }
            group.cancelAll()
        }
    }

    private func nextKey() -> ObjectKey? {
        let needsAll = queue.withLock { queue in
            guard queue.hasOverflowed, queue.depth < queue.capacity / 2 else { return false }
            queue.clearOverflow()
            return true
        }
        if needsAll {
            overflows.increment()
            for resource in controller.sources {
                for object in world[resource].all() { add(controller.keys(touchedBy: Change(resource, old: nil, new: object))) }
            }
        }
        return queue.withLock { $0.workingCount < controller.workerCount ? $0.take(now: now) : nil }
    }

    private func work(on key: ObjectKey) async {
        reconciles.increment()
        let start = ContinuousClock.now
        let outcome: WorkQueue.Outcome
        do {
            outcome = try await controller.reconcile(key).map { .again(after: $0) } ?? .done
        } catch let error as StatusError where error.reason == .conflict {
            conflicts.increment()
            outcome = .failed
        } catch {
            errors.increment()
            lastErrorText.withLock { $0 = "\(controller.name) \(key): \(error)" }
            outcome = .failed
        }
        duration.observe(start.duration(to: .now))
        queue.withLock { $0.finish(key, outcome, now: now) }
    }
}
