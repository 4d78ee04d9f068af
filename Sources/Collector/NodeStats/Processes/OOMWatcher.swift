import Glibc
import Runtime

/// Tells of processes that were killed for want of memory: how many, by the cgroups' own counts, and which, by the
/// kernel's log, where it may be read.
///
/// Not Sendable: the collector's thread owns it. A round is `beginRound`, `record` for each cgroup, `endRound`.
public final class OOMWatcher {
    private let clock: any WallClock
    private let events: EventLog
    private var log: KernelLog?
    private var parser = OOMParser()
    private var counts = OOMCounts()
    /// Cgroups whose count rose without a word in the log: told as an event without a pid in the next round, when the log
    /// has had its chance.
    private var doubtful: [String: UInt64] = [:]
    /// Kills that were told without the log, so that it does not tell them again.
    private var toldWithoutLog: [String: UInt64] = [:]

    private let recordsTotal: Counter
    private let lostTotal: Counter
    private let killsTotal: Counter

    /// `path` is the kernel's log; one that is missing or forbidden leaves the counts, which is logged by `isListening`.
    public init(path: String = "/dev/kmsg", clock: any WallClock, events: EventLog, metrics: MetricRegistry) {
        self.clock = clock
        self.events = events
        log = KernelLog(path: path)
        recordsTotal = metrics.counter("binnacle_collector_kernel_log_records_total", "Records of the kernel's log that were read.")
        lostTotal = metrics.counter(
            "binnacle_collector_kernel_log_lost_total", "Times that the kernel wrote over records of its log before they were read.")
        killsTotal = metrics.counter("binnacle_collector_oom_kills_total", "Processes killed for want of memory, on the whole machine.")
        let isListening = log != nil
        metrics.gauge("binnacle_collector_kernel_log_readable", "Whether the kernel's log may be read: without it OOM events name no process.") {
            isListening ? 1 : 0
        }
    }

    /// Whether the kernel's log may be read.
    public var isListening: Bool { log != nil }

    /// Reads what the kernel has logged since the last round, and appends the events.
    public func beginRound() {
        counts.beginRound()
        guard let log else { return }
        log.read(records: recordsTotal, lost: lostTotal) { record in
            let time = clock.nanoseconds - max(0, KernelLog.nanosecondsSinceStart - Int64(clamping: record.microseconds) * 1000)
            for event in parser.take(record.text) { tell(event, at: time) }
        }
    }

    /// Takes a cgroup's own count of kills (nil if it has none) and returns how many its owner has had, over all its
    /// cgroups. `owner` is what stays when a container is made anew; see `owner(of:)`.
    public func record(path: String, owner: String, counted: UInt64?) -> UInt64 {
        let total = counts.record(path: path, owner: owner, counted: counted)
        let untold = counts.untold(path: path) - min(counts.untold(path: path), toldWithoutLog[path] ?? 0)
        if untold > 0 {
            if doubtful[path] != nil || log == nil { tellWithoutLog(path, untold) } else { doubtful[path] = untold }
        } else if doubtful[path] != nil {
            doubtful[path] = nil
        }
        return total
    }

    /// Kills of all containers that the pod has had; 0 for an empty uid.
    public func total(ofPod uid: String) -> UInt64 { uid.isEmpty ? 0 : counts.total(ofOwnersBelow: "\(uid)/") }

    /// Forgets what has been gone for long.
    public func endRound() {
        counts.endRound()
        if toldWithoutLog.count > OOMCounts.ownerLimit { toldWithoutLog = [:] }
        if doubtful.count > OOMCounts.ownerLimit { doubtful = [:] }
    }

    /// The container's name within its pod, which a restart does not change; else the cgroup's path.
    public static func owner(of reference: ContainerReference) -> String {
        reference.podUID.isEmpty || reference.container.isEmpty ? reference.cgroupPath : "\(reference.podUID)/\(reference.container)"
    }

    private func tell(_ event: OOMParser.Event, at time: Int64) {
        switch event {
        case .outOfMemory(let path, let asker, let constraint):
            var event = ContainerEvent(path: path, time: time, kind: .oom)
            event.processName = asker
            event.constraint = constraint
            events.append(event)
        case .kill(let kill):
            killsTotal.increment()
            let path = kill.victim.isEmpty ? kill.limited : kill.victim
            if counts.log(path: path) { doubtful[path] = nil }
            if let told = toldWithoutLog[path] {
                toldWithoutLog[path] = told > 1 ? told - 1 : nil
                return
            }
            var event = ContainerEvent(path: path, time: time, kind: .oomKill)
            event.pid = kill.pid
            event.processName = kill.process
            event.constraint = kill.constraint
            events.append(event)
        }
    }

    private func tellWithoutLog(_ path: String, _ kills: UInt64) {
        doubtful[path] = nil
        toldWithoutLog[path, default: 0] += kills
        if log == nil { killsTotal.increment(by: kills) }
        // A count may jump by any number; the events need not.
        for _ in 0..<min(kills, 16) { events.append(ContainerEvent(path: path, time: clock.nanoseconds, kind: .oomKill)) }
    }
}
