import Exposition

extension ContainerMetric {
    static let fileSystem: [ContainerMetric] = [
        perFileSystem("container_fs_inodes_free", "Inodes that are free.") { .unsigned($0.inodesFree) },
        perFileSystem("container_fs_inodes_total", "Inodes that there are.") { .unsigned($0.inodes) },
        perFileSystem("container_fs_limit_bytes", "Bytes that the file system or the container's part of it may hold.") { .unsigned($0.capacity) },
        gauges(.disk, "container_fs_usage_bytes", "Bytes that the container uses on the file system.") { row, emit in
            for system in row.fileSystems {
                if let usage = system.usage { emit(.one("device", system.device), .unsigned(usage)) }
            }
        },
    ]

    private static func perFileSystem(_ name: String, _ help: String, _ value: @escaping @Sendable (ContainerFileSystem) -> MetricValue) -> ContainerMetric {
        gauges(.disk, name, help) { row, emit in
            for system in row.fileSystems { emit(.one("device", system.device), value(system)) }
        }
    }

    typealias Device = CgroupSample.DeviceIO

    static let io: [ContainerMetric] = [
        perDevice("container_fs_reads_bytes_total", "Bytes read.") { number($0.readBytes) },
        perDevice("container_fs_reads_total", "Reads completed.") { number($0.reads) },
        perDevice("container_fs_sector_reads_total", "Sectors read.") { number($0.sectorReads) },
        perDevice("container_fs_reads_merged_total", "Reads merged with others.") { number(named($0.merged, "Read")) },
        perDevice("container_fs_read_seconds_total", "Time spent reading, in seconds.") { nanoseconds(named($0.serviceTime, "Read")) },
        perDevice("container_fs_writes_bytes_total", "Bytes written.") { number($0.writeBytes) },
        perDevice("container_fs_writes_total", "Writes completed.") { number($0.writes) },
        perDevice("container_fs_sector_writes_total", "Sectors written.") { number($0.sectorWrites) },
        perDevice("container_fs_writes_merged_total", "Writes merged with others.") { number(named($0.merged, "Write")) },
        perDevice("container_fs_write_seconds_total", "Time spent writing, in seconds.") { nanoseconds(named($0.serviceTime, "Write")) },
        perDevice("container_fs_io_time_seconds_total", "Time for which the device was busy for the cgroup, in seconds.") { nanoseconds($0.ioTime) },
        perDevice("container_fs_io_time_weighted_seconds_total", "Time that I/O waited and was served, in seconds.") { device in
            let (service, wait) = (named(device.serviceTime, "Total"), named(device.waitTime, "Total"))
            return service == nil && wait == nil ? nil : .nanoseconds((service ?? 0) &+ (wait ?? 0))
        },
        gauges(.diskIO, "container_fs_io_current", "I/O that waits or is being done.") { row, emit in
            for device in row.sample.devices {
                if let queued = named(device.queued, "Total") { emit(.one("device", device.name), .unsigned(queued)) }
            }
        },
        perDevice("container_fs_io_cost_usage_seconds_total", "Cost that io.cost charged, in seconds of the device.") { microseconds($0.costUsage) },
        perDevice("container_fs_io_cost_wait_seconds_total", "Time waited for io.cost's budget, in seconds.") { microseconds($0.costWait) },
        perDevice("container_fs_io_cost_indebt_seconds_total", "Time in debt with io.cost, in seconds.") { microseconds($0.costInDebt) },
        perDevice("container_fs_io_cost_indelay_seconds_total", "Time delayed by io.cost, in seconds.") { microseconds($0.costInDelay) },
        counters(.diskIO, "container_blkio_device_usage_total", "Bytes by device and operation.") { row, emit in
            for device in row.sample.devices { operations(device, emit) }
        },
    ]

    private static func operations(_ device: Device, _ emit: Emit) {
        let all: [(String, UInt64?)] = [
            ("Async", device.asyncBytes), ("Discard", device.discardBytes), ("Read", device.readBytes), ("Sync", device.syncBytes),
            ("Write", device.writeBytes),
        ]
        var total: UInt64?
        func pair(_ operation: String) -> ExtraLabels {
            .many([
                .init("device", device.name), .init("major", "\(device.major)"), .init("minor", "\(device.minor)"), .init("operation", operation),
            ])
        }
        for (operation, value) in all {
            guard let value else { continue }
            emit(pair(operation), .unsigned(value))
        }
        // What was read, written and discarded; synchronous and not is the same bytes told apart in another way.
        for value in [device.readBytes, device.writeBytes, device.discardBytes] { total = value.map { (total ?? 0) &+ $0 } ?? total }
        if let total { emit(pair("Total"), .unsigned(total)) }
    }

    private static func perDevice(_ name: String, _ help: String, _ value: @escaping @Sendable (Device) -> MetricValue?) -> ContainerMetric {
        counters(.diskIO, name, help) { row, emit in
            for device in row.sample.devices {
                if let value = value(device) { emit(.one("device", device.name), value) }
            }
        }
    }

    private static func named(_ values: [CgroupSample.NamedValue], _ name: String) -> UInt64? { values.first { $0.name == name }?.value }
}

extension CgroupSample.DeviceIO {
    /// Sectors are 512 bytes. v1's own count, where there is one, does not tell reads from writes.
    var sectorReads: UInt64? { readBytes.map { $0 / 512 } }
    var sectorWrites: UInt64? { writeBytes.map { $0 / 512 } }
}
