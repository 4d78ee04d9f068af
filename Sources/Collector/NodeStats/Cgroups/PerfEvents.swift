import CShims
import Glibc
import Runtime

/// The events of perf_event_open(2) that this machine counts, on each of its CPUs, and the counters of cgroups.
///
/// A container costs a descriptor an event and CPU, which is why the set `perf_event` is off unless it is asked for. Not
/// Sendable: the collector owns it.
final class PerfEvents {
    struct Event: Hashable {
        /// As perf(1) names it.
        var name: String
        var type: UInt32
        var config: UInt64
    }

    /// PERF_TYPE_HARDWARE and PERF_TYPE_SOFTWARE of linux/perf_event.h with their numbers.
    static let known = [
        Event(name: "cycles", type: 0, config: 0), Event(name: "instructions", type: 0, config: 1),
        Event(name: "cache-references", type: 0, config: 2), Event(name: "cache-misses", type: 0, config: 3),
        Event(name: "branch-misses", type: 0, config: 5), Event(name: "page-faults", type: 1, config: 2),
        Event(name: "context-switches", type: 1, config: 3), Event(name: "cpu-migrations", type: 1, config: 4),
    ]

    /// Descriptors that all cgroups' counters may hold together; a cgroup beyond it has none.
    static let descriptorLimit = 4_096

    /// What this kernel and CPU count; virtual machines often have no hardware events.
    let events: [Event]
    let cpus: Int
    private let mounts: CgroupMounts
    private(set) var descriptors = 0
    /// Whether one more cgroup's counters would be too many.
    var isFull: Bool { descriptors + events.count * cpus > PerfEvents.descriptorLimit }

    /// Nil if the kernel counts nothing for us: perf_event_open may be forbidden, and cgroups have no such controller everywhere.
    init?(mounts: CgroupMounts, cpus: Int) {
        self.mounts = mounts
        self.cpus = cpus
        guard mounts.directory(controller: "perf_event", path: "/") != nil else { return nil }
        events = PerfEvents.known.filter { event in
            let descriptor = binnacle_perf_open(event.type, event.config, -1, 0)
            if descriptor >= 0 { close(descriptor) }
            return descriptor >= 0
        }
        if events.isEmpty { return nil }
    }

    /// Begins to count for a cgroup; nil if it has gone, or if there are too many already.
    func counters(of path: String) -> PerfCounters? {
        guard !isFull, let directory = mounts.directory(controller: "perf_event", path: path)?.path,
            let cgroup = try? HostFile(directory.isEmpty ? "/" : directory, flags: O_RDONLY | O_DIRECTORY)
        else { return nil }
        var opened: [PerfCounters.Counter] = []
        for event in events {
            for cpu in 0..<cpus {
                let descriptor = binnacle_perf_open(event.type, event.config, cgroup.descriptor, Int32(cpu))
                // A CPU may be off line.
                if descriptor >= 0 { opened.append(.init(descriptor: descriptor, name: event.name, cpu: cpu)) }
            }
        }
        guard !opened.isEmpty else { return nil }
        descriptors += opened.count
        return PerfCounters(opened, owner: self)
    }

    fileprivate func released(_ count: Int) { descriptors -= count }
}

/// One cgroup's counters, with what is below it. They end with the object.
final class PerfCounters {
    struct Counter {
        var descriptor: Int32
        var name: String
        var cpu: Int
    }

    private let counters: [Counter]
    private let owner: PerfEvents

    fileprivate init(_ counters: [Counter], owner: PerfEvents) {
        self.counters = counters
        self.owner = owner
    }

    deinit {
        for counter in counters { close(counter.descriptor) }
        owner.released(counters.count)
    }

    /// Counts since the counters were opened, scaled up where the CPU counted only for a part of the time.
    func read() -> [CgroupSample.PerfEvent] {
        counters.compactMap { counter in
            var words: (value: UInt64, enabled: UInt64, running: UInt64) = (0, 0, 0)
            let size = MemoryLayout.size(ofValue: words)
            guard unsafe Glibc.read(counter.descriptor, &words, size) == size else { return nil }
            return PerfCounters.event(counter.name, cpu: counter.cpu, value: words.value, enabled: words.enabled, running: words.running)
        }
    }

    /// A counter that never ran has counted nothing, and says so by a scaling of 0.
    static func event(_ name: String, cpu: Int, value: UInt64, enabled: UInt64, running: UInt64) -> CgroupSample.PerfEvent {
        guard enabled > 0, running > 0 else { return .init(name: name, cpu: cpu, value: value, scaling: enabled == 0 ? 1 : 0) }
        let share = Double(running) / Double(enabled)
        return .init(name: name, cpu: cpu, value: share >= 1 ? value : UInt64((Double(value) / share).rounded()), scaling: min(1, share))
    }
}
