import Runtime

/// Finds which process listens on a TCP port, as far as this process may look into others.
enum SocketHolder {
    /// `nginx (pid 812)`, or nil.
    static func ofListeningPort(_ port: Int, fileSystem: any FileSystem = HostFileSystem()) -> String? {
        var inodes: Set<String> = []
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            guard let text = try? fileSystem.text(table) else { continue }
            inodes.formUnion(listeningInodes(in: text, port: port))
        }
        guard !inodes.isEmpty, let names = try? fileSystem.list("/proc") else { return nil }
        for pid in names where pid.utf8.allSatisfy({ (48...57).contains($0) }) {
            guard let descriptors = try? fileSystem.list("/proc/\(pid)/fd") else { continue }
            for descriptor in descriptors {
                guard let target = linkTarget("/proc/\(pid)/fd/\(descriptor)"), target.hasPrefix("socket:[") else { continue }
                if inodes.contains(String(target.dropFirst(8).dropLast())) {
                    let name = (try? fileSystem.text("/proc/\(pid)/comm"))?.split(separator: "\n").first.map(String.init) ?? "?"
                    return "\(name) (pid \(pid))"
                }
            }
        }
        return nil
    }

    /// Inodes of sockets in state LISTEN (0A) on the port; columns as in proc(5).
    static func listeningInodes(in table: String, port: Int) -> Set<String> {
        var inodes: Set<String> = []
        for line in table.split(separator: "\n").dropFirst() {
            let columns = line.split(separator: " ", omittingEmptySubsequences: true)
            guard columns.count > 9, columns[3] == "0A", let colon = columns[1].lastIndex(of: ":"),
                Int(columns[1][columns[1].index(after: colon)...], radix: 16) == port
            else { continue }
            inodes.insert(String(columns[9]))
        }
        return inodes
    }
}
