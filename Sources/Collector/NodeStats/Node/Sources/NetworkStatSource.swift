import Exposition

/// `netstat`: what the protocols counted (net/netstat, net/snmp, net/snmp6), as far as node_exporter shows by default.
final class NetworkStatSource: NodeSource {
    /// A file in pairs of lines: names, then values. Which columns are shown is found out once for each line of names.
    private final class Pairs {
        struct Column {
            var position: Int
            var family: NodeFamily
        }
        let file: KernelFile
        var columns: [UInt64: [Column]] = [:]
        init(_ path: String) { file = KernelFile(path) }
    }

    private let pairs: [Pairs]
    private let snmp6: KernelFile
    private var snmp6Families: [UInt64: NodeFamily?] = [:]

    init(root: String) {
        pairs = [Pairs(root + "/proc/net/netstat"), Pairs(root + "/proc/net/snmp")]
        snmp6 = KernelFile(root + "/proc/net/snmp6")
    }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        for one in pairs {
            try one.file.read(into: &text)
            while text.nextLine() {
                let key = text.key(text.position..<text.lineEnd)
                let columns = one.columns[key] ?? learn(&text, key, one)
                guard text.nextLine(), text.word() != nil else { throw .malformed }
                var position = 0
                for column in columns {
                    text.skip(column.position - position)
                    position = column.position + 1
                    // MaxConn is -1; none of those that are shown is ever negative, but a kernel may say so.
                    guard let word = text.word(), let value = text.decimal(in: word) else { break }
                    series.add(column.family, value)
                }
            }
        }
        // Absent where IPv6 is off.
        guard snmp6.readIfThere(into: &text) else { return }
        while text.nextLine() {
            guard let name = text.word() else { continue }
            let key = text.key(name)
            if snmp6Families[key] == nil, snmp6Families.count < 4096 { snmp6Families[key] = .some(family6(text.string(name))) }
            guard let known = snmp6Families[key], let family = known, let value = text.number() else { continue }
            series.add(family, .integer(value))
        }
    }

    private func learn(_ text: inout KernelText, _ key: UInt64, _ pairs: Pairs) -> [Pairs.Column] {
        var columns: [Pairs.Column] = []
        guard let prefix = text.word() else { return [] }
        let proto = text.string(prefix).filter { $0 != ":" }
        var position = 0
        while let word = text.word() {
            if let family = NetworkStatSource.family(proto, text.string(word)) { columns.append(.init(position: position, family: family)) }
            position += 1
        }
        if pairs.columns.count < 64 { pairs.columns[key] = columns }
        return columns
    }

    /// `Ip6InOctets` is InOctets of Ip6.
    private func family6(_ name: String) -> NodeFamily? {
        guard let six = name.firstIndex(of: "6") else { return nil }
        let start = name.index(after: six)
        return NetworkStatSource.family(String(name[..<start]), String(name[start...]))
    }

    static func family(_ proto: String, _ name: String) -> NodeFamily? {
        guard isShown(proto, name) else { return nil }
        return NodeFamily("node_netstat_\(proto)_\(name)", .untyped, "Counter \(name) of \(proto) (net/netstat, net/snmp, net/snmp6).")
    }

    /// node_exporter's default `--collector.netstat.fields`.
    static func isShown(_ proto: String, _ name: String) -> Bool {
        if name.hasSuffix("InErrors") || name.hasSuffix("InErrs") { return name == "InErrors" || name == "InErrs" }
        switch proto {
        case "Ip": return name == "Forwarding"
        case "Ip6", "IpExt": return name == "InOctets" || name == "OutOctets"
        case "Icmp", "Icmp6": return name == "InMsgs" || name == "OutMsgs"
        case "TcpExt": return name.hasPrefix("Listen") || name.hasPrefix("Syncookies") || name == "TCPSynRetrans" || name == "TCPTimeouts"
        case "Tcp": return ["ActiveOpens", "InSegs", "OutSegs", "OutRsts", "PassiveOpens", "RetransSegs", "CurrEstab"].contains(name)
        case "Udp", "Udp6": return ["InDatagrams", "OutDatagrams", "NoPorts", "RcvbufErrors", "SndbufErrors"].contains(name)
        default: return false
        }
    }
}
