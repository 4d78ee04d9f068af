import Glibc
import Runtime

/// What the Node object tells of the machine.
public struct MachineFacts: Hashable, Sendable {
    public var cpuCount: Int
    public var memoryBytes: Int64
    public var memoryAvailableBytes: Int64
    public var diskBytes: Int64
    public var diskAvailableBytes: Int64
    public var machineID: String
    public var bootID: String
    public var kernelVersion: String
    public var osImage: String
    /// As Go names it: `amd64`, `arm64`.
    public var architecture: String

    public init(
        cpuCount: Int, memoryBytes: Int64, memoryAvailableBytes: Int64, diskBytes: Int64, diskAvailableBytes: Int64, machineID: String = "",
        bootID: String = "", kernelVersion: String = "", osImage: String = "", architecture: String = "amd64"
    ) {
        self.cpuCount = cpuCount
        self.memoryBytes = memoryBytes
        self.memoryAvailableBytes = memoryAvailableBytes
        self.diskBytes = diskBytes
        self.diskAvailableBytes = diskAvailableBytes
        self.machineID = machineID
        self.bootID = bootID
        self.kernelVersion = kernelVersion
        self.osImage = osImage
        self.architecture = architecture
    }

    /// - Parameter directory: whose file system is the node's.
    public static func read(directory: String, system: any FileSystem = HostFileSystem()) -> MachineFacts {
        let memory = table((try? system.text("/proc/meminfo")) ?? "", separator: ":")
        func kilobytes(_ key: String) -> Int64 { (memory[key]?.split(separator: " ").first).flatMap { Int64($0) }.map { $0 * 1024 } ?? 0 }
        let disk = disk(directory)
        var names = utsname()
        let isNamed = unsafe uname(&names) == 0
        let machine = isNamed ? text(of: &names.machine) : ""
        let release = table((try? system.text("/etc/os-release")) ?? "", separator: "=")
        func line(_ path: String) -> String { ((try? system.text(path)) ?? "").split(separator: "\n").first.map(String.init) ?? "" }
        return MachineFacts(
            cpuCount: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))), memoryBytes: kilobytes("MemTotal"), memoryAvailableBytes: kilobytes("MemAvailable"),
            diskBytes: disk.total, diskAvailableBytes: disk.available, machineID: line("/etc/machine-id"),
            bootID: line("/proc/sys/kernel/random/boot_id"), kernelVersion: isNamed ? text(of: &names.release) : "",
            osImage: (release["PRETTY_NAME"] ?? "Linux").filter { $0 != "\"" },
            architecture: ["x86_64": "amd64", "aarch64": "arm64"][machine] ?? machine)
    }

    private static func table(_ text: String, separator: Character) -> [String: String] {
        var table: [String: String] = [:]
        for line in text.split(separator: "\n") {
            guard let mark = line.firstIndex(of: separator) else { continue }
            table[String(line[..<mark])] = String(line[line.index(after: mark)...].drop { $0 == " " })
        }
        return table
    }

    private static func disk(_ directory: String) -> (total: Int64, available: Int64) {
        var info = statvfs()
        guard unsafe statvfs(directory, &info) == 0 else { return (0, 0) }
        let block = Int64(info.f_frsize)
        return (Int64(info.f_blocks) * block, Int64(info.f_bavail) * block)
    }

    /// A fixed array of characters that uname(2) filled, up to its NUL.
    private static func text<Characters>(of field: inout Characters) -> String {
        unsafe withUnsafeBytes(of: &field) { bytes in unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
