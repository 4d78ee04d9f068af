import Runtime

/// Cache and memory bandwidth as the CPU's own monitors count them: /sys/fs/resctrl/mon_groups/NAME/mon_data/mon_L3_00/...
///
/// Whoever makes the monitoring groups names them; a cgroup's is looked for by its last path component, as a runtime that
/// makes one a container does, and the root's is the root of resctrl. Not Sendable: the collector owns it.
final class ResctrlReader {
    private let directory: String
    private let fileSystem: any FileSystem

    /// Nil if resctrl is not mounted.
    init?(root: String, fileSystem: any FileSystem) {
        directory = "\(root)/sys/fs/resctrl"
        self.fileSystem = fileSystem
        guard fileSystem.exists("\(directory)/mon_data") else { return nil }
    }

    func read(_ cgroup: String, _ files: FilePool) -> [CgroupSample.ResctrlDomain] {
        let name = cgroup.split(separator: "/").last
        let data = name.map { "\(directory)/mon_groups/\($0)/mon_data" } ?? "\(directory)/mon_data"
        guard let domains = try? fileSystem.list(data) else { return [] }
        return domains.filter { $0.hasPrefix("mon_L3_") }.map { domain in
            var result = CgroupSample.ResctrlDomain(node: String(UInt64(domain.dropFirst(7)) ?? 0))
            result.cacheOccupancy = value("\(data)/\(domain)/llc_occupancy", files)
            result.bandwidthTotal = value("\(data)/\(domain)/mbm_total_bytes", files)
            result.bandwidthLocal = value("\(data)/\(domain)/mbm_local_bytes", files)
            return result
        }
    }

    /// A number, or `Unavailable`.
    private func value(_ path: String, _ files: FilePool) -> UInt64? {
        var slot = FilePool.Slot()
        return
            (try? files.read(&slot, keepsOpen: false, path: { path }) { bytes -> UInt64? in
                guard bytes.count > 0, bytes[0] &- 0x30 <= 9 else { return nil }
                var problems: TextProblems = []
                return CgroupText.single(bytes, &problems)
            }) ?? nil
    }
}
