import Glibc

/// Smooths the number of running tasks as the load average does, over ten seconds.
struct TaskLoad {
    private var running: Double?
    private var uninterruptible: Double?

    /// new = old * d + now * (1 - d), d = exp(-elapsed / 10 s): contracts/metrics.md 2.4. The first one counts whole, and
    /// so does one after a clock that stood still or went back.
    mutating func update(_ states: TaskStates, elapsed: Double) -> CgroupSample.Load {
        func smooth(_ old: inout Double?, _ now: UInt64) -> UInt64 {
            let decay = elapsed > 0 ? exp(-elapsed / 10) : 0
            let value = old.map { $0 * decay + Double(now) * (1 - decay) } ?? Double(now)
            old = value
            return UInt64(max(0, value * 1000))
        }
        var load = CgroupSample.Load()
        load.sleeping = states.sleeping
        load.running = states.running
        load.stopped = states.stopped
        load.uninterruptible = states.uninterruptible
        load.ioWaiting = states.ioWaiting
        load.average = smooth(&running, states.running)
        load.uninterruptibleAverage = smooth(&uninterruptible, states.uninterruptible)
        return load
    }
}

/// How many tasks are in which state.
struct TaskStates: Hashable {
    var sleeping: UInt64 = 0
    var running: UInt64 = 0
    var stopped: UInt64 = 0
    var uninterruptible: UInt64 = 0
    var ioWaiting: UInt64 = 0

    /// The state's letter in `/proc/TID/stat`, as the kernel's own count of a cgroup (cgroupstats) sorts them: zombies
    /// and idle kernel threads are in none.
    mutating func add(_ state: UInt8) {
        switch state {
        case UInt8(ascii: "S"): sleeping += 1
        case UInt8(ascii: "R"): running += 1
        case UInt8(ascii: "T"), UInt8(ascii: "t"): stopped += 1
        case UInt8(ascii: "D"): uninterruptible += 1
        default: break
        }
    }

    /// The letter after the last `)`: the name between the parentheses may hold anything, `) R` too.
    static func state(_ bytes: [UInt8], count: Int) -> UInt8? {
        guard let close = bytes[..<count].lastIndex(of: UInt8(ascii: ")")), close + 2 < count, bytes[close + 1] == ByteText.space else { return nil }
        return bytes[close + 2]
    }
}
