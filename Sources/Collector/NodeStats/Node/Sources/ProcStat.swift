/// `/proc/stat`, read once a round for the two sources that show it: the kernel makes a line for each interrupt there,
/// so it is one of the dearest files of /proc.
final class ProcStat {
    /// What one CPU did, in ticks of 1/100 s (USER_HZ, which Linux fixes for what it shows): user, nice, system, idle,
    /// iowait, irq, softirq, steal, guest, guest_nice.
    struct CPU {
        var number: UInt64
        var ticks: InlineArray<10, UInt64>
    }

    static let fieldCount = 10
    static let idle = 3
    static let iowait = 4

    private let file: KernelFile
    private(set) var cpus: [CPU] = []
    private(set) var interrupts: UInt64 = 0
    private(set) var contextSwitches: UInt64 = 0
    private(set) var bootTime: UInt64 = 0
    private(set) var forks: UInt64 = 0
    private(set) var running: UInt64 = 0
    private(set) var blocked: UInt64 = 0
    /// Calls of interrupt handlers that ran later, a vector at a time in the kernel's order.
    private(set) var softIRQs: [UInt64] = []
    private var lastRound = -1
    private var lastFailure: NodeReadError?

    init(root: String) { file = KernelFile(root + "/proc/stat") }

    /// Reads the file unless it was read in this round.
    func refresh(_ text: inout KernelText, round: Int) throws(NodeReadError) {
        if round == lastRound {
            if let lastFailure { throw lastFailure }
            return
        }
        lastRound = round
        do {
            try file.read(into: &text)
        } catch {
            lastFailure = error
            throw error
        }
        lastFailure = nil
        parse(&text)
    }

    func parse(_ text: inout KernelText) {
        var position = 0
        while text.nextLine() {
            guard let key = text.word() else { continue }
            if text.hasPrefix(key, "cpu") {
                guard let number = text.number(in: (key.lowerBound + 3)..<key.upperBound) else { continue }
                var ticks = InlineArray<10, UInt64>(repeating: 0)
                for field in 0..<Self.fieldCount { ticks[field] = text.number() ?? 0 }
                keep(CPU(number: number, ticks: ticks), at: position)
                position += 1
            } else if text.equals(key, "intr") {
                interrupts = text.number() ?? interrupts
            } else if text.equals(key, "ctxt") {
                contextSwitches = text.number() ?? contextSwitches
            } else if text.equals(key, "btime") {
                bootTime = text.number() ?? bootTime
            } else if text.equals(key, "processes") {
                forks = text.number() ?? forks
            } else if text.equals(key, "procs_running") {
                running = text.number() ?? 0
            } else if text.equals(key, "procs_blocked") {
                blocked = text.number() ?? 0
            } else if text.equals(key, "softirq") {
                text.skip(1)
                softIRQs.removeAll(keepingCapacity: true)
                while let value = text.number() { softIRQs.append(value) }
            }
        }
        cpus.removeLast(cpus.count - position)
    }

    /// The kernel's idle and iowait times of a tickless CPU go back by moments. A counter that falls looks like a reset
    /// to rate(), so a field never falls here, unless idle falls by more than 3 s: then the CPU was taken out and put
    /// back, and everything begins anew (node_exporter's rule).
    private func keep(_ new: CPU, at position: Int) {
        guard position < cpus.count, cpus[position].number == new.number else {
            if position < cpus.count { cpus[position] = new } else { cpus.append(new) }
            return
        }
        let old = cpus[position].ticks
        if old[Self.idle] > new.ticks[Self.idle] + 300 {
            cpus[position] = new
            return
        }
        for field in 0..<Self.fieldCount where new.ticks[field] > old[field] { cpus[position].ticks[field] = new.ticks[field] }
    }
}
