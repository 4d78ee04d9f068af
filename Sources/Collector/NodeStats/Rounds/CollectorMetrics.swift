import Runtime

/// What the Collector costs and what it lacks, as metrics of its own.
struct CollectorMetrics: Sendable {
    let roundDuration: Histogram
    let cpuSeconds: Gauge
    let roundCPU: Gauge
    let filesRead: Gauge
    let filesOpened: Gauge
    let descriptors: Gauge
    let descriptorLimit: Gauge
    let cgroups: Gauge
    let cgroupsBeyondLimit: Gauge
    let historyBytes: Gauge
    let historyContainers: Gauge
    let interval: Gauge
    let budget: Gauge
    let treeWalks: Gauge
    let clockJumps: Counter
    let vanished: Counter
    let droppedRounds: Counter
    let lateRounds: Counter

    init(_ metrics: MetricRegistry) {
        roundDuration = metrics.histogram("binnacle_collector_round_duration_seconds", "Time to read everything once.")
        cpuSeconds = metrics.gauge("binnacle_collector_cpu_seconds", "CPU time that rounds have taken since the start, in seconds.")
        roundCPU = metrics.gauge("binnacle_collector_round_cpu_seconds", "CPU time of the newest round, in seconds.")
        filesRead = metrics.gauge("binnacle_collector_round_files", "Files of cgroups that the newest round has read.")
        filesOpened = metrics.gauge("binnacle_collector_round_files_opened", "Files that the newest round had to open.")
        descriptors = metrics.gauge("binnacle_collector_descriptors", "Files of cgroups that are kept open.")
        descriptorLimit = metrics.gauge("binnacle_collector_descriptors_limit", "Files of cgroups that may be kept open.")
        cgroups = metrics.gauge("binnacle_collector_cgroups", "Cgroups that are shown.")
        cgroupsBeyondLimit = metrics.gauge("binnacle_collector_cgroups_beyond_limit", "Cgroups that are left out since there are too many.")
        historyBytes = metrics.gauge("binnacle_collector_history_bytes", "Memory that the readings of the last minutes take.")
        historyContainers = metrics.gauge("binnacle_collector_history_containers", "Cgroups of which readings are kept.")
        interval = metrics.gauge("binnacle_collector_interval_seconds", "Time between rounds, as wide as the CPU budget asks for.")
        budget = metrics.gauge("binnacle_collector_cpu_budget_ratio", "Share of a core that rounds may take; 0 is no bound.")
        treeWalks = metrics.gauge("binnacle_collector_tree_walks", "Walks over all cgroups since the start.")
        clockJumps = metrics.counter("binnacle_collector_clock_jumps_total", "How often the clock was set between two rounds.")
        vanished = metrics.counter("binnacle_collector_vanished_total", "Cgroups and processes that vanished between two reads.")
        droppedRounds = metrics.counter("binnacle_collector_rounds_dropped_total", "Rounds that the store did not take in time.")
        lateRounds = metrics.counter("binnacle_collector_rounds_late_total", "Rounds that were skipped because the one before took too long.")
    }
}
