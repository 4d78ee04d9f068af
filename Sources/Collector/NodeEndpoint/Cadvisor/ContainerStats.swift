import JSON
import NodeStats
import Telemetry

/// One moment of a container in cAdvisor's words. Members that Go always prints are there with 0 where nothing is known;
/// lists that it leaves out when empty are left out.
enum ContainerStats {
    static func version1(_ row: NodeSnapshot.Row, in snapshot: NodeSnapshot) -> JSON {
        let sample = row.sample
        return Document.object([
            ("timestamp", Document.time(sample.time)), ("cpu", cpu(sample)), ("diskio", DiskIOStats.document(sample)), ("memory", MemoryStats.document(sample)),
            ("hugetlb", hugePages(sample)), ("network", row.network.map { NetworkStats.version1($0) } ?? .null),
            ("filesystem", Document.list(FileSystemStats.version1(row, in: snapshot))), ("task_stats", tasks(sample)), ("processes", processes(row)),
            ("perf_stats", perf(sample)), ("referenced_memory", Document.number(sample.referencedBytes)),
            ("cpuset", ["memory_migrate": Document.count(sample.memoryMigrate)]), ("resctrl", resctrl(sample)),
            ("oom_events", Document.number(sample.oomKills)), ("health", health(row.reference)),
        ])
    }

    /// Version 2: what is not there is left out, and rates are worked out from the sample before.
    static func version2(_ row: NodeSnapshot.Row, in snapshot: NodeSnapshot, previous: CgroupSample?) -> JSON {
        let sample = row.sample
        return Document.object([
            ("timestamp", Document.time(sample.time)), ("cpu", sample.cpuUsage == nil ? .null : cpu(sample)),
            ("cpu_inst", rates(sample, since: previous)), ("diskio", sample.devices.isEmpty ? .null : DiskIOStats.document(sample)),
            ("memory", sample.memoryUsage == nil ? .null : MemoryStats.document(sample)), ("hugetlb", hugePages(sample)),
            ("network", row.network.map { NetworkStats.version2($0) } ?? .null),
            ("processes", sample.processes == nil && sample.threads == nil ? .null : processes(row)),
            ("filesystem", FileSystemStats.version2(row)), ("load_stats", sample.load == nil ? .null : tasks(sample)), ("perf_stats", perf(sample)),
            ("referenced_memory", Document.number(sample.referencedBytes)), ("resctrl", resctrl(sample)), ("health", health(row.reference)),
        ])
    }

    /// Version 2.0: every part with a member that says whether it is there.
    static func deprecated(_ row: NodeSnapshot.Row, in snapshot: NodeSnapshot, previous: CgroupSample?) -> JSON {
        let sample = row.sample
        let fileSystems = FileSystemStats.version1(row, in: snapshot)
        return Document.object([
            ("timestamp", Document.time(sample.time)), ("has_cpu", .bool(sample.cpuUsage != nil)), ("cpu", cpu(sample)),
            ("cpu_inst", rates(sample, since: previous)), ("has_diskio", .bool(!sample.devices.isEmpty)), ("diskio", DiskIOStats.document(sample)),
            ("has_memory", .bool(sample.memoryUsage != nil)), ("memory", MemoryStats.document(sample)), ("has_hugetlb", .bool(!sample.hugePages.isEmpty)),
            ("hugetlb", hugePages(sample)), ("has_network", .bool(row.network != nil)), ("network", NetworkStats.version2(row.network ?? NetworkReading())),
            ("has_processes", .bool(sample.processes != nil || sample.threads != nil)), ("processes", processes(row)),
            ("has_filesystem", .bool(!fileSystems.isEmpty)), ("filesystem", Document.list(fileSystems)), ("has_load", .bool(sample.load != nil)),
            ("load_stats", tasks(sample)), ("has_custom_metrics", false), ("perf_stats", perf(sample)),
            ("referenced_memory", Document.number(sample.referencedBytes)), ("resctrl", resctrl(sample)),
        ])
    }

    static func cpu(_ sample: CgroupSample) -> JSON {
        Document.object([
            (
                "usage",
                Document.object([
                    ("total", Document.count(sample.cpuUsage)), ("per_cpu_usage", Document.list(sample.cpuUsageByCPU.map { Document.count($0) })),
                    ("user", Document.count(sample.cpuUser)), ("system", Document.count(sample.cpuSystem)),
                ])
            ),
            (
                "cfs",
                [
                    "periods": Document.count(sample.periods), "throttled_periods": Document.count(sample.throttledPeriods),
                    "throttled_time": Document.count(sample.throttledTime), "bursts_periods": Document.count(sample.burstPeriods),
                    "burst_time": Document.count(sample.burstTime),
                ]
            ),
            (
                "schedstat",
                [
                    "run_time": Document.count(sample.schedule?.runTime), "runqueue_time": Document.count(sample.schedule?.queueTime),
                    "run_periods": Document.count(sample.schedule?.runPeriods),
                ]
            ),
            ("load_average", Document.count(sample.load?.average)), ("load_d_average", Document.count(sample.load?.uninterruptibleAverage)),
            ("psi", pressure(sample.cpuPressure)),
        ])
    }

    /// Nanoseconds of CPU time a second between two samples; nothing after one sample, a reset or a clock set back.
    static func rates(_ sample: CgroupSample, since previous: CgroupSample?) -> JSON {
        guard let previous, sample.time > previous.time, let total = rate(sample.cpuUsage, previous.cpuUsage, sample, previous) else { return .null }
        let isSameCount = sample.cpuUsageByCPU.count == previous.cpuUsageByCPU.count
        let byCPU = isSameCount ? zip(sample.cpuUsageByCPU, previous.cpuUsageByCPU).map { rate($0, $1, sample, previous) } : []
        return [
            "usage": Document.object([
                ("total", Document.count(total)), ("per_cpu_usage", Document.list(byCPU.map { Document.count($0) })),
                ("user", Document.count(rate(sample.cpuUser, previous.cpuUser, sample, previous))),
                ("system", Document.count(rate(sample.cpuSystem, previous.cpuSystem, sample, previous))),
            ])
        ]
    }

    private static func rate(_ new: UInt64?, _ old: UInt64?, _ sample: CgroupSample, _ previous: CgroupSample) -> UInt64? {
        guard let new, let old, new >= old else { return nil }
        return UInt64(Double(new - old) * 1e9 / Double(sample.time - previous.time))
    }

    /// Microseconds and percentages, as the kernel gives them.
    static func pressure(_ pressure: CgroupSample.Pressure?) -> JSON {
        guard let pressure else { return .null }
        func line(_ line: CgroupSample.Pressure.Line) -> JSON {
            [
                "total": Document.count(line.total), "avg10": .number(line.average10), "avg60": .number(line.average60), "avg300": .number(line.average300),
            ]
        }
        return ["full": line(pressure.full), "some": line(pressure.some)]
    }

    private static func hugePages(_ sample: CgroupSample) -> JSON {
        guard !sample.hugePages.isEmpty else { return .null }
        return .object(
            JSONObject(
                sample.hugePages.map { pages in
                    (
                        pages.size,
                        Document.object([
                            ("usage", pages.usage == 0 ? .null : Document.count(pages.usage)), ("max_usage", Document.number(pages.peak)),
                            ("failcnt", Document.count(pages.failures)),
                        ])
                    )
                }))
    }

    static func tasks(_ sample: CgroupSample) -> JSON {
        [
            "nr_sleeping": Document.count(sample.load?.sleeping), "nr_running": Document.count(sample.load?.running),
            "nr_stopped": Document.count(sample.load?.stopped), "nr_uninterruptible": Document.count(sample.load?.uninterruptible),
            "nr_io_wait": Document.count(sample.load?.ioWaiting),
        ]
    }

    static func processes(_ row: NodeSnapshot.Row) -> JSON {
        let sample = row.sample
        let ulimits = sample.descriptors.map {
            [["name": "max_open_files", "soft_limit": .integer($0.softLimit), "hard_limit": .integer($0.hardLimit)] as JSON]
        }
        return Document.object([
            ("process_count", Document.count(sample.processes)), ("fd_count", Document.count(sample.descriptors?.files)),
            ("socket_count", Document.count(sample.descriptors?.sockets)), ("threads_current", Document.number(sample.threads)),
            ("threads_max", Document.number(row.limits.threads)), ("ulimits", Document.list(ulimits ?? [])),
        ])
    }

    private static func perf(_ sample: CgroupSample) -> JSON {
        Document.list(
            sample.perfEvents.map {
                ["cpu": JSON($0.cpu), "scaling_ratio": .number($0.scaling), "value": Document.count($0.value), "name": .string($0.name)]
            })
    }

    private static func resctrl(_ sample: CgroupSample) -> JSON {
        guard !sample.resctrl.isEmpty else { return .null }
        return [
            "memory_bandwidth": .array(
                sample.resctrl.map { ["mbm_total_bytes": Document.count($0.bandwidthTotal), "mbm_local_bytes": Document.count($0.bandwidthLocal)] }),
            "cache": .array(sample.resctrl.map { ["llc_occupancy": Document.count($0.cacheOccupancy)] }),
        ]
    }

    private static func health(_ reference: ContainerReference) -> JSON {
        switch reference.health {
        case nil: .null
        case .some(1): ["status": "healthy"]
        case .some(-1): ["status": ""]
        default: ["status": "unhealthy"]
        }
    }
}
