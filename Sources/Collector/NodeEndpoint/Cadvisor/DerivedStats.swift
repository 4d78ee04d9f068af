import JSON
import NodeStats
import Telemetry

/// cAdvisor's `DerivedStats`: CPU and memory of the last minute, hour and day as percentiles.
///
/// The ring reaches ten minutes back, so an hour is at most 16 % complete and a day less than 1 %; `percent_complete` says
/// so, as cAdvisor says it of a container that is younger than the window. The aggregator has the rest.
enum DerivedStats {
    /// Thousandths of a core, and bytes of working set, of samples that are oldest first.
    static func document(_ samples: [CgroupSample], now: Timestamp) -> JSON {
        let latest = points(Array(samples.suffix(2)))
        return [
            "timestamp": .string(CivilTime(now).rfc3339(fractionDigits: 9)),
            "latest_usage": ["cpu": Document.count(latest.cpu.last?.value), "memory": Document.count(latest.memory.last?.value)],
            "minute_usage": usage(samples, window: 60, now), "hour_usage": usage(samples, window: 3600, now), "day_usage": usage(samples, window: 86_400, now),
        ]
    }

    struct Point: Equatable {
        /// Nanoseconds since 1970.
        var time: Int64
        var value: UInt64
    }

    /// Rates between neighbours, and the memory of each. A counter that fell, or a clock that did, gives no rate.
    static func points(_ samples: [CgroupSample]) -> (cpu: [Point], memory: [Point]) {
        var cpu: [Point] = []
        for (old, new) in zip(samples, samples.dropFirst()) {
            guard let before = old.cpuUsage, let after = new.cpuUsage, after >= before, new.time > old.time else { continue }
            cpu.append(Point(time: new.time, value: UInt64(Double(after - before) * 1000 / Double(new.time - old.time))))
        }
        return (cpu, samples.compactMap { sample in sample.workingSet.map { Point(time: sample.time, value: $0) } })
    }

    private static func usage(_ samples: [CgroupSample], window seconds: Int64, _ now: Timestamp) -> JSON {
        let start = now.milliseconds * 1_000_000 - seconds * 1_000_000_000
        let inside = samples.filter { $0.time > start }
        let points = points(inside)
        let covered = (inside.last?.time ?? 0) - (inside.first?.time ?? 0)
        // A second of samples stands for the second before its first one too.
        let percent = inside.count < 2 ? 0 : min(100, Double(covered + covered / Int64(inside.count - 1)) / Double(seconds) / 1e7)
        return [
            "percent_complete": .integer(Int64(percent)), "cpu": percentiles(points.cpu.map(\.value)), "memory": percentiles(points.memory.map(\.value)),
        ]
    }

    static func percentiles(_ values: [UInt64]) -> JSON {
        let sorted = values.sorted()
        let sum = sorted.reduce(0.0) { $0 + Double($1) }
        return [
            "present": .bool(!sorted.isEmpty), "mean": .integer(sorted.isEmpty ? 0 : Int64(sum / Double(sorted.count))), "max": Document.count(sorted.last),
            "fifty": Document.count(percentile(sorted, 0.5)), "ninety": Document.count(percentile(sorted, 0.9)),
            "ninetyfive": Document.count(percentile(sorted, 0.95)),
        ]
    }

    /// Between the two neighbours of rank `share * (n + 1)` (NIST's definition), at the ends the end itself.
    static func percentile(_ sorted: [UInt64], _ share: Double) -> UInt64 {
        guard let first = sorted.first, let last = sorted.last else { return 0 }
        let rank = share * Double(sorted.count + 1)
        let index = Int(rank)
        if index < 1 { return first }
        if index >= sorted.count { return last }
        let (low, high) = (Double(sorted[index - 1]), Double(sorted[index]))
        return UInt64(low + (high - low) * (rank - Double(index)))
    }
}
