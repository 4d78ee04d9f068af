/// Reads the journal's export format (systemd's "Journal Export Formats"): fields as `NAME=text`, or as the name alone, eight
/// bytes of length, and any bytes; an empty line ends an entry.
public struct ExportParser: Sendable {
    public struct Entry: Hashable, Sendable {
        public var fields: [String: [UInt8]] = [:]
        /// A field was longer than the bound and is cut.
        public var isTruncated = false
        public func text(_ name: String) -> String? { fields[name].map { String(decoding: $0, as: UTF8.self) } }
    }

    private let maximumField: Int
    private let maximumFields = 1024
    private var buffer: [UInt8] = []
    private var start = 0
    private var entry = Entry()
    /// Of a long binary field, how many bytes are still to be passed over; then its line feed.
    private var skipping: UInt64 = 0

    public init(maximumField: Int = 1 << 20) { self.maximumField = maximumField }

    /// Takes more bytes and returns the entries that they complete.
    public mutating func feed(_ bytes: some Sequence<UInt8>) -> [Entry] {
        buffer.removeFirst(start)
        start = 0
        buffer += bytes
        var entries: [Entry] = []
        while true {
            if skipping > 0 {
                let count = Int(min(skipping, UInt64(buffer.count - start)))
                start += count
                skipping -= UInt64(count)
                if skipping > 0 { break }
            }
            guard let feed = buffer[start...].firstIndex(of: 0x0A) else {
                // A text field without end: its beginning is kept.
                if buffer.count - start > maximumField {
                    if !entry.isTruncated { text(buffer[start..<start + maximumField]) }
                    entry.isTruncated = true
                    start = buffer.count
                }
                break
            }
            let line = buffer[start..<feed]
            if line.isEmpty {
                start = feed + 1
                if !entry.fields.isEmpty { entries.append(entry) }
                entry = Entry()
            } else if line.contains(UInt8(ascii: "=")) {
                start = feed + 1
                text(line)
            } else if !binary(String(decoding: line, as: UTF8.self), after: feed + 1) {
                break
            }
        }
        return entries
    }

    private mutating func text(_ line: ArraySlice<UInt8>) {
        guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else { return }
        put(String(decoding: line[..<equals], as: UTF8.self), Array(line[(equals + 1)...]))
    }

    private mutating func put(_ name: String, _ value: [UInt8]) {
        guard entry.fields.count < maximumFields, !name.isEmpty, name.utf8.count <= 64 else { return }
        entry.fields[name] = value
    }

    /// Returns whether the field was whole.
    private mutating func binary(_ name: String, after index: Int) -> Bool {
        guard buffer.count - index >= 8 else { return false }
        var size: UInt64 = 0
        for byte in buffer[index..<index + 8].reversed() { size = size << 8 | UInt64(byte) }
        let begin = index + 8
        if size > UInt64(maximumField) {
            // Its beginning, then the rest is passed over, whatever length it claims.
            guard buffer.count - begin >= maximumField else { return false }
            put(name, Array(buffer[begin..<begin + maximumField]))
            entry.isTruncated = true
            start = begin + maximumField
            // With its line feed.
            skipping = size - UInt64(maximumField) &+ 1
            return true
        }
        guard buffer.count - begin > Int(size) else { return false }
        put(name, Array(buffer[begin..<begin + Int(size)]))
        start = begin + Int(size) + 1
        return true
    }
}
