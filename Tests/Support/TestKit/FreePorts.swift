import Glibc

public enum FreePorts {
    /// Here the kernel begins to give ports to clients, which could take a free one at any moment.
    private static let firstOfClients = 32_768

    /// An offset by which each of the given ports can be moved to one that is free on loopback now.
    public static func offset(for ports: [Int]) -> Int {
        for _ in 0..<200 {
            let offset = Int.random(in: 1000..<firstOfClients - (ports.max() ?? 0))
            if ports.allSatisfy({ isFree($0 + offset) }) { return offset }
        }
        preconditionFailure("no free ports")
    }

    public static func isFree(_ port: Int) -> Bool {
        guard (1...65_535).contains(port) else { return false }
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
        }
    }
}
