import Exposition

extension ContainerMetric {
    static let memory: [ContainerMetric] = [
        gauge(.memory, "container_memory_usage_bytes", "Memory in use, page cache included.") { number($0.sample.memoryUsage) },
        gauge(.memory, "container_memory_working_set_bytes", "Memory in use less inactive page cache.") { number($0.sample.workingSet) },
        gauge(.memory, "container_memory_rss", "Anonymous memory and swap cache.") { number($0.sample.memoryRSS) },
        gauge(.memory, "container_memory_cache", "Page cache.") { number($0.sample.memoryCache) },
        gauge(.memory, "container_memory_mapped_file", "Mapped files.") { number($0.sample.memoryMapped) },
        gauge(.memory, "container_memory_swap", "Swap in use.") { number($0.sample.memorySwap) },
        gauge(.memory, "container_memory_kernel_usage", "Kernel memory.") { number($0.sample.memoryKernel) },
        gauge(.memory, "container_memory_max_usage_bytes", "The most memory that was in use.") { number($0.sample.memoryPeak) },
        gauge(.memory, "container_memory_total_active_file_bytes", "Active page cache.") { number($0.sample.activeFile) },
        gauge(.memory, "container_memory_total_inactive_file_bytes", "Inactive page cache.") { number($0.sample.inactiveFile) },
        gauge(.memory, "container_memory_file_dirty_bytes", "Page cache that waits to be written.") { number($0.sample.fileDirty) },
        gauge(.memory, "container_memory_file_writeback_bytes", "Page cache that is being written.") { number($0.sample.fileWriteback) },
        gauge(.memory, "container_memory_unreclaimable_bytes", "Memory that cannot be given back without killing.") {
            number($0.sample.memoryUnreclaimable)
        },
        counter(.memory, "container_memory_failcnt", "How often memory hit the limit.") { number($0.sample.memoryFailures) },
        counters(.memory, "container_memory_failures_total", "Page faults.") { row, emit in
            if let value = row.sample.ownPageFaults { emit(faults[0], .unsigned(value)) }
            if let value = row.sample.pageFaults { emit(faults[1], .unsigned(value)) }
            if let value = row.sample.ownMajorPageFaults { emit(faults[2], .unsigned(value)) }
            if let value = row.sample.majorPageFaults { emit(faults[3], .unsigned(value)) }
        },
        counter(.memory, "container_memory_events_high_total", "How often memory went over memory.high.") { number($0.sample.highEvents) },
        counter(.memory, "container_memory_events_max_total", "How often memory ran into memory.max.") { number($0.sample.maxEvents) },
        counter(.memory, "container_memory_pgscan_total", "Pages looked at to be taken back.") { number($0.sample.pagesScanned) },
        counter(.memory, "container_memory_pgsteal_total", "Pages taken back.") { number($0.sample.pagesStolen) },
        counter(.memory, "container_memory_workingset_refault_file_total", "Pages of files read again soon after they were taken back.") {
            number($0.sample.refaultsFile)
        },
        counter(.memory, "container_memory_workingset_refault_anon_total", "Anonymous pages read again soon after they were taken back.") {
            number($0.sample.refaultsAnonymous)
        },
        counter(.oomEvent, "container_oom_events_total", "Processes killed for memory.") { number($0.sample.oomKills) },
        gauge(.referencedMemory, "container_referenced_bytes", "Memory referenced since the references were cleared.") {
            number($0.sample.referencedBytes)
        },
        gauges(.memoryParts, "container_memory_part", "A line of memory.stat by the kernel's name; bytes, pages or events as the kernel has it.") { row, emit in
            for part in row.sample.memoryParts { emit(.one("part", part.name), .unsigned(part.value)) }
        },
    ]
    private static let faults: [ExtraLabels] = [("pgfault", "container"), ("pgfault", "hierarchy"), ("pgmajfault", "container"), ("pgmajfault", "hierarchy")]
        .map { .fixed(("failure_type", $0.0), ("scope", $0.1)) }

    static let numa: [ContainerMetric] = [
        gauge(.cpuset, "container_memory_migrate", "1 if pages move when the cpuset's memory nodes change.") { number($0.sample.memoryMigrate) },
        gauges(.numa, "container_memory_numa_pages", "Pages in use by memory node.") { row, emit in
            for node in row.sample.numa {
                let label = node.node < nodes.count ? nodes[node.node] : NodeLabels(node.node)
                emit(label.all[0], .unsigned(node.file))
                emit(label.all[1], .unsigned(node.hierarchyFile))
                emit(label.all[2], .unsigned(node.anonymous))
                emit(label.all[3], .unsigned(node.hierarchyAnonymous))
                emit(label.all[4], .unsigned(node.unevictable))
                emit(label.all[5], .unsigned(node.hierarchyUnevictable))
            }
        },
    ]

    /// The six series of a memory node.
    private struct NodeLabels: Sendable {
        let all: [ExtraLabels]
        init(_ node: Int) {
            all = ["file", "anon", "unevictable"].flatMap { type in
                ["container", "hierarchy"].map { scope in .fixed(("type", type), ("scope", scope), ("node", "\(node)")) }
            }
        }
    }
    private static let nodes = (0..<16).map(NodeLabels.init)

    static let hugePages: [ContainerMetric] = [
        counters(.hugetlb, "container_hugetlb_failcnt", "How often huge pages hit the limit.") { row, emit in
            for pages in row.sample.hugePages { emit(.one("pagesize", pages.size), .unsigned(pages.failures)) }
        },
        gauges(.hugetlb, "container_hugetlb_usage_bytes", "Huge pages in use.") { row, emit in
            for pages in row.sample.hugePages { emit(.one("pagesize", pages.size), .unsigned(pages.usage)) }
        },
        gauges(.hugetlb, "container_hugetlb_max_usage_bytes", "The most huge pages that were in use.") { row, emit in
            for pages in row.sample.hugePages {
                if let peak = pages.peak { emit(.one("pagesize", pages.size), .unsigned(peak)) }
            }
        },
    ]
}
