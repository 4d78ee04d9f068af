import InternetAddresses
import JSON
import Runtime

/// The addresses of pods and services. Chosen once for a data directory, whose services keep their addresses.
struct NetworkRanges {
    var pods: IPv4Network
    var services: IPv4Network

    /// What the settings say, else what the data directory remembers, else the first pair of 10.(88+i) and
    /// 10.(96+i) to which this machine has no route yet: another copy of Binnacle, a VPN or a container
    /// engine may have the usual one.
    static func choose(_ settings: Settings, _ directory: DataDirectory) throws -> NetworkRanges {
        let files = HostFileSystem()
        let path = "\(directory.path)/network.json"
        let remembered = (try? JSON.parse(files.read(path))) ?? .null
        let taken =
            routes((try? files.text("/proc/net/route")) ?? "", exceptThrough: settings.bridge)
            + addresses((try? files.text("/proc/net/fib_trie")) ?? "").map { ($0, .max) }
        let free =
            (0..<8).first { index in
                ["10.\(88 + index).0.0/16", "10.\(96 + index).0.0/16"].compactMap { IPv4Network($0) }.allSatisfy { range in
                    !taken.contains { overlaps($0, range) }
                }
            } ?? 0
        let pods = try range("pod-cidr", settings.podCIDR, remembered["pods"].string ?? "10.\(88 + free).0.0/16")
        let services = try range("service-cidr", settings.serviceCIDR, remembered["services"].string ?? "10.\(96 + free).0.0/16")
        let document: JSON = ["pods": .string("\(pods)"), "services": .string("\(services)")]
        if document != remembered { try files.replace(path, document.bytes() + [0x0A], mode: 0o600) }
        return NetworkRanges(pods: pods, services: services)
    }

    private static func range(_ key: String, _ setting: String, _ fallback: String) throws -> IPv4Network {
        let text = setting == "auto" ? fallback : setting
        guard let range = IPv4Network(text) else {
            throw CommandFailure(message: "\(key) is \"\(text)\", expected an IPv4 network such as 10.88.0.0/16, or auto", exitCode: 2)
        }
        return range
    }

    /// Networks of `/proc/net/route` but the default route: destination and mask in hexadecimal, lowest byte first.
    static func routes(_ table: String, exceptThrough device: String) -> [(address: UInt32, mask: UInt32)] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: "\t")
            guard fields.count > 7, fields[0] != device, let address = UInt32(fields[1], radix: 16), let mask = UInt32(fields[7], radix: 16), mask != 0
            else { return nil }
            return (address.byteSwapped, mask.byteSwapped)
        }
    }

    /// The leaves of `/proc/net/fib_trie`: addresses and networks of every routing table, among them those that
    /// another copy answers for on `lo`.
    static func addresses(_ trie: String) -> [UInt32] {
        trie.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            return words.count == 2 && words[0] == "|--" ? IPv4Address(words[1])?.bits : nil
        }.filter { $0 != 0 }
    }

    private static func overlaps(_ taken: (address: UInt32, mask: UInt32), _ range: IPv4Network) -> Bool {
        range.contains(IPv4Address(bits: taken.address)) || range.base.bits & taken.mask == taken.address & taken.mask
    }
}
