import JSON
import NodeStats

/// cAdvisor's `DiskIoStats`: for each thing that is counted a list of devices, and for each device its operations.
enum DiskIOStats {
    typealias Device = CgroupSample.DeviceIO

    static func document(_ sample: CgroupSample) -> JSON {
        func list(_ operations: (Device) -> [(String, UInt64?)]) -> JSON {
            Document.list(
                sample.devices.compactMap { device in
                    let stats = operations(device).compactMap { name, value in value.map { (name, Document.count($0)) } }
                    guard !stats.isEmpty else { return nil }
                    return [
                        "device": .string(device.name), "major": .integer(Int64(device.major)), "minor": .integer(Int64(device.minor)),
                        "stats": .object(JSONObject(stats)),
                    ]
                })
        }
        func named(_ values: [CgroupSample.NamedValue]) -> [(String, UInt64?)] { values.map { ($0.name, $0.value) } }
        return Document.object([
            (
                "io_service_bytes",
                list {
                    operations(read: $0.readBytes, write: $0.writeBytes, sync: $0.syncBytes, async: $0.asyncBytes, discard: $0.discardBytes)
                }
            ),
            ("io_serviced", list { operations(read: $0.reads, write: $0.writes, sync: $0.syncs, async: $0.asyncs, discard: $0.discards) }),
            ("io_queued", list { named($0.queued) }), ("sectors", list { [("Count", $0.sectors)] }), ("io_service_time", list { named($0.serviceTime) }),
            ("io_wait_time", list { named($0.waitTime) }), ("io_merged", list { named($0.merged) }), ("io_time", list { [("Count", $0.ioTime)] }),
            ("io_cost_usage", list { [("Count", $0.costUsage)] }), ("io_cost_wait", list { [("Count", $0.costWait)] }),
            ("io_cost_indebt", list { [("Count", $0.costInDebt)] }), ("io_cost_indelay", list { [("Count", $0.costInDelay)] }),
            ("psi", ContainerStats.pressure(sample.ioPressure)),
        ])
    }

    /// The total is of reads, writes and discards; what the kernel splits by synchrony is the same bytes again.
    private static func operations(read: UInt64?, write: UInt64?, sync: UInt64?, async: UInt64?, discard: UInt64?) -> [(String, UInt64?)] {
        let parts = [read, write, discard].compactMap { $0 }
        return [
            ("Async", async), ("Discard", discard), ("Read", read), ("Sync", sync), ("Total", parts.isEmpty ? nil : parts.reduce(0, &+)), ("Write", write),
        ]
    }
}
