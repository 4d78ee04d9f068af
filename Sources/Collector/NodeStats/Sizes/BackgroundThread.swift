import CShims
import Glibc

/// Threads for calls that may never return: Swift's own pool has one thread a core and must not lose any.
enum BackgroundThread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Runs the closure on a detached thread of its own; false if the machine gives none.
    static func start(_ run: @escaping @Sendable () -> Void) -> Bool {
        let context = unsafe Unmanaged.passRetained(Body(run))
        // The thread takes the reference over; if it does not start, it is let go here.
        let code = unsafe binnacle_thread(256 << 10, { unsafe Unmanaged<Body>.fromOpaque($0).takeRetainedValue().run() }, context.toOpaque())
        if code != 0 { unsafe context.release() }
        return code == 0
    }

    /// CPU time of the calling thread, nanoseconds.
    static var cpuTime: Int64 { read(CLOCK_THREAD_CPUTIME_ID) }
    /// Nanoseconds of a clock that does not jump.
    static var steadyTime: Int64 { read(CLOCK_MONOTONIC) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    static func sleep(nanoseconds: Int64) {
        var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        _ = unsafe nanosleep(&time, nil)
    }
}
