import Glibc
import Synchronization

/// A thread of its own for work that waits for the disk, so that commits never hold one of the few
/// threads that all tasks share. It starts with the first job and ends when it is stopped and has none left.
final class StorageThread: SerialExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var isRunning = false
        var isStopped = false
        /// Whether a byte lies in the socket, or is about to.
        var isSignalled = false
    }
    private let state = Mutex(State())
    /// Two connected sockets, at one of which the thread waits; pipe2 and eventfd are not visible from Swift.
    private let readEnd: Int32
    private let writeEnd: Int32

    init() {
        var ends: [Int32] = [0, 0]
        let code = unsafe ends.withUnsafeMutableBufferPointer {
            unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, $0.baseAddress)
        }
        precondition(code == 0, "cannot make a pair of sockets: the limit of open files is reached")
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

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
        let mustWrite = state.withLock { state in
            defer { state.isSignalled = true }
            return !state.isSignalled
        }
        guard mustWrite else { return }
        var byte: UInt8 = 0
        _ = unsafe write(writeEnd, &byte, 1)
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
            var byte: UInt8 = 0
            _ = unsafe read(readEnd, &byte, 1)
            state.withLock { $0.isSignalled = false }
        }
    }
}
