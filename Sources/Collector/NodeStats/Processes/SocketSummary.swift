/// How many TCP sockets a namespace has, by `net/sockstat` and `net/sockstat6`.
///
/// It answers at once, while `net/tcp` goes over all buckets of the machine's table even for a namespace without a socket:
/// 1.7 ms for 262,144 of them on Linux 6.18, against 3 µs.
struct SocketSummary: Equatable {
    /// Sockets in the tables of TCP over IPv4 and over IPv6; nil where the file does not tell.
    var tcp: UInt64?
    var tcp6: UInt64?
    /// Those that wait out their time, of both.
    var waiting: UInt64?

    /// Lines `TCP: inuse 5 orphan 0 tw 7 alloc 5 mem 1` and `TCP6: inuse 2`.
    mutating func parse(_ bytes: [UInt8], count: Int) {
        var offset = 0
        while offset < count {
            if ByteText.starts(bytes, count, offset, "TCP: ") {
                offset += 5
                while let name = ByteText.field(bytes, count, &offset) {
                    ByteText.skipSpaces(bytes, count, &offset)
                    guard let value = ByteText.decimal(bytes, count, &offset) else { break }
                    if ByteText.equals(bytes, name, "inuse") { tcp = value }
                    if ByteText.equals(bytes, name, "tw") { waiting = value }
                }
            } else if ByteText.starts(bytes, count, offset, "TCP6: inuse ") {
                offset += 12
                tcp6 = ByteText.decimal(bytes, count, &offset)
            }
            ByteText.skipLine(bytes, count, &offset)
        }
    }

    var hasNoTCP: Bool { tcp == 0 && waiting == 0 }
    var hasNoTCP6: Bool { tcp6 == 0 && waiting == 0 }
}
