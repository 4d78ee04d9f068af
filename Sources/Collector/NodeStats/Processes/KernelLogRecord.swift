/// One record of `/dev/kmsg`: `PRIORITY,SEQUENCE,MICROSECONDS,FLAGS[,...];TEXT`, then lines ` KEY=VALUE` of its device.
struct KernelLogRecord: Hashable {
    var priority: UInt64
    var sequence: UInt64
    /// Since the machine started, by the kernel's own clock.
    var microseconds: UInt64
    var text: String

    /// Nil if it is no such record. The kernel escapes what is not printable as `\xHH`; that is undone.
    init?(_ bytes: [UInt8], count: Int) {
        var offset = 0
        var numbers: [UInt64] = []
        for _ in 0..<3 {
            guard let value = ByteText.decimal(bytes, count, &offset), offset < count, bytes[offset] == UInt8(ascii: ",") else { return nil }
            numbers.append(value)
            offset += 1
        }
        guard let start = bytes[offset..<count].firstIndex(of: UInt8(ascii: ";")) else { return nil }
        let end = bytes[start..<count].firstIndex(of: ByteText.newline) ?? count
        // The lower three bits are the level, the rest the facility.
        priority = numbers[0] & 7
        sequence = numbers[1]
        microseconds = numbers[2]
        text = Self.unescape(bytes[(start + 1)..<end])
    }

    private static func unescape(_ bytes: ArraySlice<UInt8>) -> String {
        guard bytes.contains(UInt8(ascii: "\\")) else { return String(decoding: bytes, as: UTF8.self) }
        var result: [UInt8] = []
        var rest = bytes
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.count >= 3, rest[rest.startIndex] == UInt8(ascii: "x"),
                let code = UInt8(String(decoding: rest.dropFirst().prefix(2), as: UTF8.self), radix: 16)
            {
                result.append(code)
                rest = rest.dropFirst(3)
            } else {
                result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
