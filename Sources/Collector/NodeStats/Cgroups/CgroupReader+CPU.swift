extension CgroupReader {
    func readCPU(refreshes: Bool) {
        let last = sample.cpuUsage
        if context.layout.cpuVersion == 1 {
            let isRead =
                read(.cpuUsage) { bytes, problems -> Bool? in
                    CgroupText.numbers(bytes, into: &numbers, &problems)
                    return numbers.isEmpty ? nil : true
                } ?? false
            sample.cpuUsage = isRead ? numbers.reduce(0, &+) : nil
            let keepsCPUs = isRead && context.sets.contains(.percpu)
            // Kept as it is while nothing changes, so that rounds share one array.
            if !keepsCPUs { sample.cpuUsageByCPU = [] } else if sample.cpuUsageByCPU != numbers { sample.cpuUsageByCPU = numbers }
            if refreshes || sample.cpuUsage != last { readParts() }
        } else {
            _ = read(.cpuUsage) { bytes, problems in
                sample.cpuUsage = nil
                CgroupText.forEachPair(bytes, &problems) { key, value in
                    if CgroupText.equals(bytes, key, "usage_usec") { sample.cpuUsage = value.multipliedSaturating(by: 1000) }
                    if CgroupText.equals(bytes, key, "user_usec") { sample.cpuUser = value.multipliedSaturating(by: 1000) }
                    if CgroupText.equals(bytes, key, "system_usec") { sample.cpuSystem = value.multipliedSaturating(by: 1000) }
                    throttling(bytes, key, value)
                }
                return true
            }
        }
        guard limits.quota != nil else { return }
        _ = read(.cpuThrottling) { bytes, problems in
            CgroupText.forEachPair(bytes, &problems) { key, value in throttling(bytes, key, value) }
            return true
        }
    }

    /// `cpu user system` and then a line a CPU, in nanoseconds.
    private func readParts() {
        _ = read(.cpuParts) { bytes, problems in
            let lines = bytes.extracting(first: CgroupText.wholeLines(bytes, &problems))
            var offset = 0
            CgroupText.skip(lines, to: CgroupText.lineFeed, at: &offset)
            var (user, system): (UInt64, UInt64) = (0, 0)
            var isFound = false
            while offset + 1 < lines.count {
                offset += 1
                CgroupText.skip(lines, to: CgroupText.space, at: &offset)
                offset += 1
                guard offset < lines.count, let first = CgroupText.number(lines, at: &offset, &problems) else { break }
                offset += 1
                guard offset < lines.count, let second = CgroupText.number(lines, at: &offset, &problems) else { break }
                user &+= first
                system &+= second
                isFound = true
                CgroupText.skip(lines, to: CgroupText.lineFeed, at: &offset)
            }
            if isFound {
                sample.cpuUser = user
                sample.cpuSystem = system
            }
            return true
        }
    }

    private func throttling(_ bytes: Span<UInt8>, _ key: Range<Int>, _ value: UInt64) {
        if CgroupText.equals(bytes, key, "nr_periods") { sample.periods = value }
        if CgroupText.equals(bytes, key, "nr_throttled") { sample.throttledPeriods = value }
        // v1 counts nanoseconds, v2 microseconds.
        if CgroupText.equals(bytes, key, "throttled_time") { sample.throttledTime = value }
        if CgroupText.equals(bytes, key, "throttled_usec") { sample.throttledTime = value.multipliedSaturating(by: 1000) }
        if CgroupText.equals(bytes, key, "nr_bursts") { sample.burstPeriods = value }
        if CgroupText.equals(bytes, key, "burst_time") { sample.burstTime = value }
        if CgroupText.equals(bytes, key, "burst_usec") { sample.burstTime = value.multipliedSaturating(by: 1000) }
    }

    /// cgroup.procs has a process a line.
    func readProcesses() {
        processes.removeAll(keepingCapacity: true)
        let isRead =
            read(.processes) { bytes, problems in
                // A cgroup without processes has an empty file.
                guard bytes.count > 0 else { return true }
                CgroupText.numbers(bytes, into: &numbers, &problems)
                for number in numbers { if let pid = Int32(exactly: number) { processes.append(pid) } }
                return true
            } ?? false
        sample.processes = isRead ? UInt64(processes.count) : nil
    }
}

extension UInt64 {
    /// A counter of microseconds that would not fit as nanoseconds (after 584 years) stays at the end.
    func multipliedSaturating(by factor: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}
