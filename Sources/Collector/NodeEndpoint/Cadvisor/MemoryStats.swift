import JSON
import NodeStats

/// cAdvisor's `MemoryStats`: bytes, pages and faults of one cgroup.
enum MemoryStats {
    static func document(_ sample: CgroupSample) -> JSON {
        Document.object([
            ("usage", Document.count(sample.memoryUsage)), ("max_usage", Document.count(sample.memoryPeak)), ("cache", Document.count(sample.memoryCache)),
            ("rss", Document.count(sample.memoryRSS)), ("swap", Document.count(sample.memorySwap)), ("mapped_file", Document.count(sample.memoryMapped)),
            ("working_set", Document.count(sample.workingSet)), ("total_active_file", Document.count(sample.activeFile)),
            ("total_inactive_file", Document.count(sample.inactiveFile)), ("file_dirty", Document.count(sample.fileDirty)),
            ("file_writeback", Document.count(sample.fileWriteback)), ("pgscan", Document.count(sample.pagesScanned)),
            ("pgsteal", Document.count(sample.pagesStolen)), ("workingset_refault_file", Document.count(sample.refaultsFile)),
            ("workingset_refault_anon", Document.count(sample.refaultsAnonymous)), ("failcnt", Document.count(sample.memoryFailures)),
            ("kernel", Document.count(sample.memoryKernel)),
            (
                "container_data",
                data(
                    sample, faults: sample.ownPageFaults ?? sample.pageFaults, majorFaults: sample.ownMajorPageFaults ?? sample.majorPageFaults,
                    hierarchy: false)
            ),
            ("hierarchical_data", data(sample, faults: sample.pageFaults, majorFaults: sample.majorPageFaults, hierarchy: true)),
            ("psi", ContainerStats.pressure(sample.memoryPressure)),
            (
                "events",
                sample.highEvents == nil && sample.maxEvents == nil
                    ? .null : ["high": Document.count(sample.highEvents), "max": Document.count(sample.maxEvents)]
            ),
        ])
    }

    private static func data(_ sample: CgroupSample, faults: UInt64?, majorFaults: UInt64?, hierarchy: Bool) -> JSON {
        typealias Field = KeyPath<CgroupSample.NUMANode, UInt64>
        func pages(_ field: Field) -> JSON {
            guard !sample.numa.isEmpty else { return .null }
            return .object(JSONObject(sample.numa.map { ("\($0.node)", Document.count($0[keyPath: field])) }))
        }
        return [
            "pgfault": Document.count(faults), "pgmajfault": Document.count(majorFaults),
            "numa_stats": Document.object([
                ("file", pages(hierarchy ? \.hierarchyFile : \.file)), ("anon", pages(hierarchy ? \.hierarchyAnonymous : \.anonymous)),
                ("unevictable", pages(hierarchy ? \.hierarchyUnevictable : \.unevictable)),
            ]),
        ]
    }
}
