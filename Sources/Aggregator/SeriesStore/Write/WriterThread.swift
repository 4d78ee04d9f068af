import Glibc
import Runtime
import Synchronization

/// A serial executor on a thread of its own, for actors that block: SQLite and fsync must not hold the
/// threads that all other tasks share.
///
/// The thread lives until `stop`, which the owning actor calls in its deinit; jobs that are queued by then still run.
public final class WriterThread: SerialExecutor {
    private struct Queue {
        var jobs: [UnownedJob] = []
        var isStopping = false
    }

    private let queue = Mutex(Queue())
    private let wake: Semaphore
    private let name: String

    /// `name` is seen in `top -H`; the kernel keeps 15 bytes of it.
    public init(name: String) {
        self.name = name
        wake = Semaphore()
        var thread = pthread_t()
        // The new thread takes over this reference, and drops it when it ends.
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        let code = unsafe pthread_create(
            &thread, nil,
            { context in
                let executor = unsafe Unmanaged<WriterThread>.fromOpaque(context!).takeRetainedValue()
                // How glibc names a thread too; failing only makes `top -H` less clear.
                try? HostFileSystem().write("/proc/thread-self/comm", Array(executor.name.utf8.prefix(15)))
                executor.runLoop()
                return nil
            }, context)
        precondition(code == 0, "cannot start the thread \(name): error \(code)")
        pthread_detach(thread)
    }

    public func enqueue(_ job: UnownedJob) {
        queue.withLock { $0.jobs.append(job) }
        wake.signal()
    }

    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { unsafe UnownedSerialExecutor(ordinary: self) }

    /// Lets the thread end once its queue is empty.
    public func stop() {
        queue.withLock { $0.isStopping = true }
        wake.signal()
    }

    private func runLoop() {
        while true {
            let (jobs, isStopping) = queue.withLock { queue in
                let jobs = queue.jobs
                queue.jobs = []
                return (jobs, queue.isStopping)
            }
            for job in jobs { unsafe job.runSynchronously(on: asUnownedSerialExecutor()) }
            if jobs.isEmpty {
                if isStopping { return }
                wake.wait()
            }
        }
    }
}

/// A POSIX semaphore at an address of its own.
@safe private final class Semaphore: @unchecked Sendable {
    // sem_t may be posted to and waited for from any thread, which is why this may be Sendable.
    private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        unsafe semaphore = .allocate(capacity: 1)
        let code = unsafe sem_init(semaphore, 0, 0)
        precondition(code == 0, "cannot make a semaphore")
    }

    deinit {
        unsafe sem_destroy(semaphore)
        unsafe semaphore.deallocate()
    }

    func signal() { unsafe sem_post(semaphore) }
    func wait() { while unsafe sem_wait(semaphore) != 0 && errno == EINTR {} }
}
