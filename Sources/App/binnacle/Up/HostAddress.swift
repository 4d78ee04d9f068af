import Glibc

enum HostAddress {
    /// The first IPv4 address of an interface that is up and not loopback; 127.0.0.1 without one.
    static let primary: String = {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard unsafe getifaddrs(&list) == 0 else { return "127.0.0.1" }
        defer { unsafe freeifaddrs(list) }
        var next = unsafe list
        while let entry = unsafe next {
            unsafe next = unsafe entry.pointee.ifa_next
            let flags = Int32(bitPattern: unsafe entry.pointee.ifa_flags)
            guard flags & Int32(IFF_UP) != 0, flags & Int32(IFF_LOOPBACK) == 0, let address = unsafe entry.pointee.ifa_addr,
                unsafe address.pointee.sa_family == AF_INET
            else { continue }
            // Our own bridge is a way to the pods, not the node.
            let name = unsafe String(cString: entry.pointee.ifa_name)
            guard !name.hasPrefix("binnacle"), !name.hasPrefix("veth"), !name.hasPrefix("docker") else { continue }
            let bytes = unsafe address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { unsafe $0.pointee.sin_addr.s_addr }
            return "\(bytes & 255).\(bytes >> 8 & 255).\(bytes >> 16 & 255).\(bytes >> 24)"
        }
        return "127.0.0.1"
    }()
}

/// Ends the process at once, without waiting for any task.
func exitNow(_ code: Int32) -> Never { _exit(code) }
