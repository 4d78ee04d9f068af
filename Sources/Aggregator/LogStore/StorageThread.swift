import Glibc
import Synchronization

/// A thread of its own for work that waits for the disk, so that commits never hold one of the few
/// threads that all tasks share. It starts with the first job and ends when it is stopped and has none left.
final class StorageThread: SerialExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var isRunning = false
        var isStopped = false
    }
    private let state = Mutex(State())
    /// An eventfd that counts wake-ups.
    private let wake: Int32

    init() {
        wake = eventfd(0, Int32(EFD_CLOEXEC.rawValue))
        precondition(wake >= 0, "cannot make an eventfd: the limit of open files is reached")
    }

    deinit { close(wake) }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let mustStart = state.withLock { state in
            state.jobs.append(job)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if mustStart { start() }
        signal()
    }

    /// Lets the thread end when its jobs are done. A later job starts a new one.
    func stop() {
        state.withLock { $0.isStopped = true }
        signal()
    }

    private func signal() {
        var one: UInt64 = 1
        _ = unsafe write(wake, &one, 8)
    }

    private func start() {
        var thread = pthread_t()
        // The thread owns one reference to this object from here until it ends.
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        let code = unsafe pthread_create(
            &thread, nil,
            { context in
                let executor = unsafe Unmanaged<StorageThread>.fromOpaque(context!).takeRetainedValue()
                executor.loop()
                return nil
            }, context)
        precondition(code == 0, "cannot start the storage thread: \(code)")
        pthread_detach(thread)
    }

    private func loop() {
        while true {
            let (jobs, isDone) = state.withLock { state -> ([UnownedJob], Bool) in
                let jobs = state.jobs
                state.jobs.removeAll(keepingCapacity: true)
                let isDone = jobs.isEmpty && state.isStopped
                if isDone { state.isRunning = false }
                return (jobs, isDone)
            }
            if isDone { return }
            for job in jobs { unsafe job.runSynchronously(on: asUnownedSerialExecutor()) }
            guard jobs.isEmpty else { continue }
            var count: UInt64 = 0
            _ = unsafe read(wake, &count, 8)
        }
    }
}
