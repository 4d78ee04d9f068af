import Exposition

/// `mdadm`: software RAID arrays, from /proc/mdstat.
final class ArraySource: NodeSource {
    private static let state = NodeFamily("node_md_state", .gauge, "1 for the state that an array is in, 0 for the others.")
    private static let disks = NodeFamily("node_md_disks", .gauge, "Disks of an array by state.")
    private static let required = NodeFamily("node_md_disks_required", .gauge, "Disks that an array should have.")
    private static let blocks = NodeFamily("node_md_blocks", .gauge, "Blocks of 1 KiB of an array.")
    private static let synced = NodeFamily("node_md_blocks_synced", .gauge, "Blocks of 1 KiB of an array that are in step.")
    private static let states = ["active", "inactive", "recovering", "resync", "check"]
    private let tree: SysTree

    init(tree: SysTree) { self.tree = tree }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        guard let status = tree.text("/proc/mdstat") else { throw .absent }
        for array in RAIDArray.parse(status) {
            let device: NodeSeries.Label = ("device", array.name)
            series.add(Self.blocks, .integer(array.blocks), labels: [device])
            series.add(Self.synced, .integer(array.synced), labels: [device])
            series.add(Self.required, .integer(array.required), labels: [device])
            for (state, count) in [("active", array.active), ("failed", array.failed), ("spare", array.spare)] {
                series.add(Self.disks, .integer(count), labels: [device, ("state", state)])
            }
            for state in Self.states { series.add(Self.state, .flag(state == array.state), labels: [device, ("state", state)]) }
        }
    }
}

/// One array of /proc/mdstat:
///
///     md0 : active raid1 sdb1[1] sda1[0] sdc1[2](S)
///           248896 blocks [2/2] [UU]
///           [=>...] recovery =  8.5% (16775552/195310144) finish=17.0min
struct RAIDArray {
    var name: String
    var state: String
    var required: UInt64 = 0
    var active: UInt64 = 0
    var failed: UInt64 = 0
    var spare: UInt64 = 0
    var blocks: UInt64 = 0
    var synced: UInt64 = 0

    static func parse(_ text: String) -> [RAIDArray] {
        var arrays: [RAIDArray] = []
        var isInArray = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let words = line.split(separator: " ")
            guard !words.isEmpty else {
                isInArray = false
                continue
            }
            if !line.hasPrefix(" "), words.count > 2, words[1] == ":", words[0].hasPrefix("md") {
                var array = RAIDArray(name: String(words[0]), state: words[2] == "active" ? "active" : "inactive")
                for disk in words.dropFirst(3) where disk.contains("[") {
                    if disk.contains("(F)") { array.failed += 1 } else if disk.contains("(S)") { array.spare += 1 } else { array.active += 1 }
                }
                array.required = array.active
                arrays.append(array)
                isInArray = true
            } else if isInArray, line.hasPrefix(" ") {
                arrays[arrays.count - 1].take(line, words)
            }
        }
        return arrays
    }

    private mutating func take(_ line: Substring, _ words: [Substring]) {
        if words.count > 1, words[1] == "blocks", let count = UInt64(words[0]) {
            blocks = count
            synced = count
            // "[2/1]": two should be there, one is.
            for word in words where word.hasPrefix("[") && word.hasSuffix("]") && word.contains("/") {
                let numbers = word.dropFirst().dropLast().split(separator: "/").compactMap { UInt64($0) }
                if numbers.count == 2 { (required, active) = (numbers[0], numbers[1]) }
            }
            return
        }
        for (word, name) in [("recovery", "recovering"), ("reshape", "recovering"), ("resync", "resync"), ("check", "check")] where line.contains(word) {
            state = name
            // "resync=DELAYED" and "resync=PENDING" have no numbers: nothing is in step yet.
            if line.contains("DELAYED") || line.contains("PENDING") { synced = 0 }
            for part in words where part.hasPrefix("(") && part.contains("/") {
                if let done = part.dropFirst().split(separator: "/").first.flatMap({ UInt64($0) }) { synced = done }
            }
            return
        }
    }
}

/// `bonding`: links of a bonded interface, and how many are up.
final class BondingSource: NodeSource {
    private static let configured = NodeFamily("node_bonding_slaves", .gauge, "Links that a bonded interface has.")
    private static let active = NodeFamily("node_bonding_active", .gauge, "Links of a bonded interface that are up.")
    private let tree: SysTree

    init(tree: SysTree) { self.tree = tree }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        guard let masters = tree.text("/sys/class/net/bonding_masters") else { throw .absent }
        for master in masters.split(separator: " ") {
            let directory = "/sys/class/net/\(master)"
            let slaves = (tree.text("\(directory)/bonding/slaves") ?? "").split(separator: " ")
            let up = slaves.count { slave in
                // `lower_` since Linux 3.18, `slave_` before.
                let status =
                    tree.text("\(directory)/lower_\(slave)/bonding_slave/mii_status") ?? tree.text("\(directory)/slave_\(slave)/bonding_slave/mii_status")
                return status == "up"
            }
            series.add(Self.configured, .integer(Int64(slaves.count)), labels: [("master", String(master))])
            series.add(Self.active, .integer(Int64(up)), labels: [("master", String(master))])
        }
    }
}
