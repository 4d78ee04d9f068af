/// Reads `net/snmp` and `net/netstat`: pairs of lines, names first, then values, both after `Tcp: `.
///
/// The names of a kernel do not change while it runs, so they are made into Strings once and compared by bytes after that.
struct ProtocolCounters {
    private let prefix: StaticString
    private var heading: [UInt8] = []
    private var names: [String] = []

    /// `prefix` with its colon: `Tcp:`, `TcpExt:`.
    init(_ prefix: StaticString) { self.prefix = prefix }

    /// Appends the counters in the kernel's order. A name without a value, or a value that is no number, is left out.
    mutating func parse(_ bytes: [UInt8], count: Int, into result: inout [(name: String, value: Int64)]) {
        var offset = 0
        while offset < count {
            guard ByteText.starts(bytes, count, offset, prefix) else {
                ByteText.skipLine(bytes, count, &offset)
                continue
            }
            let start = offset + prefix.utf8CodeUnitCount
            ByteText.skipLine(bytes, count, &offset)
            learn(bytes, start..<offset)
            guard ByteText.starts(bytes, count, offset, prefix) else { return }
            offset += prefix.utf8CodeUnitCount
            for name in names {
                guard let field = ByteText.field(bytes, count, &offset) else { return }
                var position = field.lowerBound
                if let value = ByteText.signed(bytes, field.upperBound, &position), position == field.upperBound {
                    result.append((name, value))
                }
            }
            return
        }
    }

    private mutating func learn(_ bytes: [UInt8], _ line: Range<Int>) {
        guard !heading.elementsEqual(bytes[line]) else { return }
        heading = Array(bytes[line])
        names = []
        var offset = 0
        while let field = ByteText.field(heading, heading.count, &offset) { names.append(ByteText.text(heading, field)) }
    }
}
