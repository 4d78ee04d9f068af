import Exposition

/// `meminfo`: every field of /proc/meminfo.
final class MemorySource: NodeSource {
    private let file: KernelFile
    /// node_exporter's name of a field, by the hash of the kernel's.
    private var names: [UInt64: String] = [:]

    init(root: String) { file = KernelFile(root + "/proc/meminfo") }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        try file.read(into: &text)
        sample.memory.reserveCapacity(names.count)
        while text.nextLine() {
            guard let field = text.upTo(0x3A), let value = text.number() else { continue }
            let isKilobytes = text.word() != nil
            let key = text.key(field, seed: isKilobytes ? 0x6d65_6d42 : 0x6d65_6d43)
            let name = name(of: field, key, isKilobytes, text)
            let bytes = isKilobytes ? value &* 1024 : value
            series.add(named: key, .integer(bytes)) {
                (NodeFamily("node_memory_\(name)", .gauge, "Field \(text.string(field)) of /proc/meminfo\(isKilobytes ? ", in bytes" : "")."), [])
            }
            sample.memory.append((name, bytes))
        }
        guard !sample.memory.isEmpty else { throw .malformed }
    }

    private func name(of field: Range<Int>, _ key: UInt64, _ isKilobytes: Bool, _ text: KernelText) -> String {
        if let known = names[key] { return known }
        let name = MemorySource.name(text.string(field)) + (isKilobytes ? "_bytes" : "")
        if names.count < 1024 { names[key] = name }
        return name
    }

    /// `Active(anon)` becomes `Active_anon`; what cannot be part of a metric's name becomes `_`.
    static func name(_ field: String) -> String {
        var name = ""
        for byte in field.utf8 where byte != UInt8(ascii: ")") {
            let isPlain = (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            name.unicodeScalars.append(isPlain ? Unicode.Scalar(byte) : "_")
        }
        return name
    }
}

/// `meminfo_numa`: memory by NUMA node, and where allocations went. Off by default, as node_exporter has it.
final class NUMAMemorySource: NodeSource {
    private let tree: SysTree

    init(tree: SysTree) { self.tree = tree }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        let nodes = tree.list("/sys/devices/system/node").filter { $0.hasPrefix("node") && UInt64($0.dropFirst(4)) != nil }
        guard !nodes.isEmpty else { throw .absent }
        for node in nodes {
            let number = String(node.dropFirst(4))
            let directory = "/sys/devices/system/node/\(node)"
            // "Node 0 Active(anon):  123 kB"
            for line in (tree.text("\(directory)/meminfo") ?? "").split(separator: "\n") {
                let fields = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
                guard fields.count >= 4, let value = UInt64(fields[3]) else { continue }
                let isKilobytes = fields.count > 4
                // In bytes, but without the ending: so node_exporter has it.
                let name = "node_memory_numa_" + MemorySource.name(String(fields[2].dropLast()))
                add(name, .gauge, "Field \(fields[2].dropLast()) of a NUMA node's meminfo.", number, isKilobytes ? value &* 1024 : value, &series)
            }
            for line in (tree.text("\(directory)/numastat") ?? "").split(separator: "\n") {
                let fields = line.split(separator: " ")
                guard fields.count == 2, let value = UInt64(fields[1]) else { continue }
                add("node_memory_numa_\(fields[0])_total", .counter, "Field \(fields[0]) of a NUMA node's numastat, in pages.", number, value, &series)
            }
        }
    }

    private func add(_ name: String, _ kind: MetricFamily.Kind, _ help: String, _ node: String, _ value: UInt64, _ series: inout SeriesRecorder) {
        series.add(named: KernelText.key(of: "\(name)\n\(node)"), .integer(value)) { (NodeFamily(name, kind, help), [("node", node)]) }
    }
}
