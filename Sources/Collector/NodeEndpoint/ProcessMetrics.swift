import Exposition
import Runtime

/// The `process_*` family of this program itself, from `/proc/self`, as every Prometheus client library names it.
enum ProcessMetrics {
    /// Clock ticks a second and bytes a page, which Linux fixes on x86-64 and arm64 for what /proc shows.
    private static let ticks = 100.0
    private static let pageBytes = 4096.0

    /// What can be read; `bootTime` in Unix seconds.
    static func families(_ files: any FileSystem, bootTime: UInt64) -> [MetricFamily] {
        var families: [MetricFamily] = []
        func add(_ name: String, _ help: String, _ kind: MetricFamily.Kind, _ value: Double) {
            families.append(MetricFamily(name: name, help: help, kind: kind, samples: [.init(value: value)]))
        }
        if let stat = try? files.text("/proc/self/stat"), let end = stat.lastIndex(of: ")") {
            // Counted from the field after the name, which is number 3 of proc(5).
            let fields = stat[stat.index(after: end)...].split(separator: " ").map { Double($0) ?? 0 }
            if fields.count > 21 {
                add("process_cpu_seconds_total", "CPU time of this process, in seconds.", .counter, (fields[11] + fields[12]) / ticks)
                add("process_resident_memory_bytes", "Resident memory of this process.", .gauge, fields[21] * pageBytes)
                add("process_start_time_seconds", "When this process started, in Unix seconds.", .gauge, Double(bootTime) + fields[19] / ticks)
                add("process_threads", "Threads of this process.", .gauge, fields[17])
                add("process_virtual_memory_bytes", "Virtual memory of this process.", .gauge, fields[20])
            }
        }
        if let descriptors = try? files.list("/proc/self/fd") {
            add("process_open_fds", "Open file descriptors of this process.", .gauge, Double(descriptors.count))
        }
        if let limits = try? files.text("/proc/self/limits"), let line = limits.split(separator: "\n").first(where: { $0.hasPrefix("Max open files") }),
            let soft = line.dropFirst(14).split(separator: " ").first
        {
            add("process_max_fds", "The most file descriptors that this process may have.", .gauge, Double(soft) ?? -1)
        }
        return families
    }
}
