import Glibc
import Runtime

/// Why a reading is missing.
enum SkipReason: String, CaseIterable {
    /// The file held nothing, ended within a line, had no number where one must be, or one of more than 64 bits.
    case empty, truncated, malformed, overflow
    /// The cgroup or the process went away between being seen and being read.
    case vanished
    /// The kernel does not let us.
    case denied
    /// No descriptor was to be had.
    case descriptors
    /// The file is larger than what is read of one.
    case tooLarge = "too_large"
    /// More cgroups than are looked at.
    case tooMany = "too_many"
    /// Any other error of a read.
    case failed
}

/// `binnacle_collector_skipped_total{reason}`: each reading that a page lacks is in it.
struct SkipCounts {
    private let counters: [Counter]

    init(metrics: MetricRegistry) {
        counters = SkipReason.allCases.map {
            metrics.counter("binnacle_collector_skipped_total", "Readings that could not be taken, by reason.", ["reason": $0.rawValue])
        }
    }

    func count(_ reason: SkipReason, by amount: UInt64 = 1) {
        for (position, candidate) in SkipReason.allCases.enumerated() where candidate == reason { counters[position].increment(by: amount) }
    }

    func note(_ problems: TextProblems) {
        if problems.isEmpty { return }
        if problems.contains(.empty) { count(.empty) }
        if problems.contains(.truncated) { count(.truncated) }
        if problems.contains(.malformed) { count(.malformed) }
        if problems.contains(.overflow) { count(.overflow) }
    }

    /// What an errno means for a reading.
    static func reason(_ code: Int32) -> SkipReason {
        switch code {
        case ENOENT, ENODEV, ESRCH, ENOTDIR: .vanished
        case EACCES, EPERM: .denied
        case EMFILE, ENFILE, ENOMEM: .descriptors
        default: .failed
        }
    }
}
