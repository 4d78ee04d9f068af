extension CgroupReader {
    /// Every thirtieth round: what moves slowly, or is in few kernels.
    func readRare() {
        if context.sets.contains(.numa) { readNUMA() }
        if context.sets.contains(.cpuset) { sample.memoryMigrate = number(.memoryMigrate) }
        if context.sets.contains(.hugetlb) { readHugePages() }
        if let resctrl = context.resctrl { sample.resctrl = resctrl.read(path, context.files) }
    }

    private func readHugePages() {
        guard let (version, mount) = context.layout.hugePages else { return }
        let directory = path == "/" ? mount : mount + path
        var all: [CgroupSample.HugePages] = []
        for size in context.layout.hugePageSizes {
            var pages = CgroupSample.HugePages(size: size)
            guard let usage = value("\(directory)/hugetlb.\(size).\(version == 1 ? "usage_in_bytes" : "current")") else { continue }
            pages.usage = usage
            if version == 1 {
                pages.peak = value("\(directory)/hugetlb.\(size).max_usage_in_bytes")
                pages.failures = value("\(directory)/hugetlb.\(size).failcnt") ?? 0
            } else {
                // `max N`: how often an allocation failed at the limit.
                var slot = FilePool.Slot()
                let events = try? context.files.read(&slot, keepsOpen: false, path: { "\(directory)/hugetlb.\(size).events" }) { bytes -> UInt64 in
                    var (problems, failures): (TextProblems, UInt64) = ([], 0)
                    CgroupText.forEachPair(bytes, &problems) { key, value in
                        if CgroupText.equals(bytes, key, "max") { failures = value }
                    }
                    return failures
                }
                pages.failures = events ?? 0
            }
            all.append(pages)
        }
        sample.hugePages = all
    }

    private func value(_ path: String) -> UInt64? {
        var slot = FilePool.Slot()
        return
            (try? context.files.read(&slot, keepsOpen: false, path: { path }) { bytes -> UInt64? in
                var problems: TextProblems = []
                return CgroupText.single(bytes, &problems)
            }) ?? nil
    }
}
