import Exposition

/// `xfs`: what each XFS file system did, from /sys/fs/xfs (the kernel's fs/xfs/xfs_stats.h has the order).
final class XFSSource: NodeSource {
    private static let btree = ["lookups_total", "compares_total", "records_inserted_total", "records_deleted_total"]
    private static let lines: [(line: String, prefix: String, names: [String])] = [
        ("extent_alloc", "extent_allocation", ["extents_allocated_total", "blocks_allocated_total", "extents_freed_total", "blocks_freed_total"]),
        ("abt", "allocation_btree", btree),
        (
            "blk_map", "block_mapping",
            [
                "reads_total", "writes_total", "unmaps_total", "extent_list_insertions_total", "extent_list_deletions_total",
                "extent_list_lookups_total", "extent_list_compares_total",
            ]
        ),
        ("bmbt", "block_map_btree", btree),
        ("dir", "directory_operation", ["lookup_total", "create_total", "remove_total", "getdents_total"]),
        (
            "ig", "inode_operation",
            [
                "attempts_total", "found_total", "recycled_total", "missed_total", "duplicates_total", "reclaims_total", "attribute_changes_total",
            ]
        ),
        ("rw", "", ["write_calls_total", "read_calls_total"]),
        (
            "vnodes", "vnode",
            ["active_total", "allocate_total", "get_total", "hold_total", "release_total", "reclaim_total", "remove_total"]
        ),
    ]
    private let tree: SysTree

    init(tree: SysTree) { self.tree = tree }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        for device in tree.list("/sys/fs/xfs") where device != "stats" {
            guard let statistics = tree.text("/sys/fs/xfs/\(device)/stats/stats") else { continue }
            for line in statistics.split(separator: "\n") {
                let words = line.split(separator: " ")
                guard let known = Self.lines.first(where: { $0.line == words.first ?? "" }) else { continue }
                for (name, word) in zip(known.names, words.dropFirst()) {
                    guard let value = UInt64(word) else { continue }
                    series.add(
                        "node_xfs_\(known.prefix)\(known.prefix.isEmpty ? "" : "_")\(name)", .counter, "Field of \(known.line) in XFS's statistics.",
                        .integer(value), labels: [("device", device)])
                }
            }
        }
    }
}

/// `btrfs`: room of each Btrfs file system by kind and profile, from /sys/fs/btrfs.
final class BtrfsSource: NodeSource {
    private let tree: SysTree

    init(tree: SysTree) { self.tree = tree }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        for uuid in tree.list("/sys/fs/btrfs") where uuid.contains("-") {
            let path = "/sys/fs/btrfs/\(uuid)"
            func gauge(_ name: String, _ help: String, _ value: MetricValue?, _ labels: [NodeSeries.Label] = []) {
                guard let value else { return }
                series.add("node_btrfs_\(name)", .gauge, help, value, labels: labels + [("uuid", uuid)])
            }
            func number(_ file: String) -> MetricValue? { tree.number("\(path)/\(file)").map { .integer($0) } }
            gauge("info", "A file system's label; always 1.", .flag(true), [("label", tree.text("\(path)/label") ?? "")])
            gauge("global_rsv_size_bytes", "Room kept back for the file system's own work.", number("allocation/global_rsv_size"))
            let devices = tree.list("\(path)/devices")
            for device in devices {
                guard let sectors = tree.number("\(path)/devices/\(device)/size") else { continue }
                gauge("device_size_bytes", "Size of a device.", .integer(sectors &* 512), [("device", device)])
            }
            for kind in ["data", "metadata", "system"] {
                gauge("reserved_bytes", "Room promised to writes under way.", number("allocation/\(kind)/bytes_reserved"), [("block_group_type", kind)])
                for profile in tree.list("\(path)/allocation/\(kind)") {
                    guard let ratio = BtrfsSource.ratio(profile, devices: devices.count) else { continue }
                    let labels: [NodeSeries.Label] = [("block_group_type", kind), ("mode", profile)]
                    gauge("size_bytes", "Room given to a kind of data.", number("allocation/\(kind)/\(profile)/total_bytes"), labels)
                    gauge("used_bytes", "Room used by a kind of data.", number("allocation/\(kind)/\(profile)/used_bytes"), labels)
                    gauge("allocation_ratio", "Bytes on disk for each byte of data.", .double(ratio), labels)
                }
            }
        }
    }

    /// Bytes written for each byte kept; nil for what is no profile's name.
    static func ratio(_ profile: String, devices: Int) -> Double? {
        switch profile {
        case "single", "raid0": 1
        case "dup", "raid1", "raid10": 2
        case "raid1c3": 3
        case "raid1c4": 4
        case "raid5": devices > 1 ? Double(devices) / Double(devices - 1) : 1
        case "raid6": devices > 2 ? Double(devices) / Double(devices - 2) : 1
        default: nil
        }
    }
}

/// `zfs`: what ZFS's module counts, under its own names.
final class ZFSSource: NodeSource {
    private static let files = [
        ("abdstats", "abd"), ("arcstats", "arc"), ("dbufstats", "dbuf"), ("dmu_tx", "dmu_tx"), ("dnodestats", "dnode"), ("fm", "fm"),
        ("vdev_cache_stats", "vdev_cache"), ("vdev_mirror_stats", "vdev_mirror"), ("xuio_stats", "xuio"), ("zfetchstats", "zfetch"), ("zil", "zil"),
    ]
    private static let states = ["online", "degraded", "faulted", "offline", "removed", "unavail", "suspended"]
    private let tree: SysTree

    init(tree: SysTree) { self.tree = tree }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        let path = "/proc/spl/kstat/zfs"
        guard tree.exists(path) else { throw .absent }
        for (file, name) in Self.files {
            for (key, value) in ZFSSource.counters(tree.text("\(path)/\(file)") ?? "") {
                series.add("node_zfs_\(name)_\(key)", .untyped, "Field \(key) of kstat.zfs.misc.\(file).", value)
            }
        }
        for pool in tree.list(path) {
            for file in tree.list("\(path)/\(pool)") {
                let content = tree.text("\(path)/\(pool)/\(file)") ?? ""
                if file == "state" {
                    for state in Self.states {
                        series.add(
                            "node_zfs_zpool_state", .gauge, "1 for the state that a pool is in.", .flag(content.lowercased() == state),
                            labels: [("state", state), ("zpool", pool)])
                    }
                } else if file.hasPrefix("objset-") {
                    guard let dataset = ZFSSource.dataset(content) else { continue }
                    for (key, value) in ZFSSource.counters(content) where key != "dataset_name" {
                        series.add(
                            "node_zfs_zpool_dataset_\(key)", .untyped, "Field \(key) of a dataset.", value,
                            labels: [("dataset", dataset), ("zpool", pool)])
                    }
                }
            }
        }
    }

    /// Lines `name type data` after two of headings; type 4 is a number without a sign, 3 one with it.
    static func counters(_ text: String) -> [(name: String, value: MetricValue)] {
        text.split(separator: "\n").dropFirst(2).compactMap { line in
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            guard words.count == 3, words[1] == "4" || words[1] == "3" else { return nil }
            let name = String(words[0].map { $0 == "-" ? "_" : $0 })
            if let value = UInt64(words[2]) { return (name, .integer(value)) }
            return Int64(words[2]).map { (name, .integer($0)) }
        }
    }

    static func dataset(_ text: String) -> String? {
        text.split(separator: "\n").first { $0.hasPrefix("dataset_name ") }.flatMap { $0.split(separator: " ").last }.map(String.init)
    }
}
