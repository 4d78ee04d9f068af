import CShims
import Glibc
import Synchronization

/// The runtime's own thread: it runs the actor's jobs, which make blocking system calls, and waits for
/// the supervisors' sockets in between, so that neither holds up the threads that all tasks share.
final class Reactor: SerialExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var isStopping = false
        var thread: pthread_t?
        var onReadable: (@Sendable (Int32) -> Void)?
    }
    private let state = Mutex(State())
    private let poller = binnacle_poller()
    /// Written to when jobs are waiting.
    private let wake = binnacle_wakeup()

    init() {
        watch(wake)
        // The thread holds the reactor until `stop`.
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        let code = unsafe binnacle_thread(512 << 10, { unsafe Unmanaged<Reactor>.fromOpaque($0).takeRetainedValue().run() }, context)
        precondition(code == 0, "cannot start a thread: error \(code)")
    }

    deinit {
        close(poller)
        close(wake)
    }

    /// Calls the closure, on this thread, with each descriptor that can be read.
    func onReadable(_ body: @escaping @Sendable (Int32) -> Void) { state.withLock { $0.onReadable = body } }

    func watch(_ descriptor: Int32) {
        let code = binnacle_poller_add(poller, descriptor)
        precondition(code == 0, "cannot watch descriptor \(descriptor): error \(-code)")
    }

    /// Ends the thread once its jobs are done.
    func stop() {
        state.withLock { $0.isStopping = true }
        binnacle_wakeup_raise(wake)
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        state.withLock { $0.jobs.append(unowned) }
        binnacle_wakeup_raise(wake)
    }

    private var isCurrent: Bool { state.withLock { state in state.thread.map { pthread_equal($0, pthread_self()) != 0 } ?? false } }

    func checkIsolated() { precondition(isCurrent, "not on the runtime's thread") }
    func isIsolatingCurrentContext() -> Bool? { isCurrent }

    private func run() {
        state.withLock { $0.thread = pthread_self() }
        var events = [Int32](repeating: 0, count: 64)
        while true {
            let ready = unsafe binnacle_poller_wait(poller, &events, 64)
            for descriptor in events.prefix(Int(ready)) {
                if descriptor == wake {
                    binnacle_wakeup_clear(wake)
                } else {
                    state.withLock { $0.onReadable }?(descriptor)
                }
            }
            while true {
                let jobs = state.withLock { state in
                    let jobs = state.jobs
                    state.jobs = []
                    return jobs
                }
                if jobs.isEmpty { break }
                for job in jobs { unsafe job.runSynchronously(on: asUnownedSerialExecutor()) }
            }
            if state.withLock({ $0.isStopping && $0.jobs.isEmpty }) { return }
        }
    }
}
