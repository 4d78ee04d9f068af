import Exposition

/// `diskstats`: all that /proc/diskstats counts, by device. Sectors are 512 bytes whatever the device's are, times are
/// milliseconds (the kernel's admin-guide/iostats).
final class DiskSource: NodeSource {
    /// Column of /proc/diskstats after the name, and how its number becomes the metric's.
    private enum Form { case count, sectors, milliseconds }
    private static let columns: [(family: NodeFamily, form: Form)] = [
        (NodeFamily("node_disk_reads_completed_total", .counter, "Reads that ended well."), .count),
        (NodeFamily("node_disk_reads_merged_total", .counter, "Reads that were joined to a neighbour."), .count),
        (NodeFamily("node_disk_read_bytes_total", .counter, "Bytes read."), .sectors),
        (NodeFamily("node_disk_read_time_seconds_total", .counter, "Seconds that all reads took together."), .milliseconds),
        (NodeFamily("node_disk_writes_completed_total", .counter, "Writes that ended well."), .count),
        (NodeFamily("node_disk_writes_merged_total", .counter, "Writes that were joined to a neighbour."), .count),
        (NodeFamily("node_disk_written_bytes_total", .counter, "Bytes written."), .sectors),
        (NodeFamily("node_disk_write_time_seconds_total", .counter, "Seconds that all writes took together."), .milliseconds),
        (NodeFamily("node_disk_io_now", .gauge, "Requests under way."), .count),
        (NodeFamily("node_disk_io_time_seconds_total", .counter, "Seconds with a request under way."), .milliseconds),
        (NodeFamily("node_disk_io_time_weighted_seconds_total", .counter, "Seconds with requests under way, times their number."), .milliseconds),
        (NodeFamily("node_disk_discards_completed_total", .counter, "Discards that ended well."), .count),
        (NodeFamily("node_disk_discards_merged_total", .counter, "Discards that were joined to a neighbour."), .count),
        (NodeFamily("node_disk_discarded_sectors_total", .counter, "Sectors of 512 bytes discarded."), .count),
        (NodeFamily("node_disk_discard_time_seconds_total", .counter, "Seconds that all discards took together."), .milliseconds),
        (NodeFamily("node_disk_flush_requests_total", .counter, "Flushes that ended well."), .count),
        (NodeFamily("node_disk_flush_requests_time_seconds_total", .counter, "Seconds that all flushes took together."), .milliseconds),
    ]
    private static let info = NodeFamily("node_disk_info", .gauge, "What /run/udev and /sys/block say of the device; always 1.")
    private static let mapperInfo = NodeFamily("node_disk_device_mapper_info", .gauge, "What device-mapper calls the device; always 1.")
    private static let fileSystemInfo = NodeFamily("node_disk_filesystem_info", .gauge, "The file system on the device; always 1.")
    private static let ataInfo: [(property: String, family: NodeFamily)] = [
        ("ID_ATA_WRITE_CACHE", NodeFamily("node_disk_ata_write_cache", .gauge, "Whether an ATA disk has a write cache.")),
        ("ID_ATA_WRITE_CACHE_ENABLED", NodeFamily("node_disk_ata_write_cache_enabled", .gauge, "Whether an ATA disk's write cache is on.")),
        ("ID_ATA_ROTATION_RATE_RPM", NodeFamily("node_disk_ata_rotation_rate_rpm", .gauge, "Rotations a minute of an ATA disk; 0 without a platter.")),
    ]

    private let file: KernelFile
    private let tree: SysTree
    private let isExcluded: @Sendable (String) -> Bool
    /// Name of a device by the hash of it and its number; nil for one that is not shown.
    private var names: [UInt64: String?] = [:]

    init(tree: SysTree, options: NodeOptions) {
        file = KernelFile(tree.root + "/proc/diskstats")
        self.tree = tree
        isExcluded = options.isDiskExcluded
    }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        try file.read(into: &text)
        while text.nextLine() {
            guard let major = text.number(), let minor = text.number(), let range = text.word() else { continue }
            let key = text.key(range, seed: major << 32 | minor)
            guard let name = name(range, key, text) else { continue }
            var disk = NodeSample.Disk(device: name)
            for (position, column) in Self.columns.enumerated() {
                // 11 columns before Linux 4.18, 15 before 5.5.
                guard let value = text.number() else { break }
                let shown: MetricValue =
                    switch column.form {
                    case .count: .integer(value)
                    case .sectors: .integer(value &* 512)
                    case .milliseconds: .decimal(value, digits: 3)
                    }
                series.add(column.family, shown, key: key) { [("device", name)] }
                disk.take(value, column: position)
            }
            addInfo(major, minor, name, key, &series)
            sample.disks.append(disk)
        }
    }

    private func name(_ range: Range<Int>, _ key: UInt64, _ text: KernelText) -> String? {
        if let known = names[key] { return known }
        let name = text.string(range)
        let shown = isExcluded(name) ? nil : name
        if names.count < 4096 { names[key] = .some(shown) }
        return shown
    }

    /// What is known of a device, looked up when it is new and each ten minutes.
    private struct Known {
        var series: [(family: NodeFamily, labels: [NodeSeries.Label], value: MetricValue)]
        var wait: Int
    }
    private var known: [UInt64: Known] = [:]

    private func addInfo(_ major: UInt64, _ minor: UInt64, _ name: String, _ key: UInt64, _ series: inout SeriesRecorder) {
        if known[key] == nil || known[key]!.wait == 0 {
            if known.count > 4096 { known = [:] }
            known[key] = Known(series: look(major, minor, name), wait: 600)
        }
        known[key]!.wait -= 1
        for one in known[key]!.series { series.add(one.family, one.value, key: key) { one.labels } }
    }

    private func look(_ major: UInt64, _ minor: UInt64, _ name: String) -> [(family: NodeFamily, labels: [NodeSeries.Label], value: MetricValue)] {
        var properties: [Substring: Substring] = [:]
        for line in (tree.text("/run/udev/data/b\(major):\(minor)") ?? "").split(separator: "\n") where line.hasPrefix("E:") {
            guard let equals = line.firstIndex(of: "=") else { continue }
            properties[line[line.index(line.startIndex, offsetBy: 2)..<equals]] = line[line.index(after: equals)...]
        }
        func property(_ name: Substring) -> String { String(properties[name] ?? "") }
        let serial = property("SCSI_IDENT_SERIAL")
        var all: [(family: NodeFamily, labels: [NodeSeries.Label], value: MetricValue)] = [
            (
                Self.info,
                [
                    ("device", name), ("major", "\(major)"), ("minor", "\(minor)"), ("path", property("ID_PATH")), ("wwn", property("ID_WWN")),
                    ("model", property("ID_MODEL")), ("serial", serial.isEmpty ? property("ID_SERIAL_SHORT") : serial),
                    ("revision", property("ID_REVISION")),
                ], .flag(true)
            )
        ]
        let mapped = property("DM_NAME")
        if !mapped.isEmpty {
            all.append(
                (
                    Self.mapperInfo,
                    [
                        ("device", name), ("name", mapped), ("uuid", property("DM_UUID")), ("vg_name", property("DM_VG_NAME")),
                        ("lv_name", property("DM_LV_NAME")), ("lv_layer", property("DM_LV_LAYER")),
                    ], .flag(true)
                ))
        }
        let type = property("ID_FS_TYPE")
        if !type.isEmpty {
            all.append(
                (
                    Self.fileSystemInfo,
                    [
                        ("device", name), ("type", type), ("usage", property("ID_FS_USAGE")), ("uuid", property("ID_FS_UUID")),
                        ("version", property("ID_FS_VERSION")),
                    ], .flag(true)
                ))
        }
        if !property("ID_ATA").isEmpty {
            for (key, family) in Self.ataInfo {
                guard let value = UInt64(property(Substring(key))) else { continue }
                all.append((family, [("device", name)], .integer(value)))
            }
        }
        return all
    }
}

extension NodeSample.Disk {
    /// One column of /proc/diskstats behind the name.
    fileprivate mutating func take(_ value: UInt64, column: Int) {
        switch column {
        case 0: reads = value
        case 2: readBytes = value &* 512
        case 3: readTime = Double(value) / 1000
        case 4: writes = value
        case 6: writtenBytes = value &* 512
        case 7: writeTime = Double(value) / 1000
        case 9: ioTime = Double(value) / 1000
        default: break
        }
    }
}
