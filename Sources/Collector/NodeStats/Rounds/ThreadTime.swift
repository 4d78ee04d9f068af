import Glibc

/// Adds up the CPU time of the thread that runs, between pauses: a task may go on in another thread after each `await`.
struct ThreadTime {
    private(set) var nanoseconds: Int64 = 0
    private var start: Int64

    init() { start = ThreadTime.read(CLOCK_THREAD_CPUTIME_ID) }

    var seconds: Double { Double(nanoseconds) / 1e9 }

    mutating func pause() { nanoseconds += ThreadTime.read(CLOCK_THREAD_CPUTIME_ID) - start }
    mutating func resume() { start = ThreadTime.read(CLOCK_THREAD_CPUTIME_ID) }

    /// CLOCK_BOOTTIME: goes on while the machine sleeps, as the clock on the wall does.
    static var monotonicNanoseconds: Int64 { read(CLOCK_BOOTTIME) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
