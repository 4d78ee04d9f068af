import Exposition

/// The procedures of the NFS versions, in the order of their numbers (RFC 1094, 1813; the kernel's own order for 4).
private enum Procedures {
    static let version2 = [
        "Null", "GetAttr", "SetAttr", "Root", "Lookup", "ReadLink", "Read", "WrCache", "Write", "Create", "Remove", "Rename", "Link", "SymLink",
        "MkDir", "RmDir", "ReadDir", "FsStat",
    ]
    static let version3 = [
        "Null", "GetAttr", "SetAttr", "Lookup", "Access", "ReadLink", "Read", "Write", "Create", "MkDir", "SymLink", "MkNod", "Remove", "RmDir",
        "Rename", "Link", "ReadDir", "ReadDirPlus", "FsStat", "FsInfo", "PathConf", "Commit",
    ]
    static let client4 = [
        "Null", "Read", "Write", "Commit", "Open", "OpenConfirm", "OpenNoattr", "OpenDowngrade", "Close", "Setattr", "FsInfo", "Renew",
        "SetClientID", "SetClientIDConfirm", "Lock", "Lockt", "Locku", "Access", "Getattr", "Lookup", "LookupRoot", "Remove", "Rename", "Link",
        "Symlink", "Create", "Pathconf", "StatFs", "ReadLink", "ReadDir", "ServerCaps", "DelegReturn", "GetACL", "SetACL", "FsLocations",
        "ReleaseLockowner", "Secinfo", "FsidPresent", "ExchangeID", "CreateSession", "DestroySession", "Sequence", "GetLeaseTime",
        "ReclaimComplete", "LayoutGet", "GetDeviceInfo", "LayoutCommit", "LayoutReturn", "SecinfoNoName", "TestStateID", "FreeStateID",
        "GetDeviceList", "BindConnToSession", "DestroyClientID", "Seek", "Allocate", "DeAllocate", "LayoutStats", "Clone",
    ]
    /// Operations of a compound, from number 3 on.
    static let server4 = [
        "Access", "Close", "Commit", "Create", "DelegPurge", "DelegReturn", "GetAttr", "GetFH", "Link", "Lock", "Lockt", "Locku", "Lookup",
        "LookupRoot", "Nverify", "Open", "OpenAttr", "OpenConfirm", "OpenDgrd", "PutFH", "PutPubFH", "PutRootFH", "Read", "ReadDir", "ReadLink",
        "Remove", "Rename", "Renew", "RestoreFH", "SaveFH", "SecInfo", "SetAttr", "SetClientID", "SetClientIDConfirm", "Verify", "Write",
        "RelLockOwner",
    ]
}

/// The lines of /proc/net/rpc/nfs and nfsd: a word and numbers.
private struct RPCLines {
    var lines: [String: [UInt64]] = [:]

    init?(_ text: String?) {
        guard let text else { return nil }
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard let name = words.first else { continue }
            // "th 8 0 0.000 ...": what is no whole number is 0 and keeps its place.
            lines[String(name)] = words.dropFirst().map { UInt64($0) ?? 0 }
        }
    }

    func number(_ line: String, _ position: Int) -> UInt64? {
        guard let numbers = lines[line], position < numbers.count else { return nil }
        return numbers[position]
    }

    /// The counts of a line that begins with their number.
    func counts(_ line: String) -> ArraySlice<UInt64> { lines[line]?.dropFirst() ?? [] }
}

/// `nfs`: what this machine asked of NFS servers.
final class NFSClientSource: NodeSource {
    private let tree: SysTree

    init(tree: SysTree) { self.tree = tree }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        guard let rpc = RPCLines(tree.text("/proc/net/rpc/nfs")) else { throw .absent }
        func add(_ name: String, _ help: String, _ value: UInt64?, _ labels: [NodeSeries.Label] = []) {
            if let value { series.add("node_nfs_\(name)", .counter, help, .integer(value), labels: labels) }
        }
        add("packets_total", "Packets of NFS by protocol.", rpc.number("net", 1), [("protocol", "udp")])
        add("packets_total", "Packets of NFS by protocol.", rpc.number("net", 2), [("protocol", "tcp")])
        add("connections_total", "Connections made by TCP.", rpc.number("net", 3))
        add("rpcs_total", "Calls made.", rpc.number("rpc", 0))
        add("rpc_retransmissions_total", "Calls made again for want of an answer.", rpc.number("rpc", 1))
        add("rpc_authentication_refreshes_total", "Times that credentials were renewed.", rpc.number("rpc", 2))
        for (version, names) in [("2", Procedures.version2), ("3", Procedures.version3), ("4", Procedures.client4)] {
            for (name, count) in zip(names, rpc.counts("proc\(version)")) {
                add("requests_total", "Requests by version and procedure.", count, [("method", name), ("proto", version)])
            }
        }
    }
}

/// `nfsd`: what this machine did as an NFS server.
final class NFSServerSource: NodeSource {
    private let tree: SysTree

    init(tree: SysTree) { self.tree = tree }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        guard let rpc = RPCLines(tree.text("/proc/net/rpc/nfsd")) else { throw .absent }
        func add(_ name: String, _ help: String, _ value: UInt64?, _ labels: [NodeSeries.Label] = [], _ kind: MetricFamily.Kind = .counter) {
            if let value { series.add("node_nfsd_\(name)", kind, help, .integer(value), labels: labels) }
        }
        add("reply_cache_hits_total", "Replies found in the cache.", rpc.number("rc", 0))
        add("reply_cache_misses_total", "Replies not found in the cache.", rpc.number("rc", 1))
        add("reply_cache_nocache_total", "Requests whose reply needs no cache.", rpc.number("rc", 2))
        add("file_handles_stale_total", "File handles of files that have gone.", rpc.number("fh", 0))
        add("disk_bytes_read_total", "Bytes read for clients.", rpc.number("io", 0))
        add("disk_bytes_written_total", "Bytes written for clients.", rpc.number("io", 1))
        add("server_threads", "Threads of the server.", rpc.number("th", 0), [], .gauge)
        add("read_ahead_cache_size_blocks", "Size of the read-ahead cache in blocks.", rpc.number("ra", 0), [], .gauge)
        add("read_ahead_cache_not_found_total", "Lookups that the read-ahead cache could not answer.", rpc.number("ra", 11))
        add("packets_total", "Packets of NFS by protocol.", rpc.number("net", 1), [("proto", "udp")])
        add("packets_total", "Packets of NFS by protocol.", rpc.number("net", 2), [("proto", "tcp")])
        add("connections_total", "Connections taken by TCP.", rpc.number("net", 3))
        add("rpc_errors_total", "Calls that were refused, by reason.", rpc.number("rpc", 2), [("error", "fmt")])
        add("rpc_errors_total", "Calls that were refused, by reason.", rpc.number("rpc", 3), [("error", "auth")])
        add("rpc_errors_total", "Calls that were refused, by reason.", rpc.number("rpc", 4), [("error", "cInt")])
        add("server_rpcs_total", "Calls served.", rpc.number("rpc", 0))
        let versions = [
            // Pings are not shown, and the first three operations have no meaning.
            ("2", Procedures.version2.dropFirst(), rpc.counts("proc2").dropFirst()),
            ("3", Procedures.version3.dropFirst(), rpc.counts("proc3").dropFirst()),
            ("4", Procedures.server4[...], rpc.counts("proc4ops").dropFirst(3)),
        ]
        for (version, names, counts) in versions {
            for (name, count) in zip(names, counts) {
                add("requests_total", "Requests by version and procedure.", count, [("method", name), ("proto", version)])
            }
        }
    }
}
