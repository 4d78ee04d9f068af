/// Finds syslog's messages in a stream: each with its length in front (`LEN SP MSG`, RFC 6587 section 3.4.1), or each with a
/// line feed or a NUL behind it. Told apart for each message by its beginning.
struct SyslogFramer {
    private var buffer: [UInt8] = []
    /// How far the buffer has been searched for a line's end.
    private var searched = 0
    /// The rest of a line that was cut off is being dropped.
    private var isDropping = false
    /// Messages that were cut off at the limit.
    private(set) var cut = 0
    private let limit: Int

    /// Bytes that wait for the rest of their message.
    var waiting: Int { buffer.count }

    init(limit: Int) { self.limit = limit }

    /// The messages that are whole with these bytes. Throws if a length is beyond the limit.
    mutating func add(_ bytes: [UInt8]) throws(IngestError) -> [[UInt8]] {
        buffer += bytes
        var messages: [[UInt8]] = []
        var start = 0
        while start < buffer.count {
            if !isDropping, let counted = try counted(from: start) {
                guard counted.upperBound <= buffer.count else { break }
                messages.append(Array(buffer[counted]))
                start = counted.upperBound
                searched = start
                continue
            }
            guard let end = buffer[max(start, searched)...].firstIndex(where: { $0 == 0x0A || $0 == 0 }) else {
                searched = buffer.count
                if isDropping {
                    start = buffer.count
                } else if buffer.count - start > limit {
                    messages.append(Array(buffer[start..<start + limit]))
                    cut += 1
                    isDropping = true
                    start = buffer.count
                }
                break
            }
            if !isDropping { append(buffer[start..<end], to: &messages) }
            isDropping = false
            start = end + 1
            searched = start
        }
        buffer.removeFirst(start)
        searched = max(0, searched - start)
        return messages
    }

    /// What is left when the sender has ended: a last line without its end.
    mutating func finish() -> [[UInt8]] {
        var messages: [[UInt8]] = []
        if !isDropping { append(buffer[...], to: &messages) }
        buffer = []
        return messages
    }

    private mutating func append(_ line: ArraySlice<UInt8>, to messages: inout [[UInt8]]) {
        var line = line
        if line.last == 0x0D { line = line.dropLast() }
        if line.count > limit {
            line = line.prefix(limit)
            cut += 1
        }
        if !line.isEmpty { messages.append(Array(line)) }
    }

    /// The place of a message with its length in front; nil if it has none, or the length itself is not whole.
    private func counted(from start: Int) throws(IngestError) -> Range<Int>? {
        guard (UInt8(ascii: "1")...UInt8(ascii: "9")).contains(buffer[start]) else { return nil }
        var length = 0
        var offset = start
        while offset < buffer.count, offset - start < 10, buffer[offset] &- 48 < 10 {
            length = length * 10 + Int(buffer[offset] - 48)
            offset += 1
        }
        // Digits alone may go on; a line that begins with digits is told by what follows them.
        guard offset < buffer.count else { return offset - start < 10 ? start..<buffer.count + 1 : nil }
        guard buffer[offset] == 0x20, offset + 1 >= buffer.count || buffer[offset + 1] == UInt8(ascii: "<") else { return nil }
        guard length <= limit else { throw IngestError(413, "a syslog message of \(length) bytes, the limit is \(limit)") }
        return offset + 1..<offset + 1 + length
    }
}
