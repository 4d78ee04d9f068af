import Exposition

/// One of node_exporter's collectors: reads a few files of the kernel and gives its metrics.
///
/// A source that throws shows nothing this round and is counted; what it gave before is dropped.
protocol NodeSource: AnyObject {
    /// `text` is the round's buffer, whatever was in it before.
    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError)
}

/// A file that holds one whole number each, shown under one name each.
final class SingleNumbers: NodeSource {
    private let files: [(file: KernelFile, family: NodeFamily)]

    init(_ files: [(path: String, family: NodeFamily)]) {
        self.files = files.map { (KernelFile($0.path), $0.family) }
    }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        for (file, family) in files {
            try file.read(into: &text)
            guard text.nextLine(), let value = text.number() else { throw .malformed }
            series.add(family, .integer(value))
        }
    }

    static func entropy(_ root: String) -> SingleNumbers {
        SingleNumbers([
            (
                root + "/proc/sys/kernel/random/entropy_avail",
                NodeFamily("node_entropy_available_bits", .gauge, "Bits of entropy in the kernel's pool.")
            ),
            (root + "/proc/sys/kernel/random/poolsize", NodeFamily("node_entropy_pool_size_bits", .gauge, "Bits that the kernel's pool holds.")),
        ])
    }
}

/// What the kernel names itself, in one line a field: `name value`.
final class KeyedNumbers: NodeSource {
    private let file: KernelFile
    private let isWanted: (String) -> Bool
    private let describe: (String) -> NodeFamily
    private let seed: UInt64
    /// Whether a key is shown, by its hash: asked once a name.
    private var wanted: [UInt64: Bool] = [:]

    init(_ path: String, seed: UInt64, isWanted: @escaping (String) -> Bool, describe: @escaping (String) -> NodeFamily) {
        file = KernelFile(path)
        self.seed = seed
        self.isWanted = isWanted
        self.describe = describe
    }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        try file.read(into: &text)
        while text.nextLine() {
            guard let name = text.word() else { continue }
            let key = text.key(name, seed: seed)
            let isShown: Bool
            if let known = wanted[key] {
                isShown = known
            } else {
                isShown = isWanted(text.string(name))
                // The kernel's own names are a few hundred; the bound is for a file that is not the kernel's.
                if wanted.count < 4096 { wanted[key] = isShown }
            }
            guard isShown, let value = text.number() else { continue }
            series.add(named: key, .integer(value)) { (describe(text.string(name)), []) }
        }
    }

    /// node_exporter's default: `^(oom_kill|pgpg|pswp|pg.*fault).*`.
    static func vmstat(_ root: String) -> KeyedNumbers {
        KeyedNumbers(root + "/proc/vmstat", seed: 0x766d_7374_6174) { name in
            if name.hasPrefix("oom_kill") || name.hasPrefix("pgpg") || name.hasPrefix("pswp") { return true }
            return name.hasPrefix("pg") && name.contains("fault")
        } describe: {
            NodeFamily("node_vmstat_\($0)", .untyped, "Field \($0) of /proc/vmstat.")
        }
    }
}
