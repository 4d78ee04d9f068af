import Exposition

/// `pressure`: time in which tasks waited for a resource (`waiting`: some did, `stalled`: all did), from
/// /proc/pressure, in microseconds.
final class PressureSource: NodeSource {
    private struct Resource {
        var file: KernelFile
        var some: NodeFamily?
        var full: NodeFamily?
    }
    private let resources: [Resource]

    init(root: String) {
        func family(_ resource: String, _ what: String, _ help: String) -> NodeFamily {
            NodeFamily("node_pressure_\(resource)_\(what)_seconds_total", .counter, help)
        }
        resources = [
            Resource(file: KernelFile(root + "/proc/pressure/cpu"), some: family("cpu", "waiting", "Seconds in which tasks waited for a CPU.")),
            Resource(
                file: KernelFile(root + "/proc/pressure/io"), some: family("io", "waiting", "Seconds in which tasks waited for I/O."),
                full: family("io", "stalled", "Seconds in which no task could run for waiting on I/O.")),
            Resource(
                file: KernelFile(root + "/proc/pressure/memory"), some: family("memory", "waiting", "Seconds in which tasks waited for memory."),
                full: family("memory", "stalled", "Seconds in which no task could run for waiting on memory.")),
            // Kernels from 6.1 on.
            Resource(
                file: KernelFile(root + "/proc/pressure/irq"),
                full: family("irq", "stalled", "Seconds in which interrupts kept tasks from running.")),
        ]
    }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        let before = series.count
        for resource in resources where resource.file.readIfThere(into: &text) {
            while text.nextLine() {
                guard let kind = text.word() else { continue }
                let family = text.equals(kind, "some") ? resource.some : text.equals(kind, "full") ? resource.full : nil
                guard let family else { continue }
                while let word = text.word() {
                    guard text.hasPrefix(word, "total="), let total = text.number(in: (word.lowerBound + 6)..<word.upperBound) else { continue }
                    series.add(family, .decimal(total, digits: 6))
                }
            }
        }
        if series.count == before { throw .absent }
    }
}

/// `schedstat`: time on and waiting for each CPU, in nanoseconds, and how often a task was put on it.
final class SchedstatSource: NodeSource {
    private static let running = NodeFamily("node_schedstat_running_seconds_total", .counter, "Seconds that tasks ran on a CPU.")
    private static let waiting = NodeFamily("node_schedstat_waiting_seconds_total", .counter, "Seconds that tasks waited for a CPU.")
    private static let slices = NodeFamily("node_schedstat_timeslices_total", .counter, "Time slices that tasks had on a CPU.")
    private let file: KernelFile

    init(root: String) { file = KernelFile(root + "/proc/schedstat") }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        try file.read(into: &text)
        while text.nextLine() {
            guard let name = text.word(), text.hasPrefix(name, "cpu"), let cpu = text.number(in: (name.lowerBound + 3)..<name.upperBound)
            else { continue }
            text.skip(6)
            guard let run = text.number(), let wait = text.number(), let slices = text.number() else { continue }
            let labels = { [NodeSeries.Label("cpu", "\(cpu)")] }
            series.add(Self.running, .decimal(run, digits: 9), key: cpu, labels: labels)
            series.add(Self.waiting, .decimal(wait, digits: 9), key: cpu, labels: labels)
            series.add(Self.slices, .integer(slices), key: cpu, labels: labels)
        }
    }
}
