/// Keeps a thread's use of the CPU at a share of a core: says how long to sleep after some work.
struct CPUPacer: Sendable {
    /// 0.003 is 0.3 % of a core.
    let share: Double
    /// Nanoseconds of CPU time that may be used at once after a rest.
    let burst: Int64
    private var cpu: Int64
    private var time: Int64
    /// CPU time that may still be used now.
    private var credit: Double

    /// Both clocks in nanoseconds: the thread's CPU time, and one that does not jump.
    init(share: Double, burst: Int64, cpu: Int64, time: Int64) {
        self.share = share
        self.burst = burst
        self.cpu = cpu
        self.time = time
        credit = Double(burst)
    }

    /// Nanoseconds to sleep before going on; 0 if there is credit left.
    mutating func pause(cpu newCPU: Int64, time newTime: Int64) -> Int64 {
        credit = min(Double(burst), credit + Double(max(0, newTime - time)) * share) - Double(max(0, newCPU - cpu))
        cpu = newCPU
        time = newTime
        guard credit < 0, share > 0 else { return 0 }
        // Up to half the burst, so that the thread does not wake for each directory.
        return Int64(min((-credit + Double(burst) / 2) / share, 60e9))
    }
}
