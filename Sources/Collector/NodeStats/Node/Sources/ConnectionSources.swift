import Exposition

/// `arp`: neighbours by interface.
final class ARPSource: NodeSource {
    private static let family = NodeFamily("node_arp_entries", .gauge, "Entries of the ARP table.")
    private let file: KernelFile

    init(root: String) { file = KernelFile(root + "/proc/net/arp") }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        try file.read(into: &text)
        var counts: [String: UInt64] = [:]
        _ = text.nextLine()
        while text.nextLine() {
            text.skip(5)
            if let device = text.word() { counts[text.string(device), default: 0] += 1 }
        }
        for (device, count) in counts.sorted(by: { $0.key < $1.key }) {
            series.add(Self.family, .integer(count), key: KernelText.key(of: device)) { [("device", device)] }
        }
    }
}

/// `conntrack`: connections that the packet filter follows, and what it did with packets, over all CPUs.
final class ConntrackSource: NodeSource {
    private static func gauge(_ name: String, _ help: String) -> NodeFamily { NodeFamily("node_nf_conntrack_\(name)", .gauge, help) }
    private static let entries = gauge("entries", "Connections followed.")
    private static let limit = gauge("entries_limit", "Connections that can be followed.")
    private static let shown: [(column: String, family: NodeFamily)] = [
        ("found", gauge("stat_found", "Lookups that found an entry.")),
        ("invalid", gauge("stat_invalid", "Packets that cannot be followed.")),
        ("ignore", gauge("stat_ignore", "Packets that belong to a connection that is not followed.")),
        ("insert", gauge("stat_insert", "Entries put in.")),
        ("insert_failed", gauge("stat_insert_failed", "Entries that were there already.")),
        ("drop", gauge("stat_drop", "Packets dropped because following them failed.")),
        ("early_drop", gauge("stat_early_drop", "Entries dropped to make room.")),
        ("search_restart", gauge("stat_search_restart", "Lookups begun anew because the table was resized.")),
    ]
    private let count: KernelFile
    private let maximum: KernelFile
    private let statistics: KernelFile
    private var knownHeading: UInt64 = 0
    /// Where each that is shown is found.
    private var columns: [Int?] = []
    private var sums: [UInt64] = []

    init(root: String) {
        count = KernelFile(root + "/proc/sys/net/netfilter/nf_conntrack_count")
        maximum = KernelFile(root + "/proc/sys/net/netfilter/nf_conntrack_max")
        statistics = KernelFile(root + "/proc/net/stat/nf_conntrack")
    }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        for (file, family) in [(count, Self.entries), (maximum, Self.limit)] {
            try file.read(into: &text)
            guard text.nextLine(), let value = text.number() else { throw .malformed }
            series.add(family, .integer(value))
        }
        guard statistics.readIfThere(into: &text), text.nextLine() else { return }
        let heading = text.key(text.position..<text.lineEnd)
        if heading != knownHeading { learn(&text, heading) }
        for column in sums.indices { sums[column] = 0 }
        while text.nextLine() {
            var column = 0
            while column < sums.count, let value = text.hexadecimal() {
                sums[column] &+= value
                column += 1
            }
        }
        for (number, one) in Self.shown.enumerated() {
            if let column = columns[number] { series.add(one.family, .integer(sums[column])) }
        }
    }

    /// The columns differ between kernels: they are found by name, once a heading.
    private func learn(_ text: inout KernelText, _ heading: UInt64) {
        knownHeading = heading
        columns = Array(repeating: nil, count: Self.shown.count)
        var position = 0
        while let word = text.word(), position < 64 {
            let name = text.string(word)
            for (number, one) in Self.shown.enumerated() where one.column == name { columns[number] = position }
            position += 1
        }
        sums = Array(repeating: 0, count: position)
    }
}

/// `filefd`: open files of all processes.
final class OpenFileSource: NodeSource {
    private static let allocated = NodeFamily("node_filefd_allocated", .gauge, "Open files of all processes.")
    private static let maximum = NodeFamily("node_filefd_maximum", .gauge, "Files that may be open.")
    private let file: KernelFile

    init(root: String) { file = KernelFile(root + "/proc/sys/fs/file-nr") }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        try file.read(into: &text)
        guard text.nextLine(), let allocated = text.number(), text.number() != nil, let maximum = text.number() else { throw .malformed }
        series.add(Self.allocated, .integer(allocated))
        series.add(Self.maximum, .integer(maximum))
    }
}
