import Runtime

/// What does not change while the machine runs.
public struct MachineInfo: Hashable, Sendable {
    public var cores: Int
    public var memoryBytes: UInt64
    public var swapBytes: UInt64
    public var machineID: String
    public var systemUUID: String
    public var bootID: String
    public var kernelVersion: String
    public var osImage: String
    /// Unix seconds.
    public var bootTime: UInt64

    public init(fileSystem: any FileSystem, root: String = "") {
        func line(_ path: String) -> String {
            let text = (try? fileSystem.text(root + path)) ?? ""
            return text.split(separator: "\n").first.map(String.init) ?? ""
        }
        var node = NodeSample()
        node.parseStat((try? fileSystem.text(root + "/proc/stat")) ?? "")
        node.parseMeminfo((try? fileSystem.text(root + "/proc/meminfo")) ?? "")
        cores = max(1, node.cpuSeconds.count)
        memoryBytes = node.memoryBytes("MemTotal_bytes")
        swapBytes = node.memoryBytes("SwapTotal_bytes")
        bootTime = node.bootTime
        bootID = line("/proc/sys/kernel/random/boot_id")
        systemUUID = line("/sys/class/dmi/id/product_uuid")
        kernelVersion = line("/proc/sys/kernel/osrelease")
        let machine = line("/etc/machine-id")
        machineID = machine.isEmpty ? bootID.filter { $0 != "-" } : machine
        let release = (try? fileSystem.text(root + "/etc/os-release")) ?? ""
        let pretty = release.split(separator: "\n").first { $0.hasPrefix("PRETTY_NAME=") }
        osImage = pretty.map { $0.dropFirst(12).filter { $0 != "\"" } } ?? "Linux"
    }
}
