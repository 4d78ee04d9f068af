/// What one network namespace had done at one moment, read through a process that lives in it.
public struct NetworkReading: Hashable, Sendable {
    public var interfaces: [NetworkCounters] = []
    /// Sockets by state, in the order of `tcpStates`; empty if the set `tcp` is off.
    public var tcp: [UInt64] = []
    public var tcp6: [UInt64] = []
    public var udp: UDP?
    public var udp6: UDP?
    /// The `Tcp:` line of net/snmp and the `TcpExt:` line of net/netstat by the kernel's spelling, in its order;
    /// empty if the set `advtcp` is off. `MaxConn` may be -1.
    public var advanced: [(name: String, value: Int64)] = []

    /// The kernel's numbers 1 to 11, as cAdvisor names them in `tcp_state`.
    public static let tcpStates = [
        "established", "synsent", "synrecv", "finwait1", "finwait2", "timewait", "close", "closewait", "lastack", "listen", "closing",
    ]

    public struct UDP: Hashable, Sendable {
        public var listen: UInt64 = 0
        public var dropped: UInt64 = 0
        public var receiveQueued: UInt64 = 0
        public var transmitQueued: UInt64 = 0
        public init() {}
    }

    public init() {}

    public static func == (a: NetworkReading, b: NetworkReading) -> Bool {
        a.interfaces == b.interfaces && a.tcp == b.tcp && a.tcp6 == b.tcp6 && a.udp == b.udp && a.udp6 == b.udp6
            && a.advanced.elementsEqual(b.advanced) { $0.name == $1.name && $0.value == $1.value }
    }
    public func hash(into hasher: inout Hasher) { hasher.combine(interfaces) }
}
