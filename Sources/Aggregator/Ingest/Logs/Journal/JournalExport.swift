import LogParsing
import ProtoWire
import Telemetry

/// Reads the journal's export format, as `systemd-journal-upload` sends it and `journalctl -o export` prints it.
///
/// A field is `NAME=value` and a line feed; or, for any bytes, `NAME`, a line feed, a length of 64 bits (low byte first), that
/// many bytes and a line feed. An empty line ends an entry. (systemd.io, "Journal Export Formats".)
struct JournalExport {
    /// An entry's record, and the cursor by which it is known again.
    struct Entry {
        var stream: Labels
        var record: LogRecord
        var cursor: String
    }

    private(set) var entries: [Entry] = []
    private let limits: LogIngestLimits
    private let now: Int64

    init(limits: LogIngestLimits, now: Int64) {
        self.limits = limits
        self.now = now
    }

    /// Fields that are the stream's labels.
    private static let labels = ["_HOSTNAME": "host", "_SYSTEMD_UNIT": "unit", "SYSLOG_IDENTIFIER": "app", "_TRANSPORT": "transport"]

    mutating func read(_ bytes: Span<UInt8>) throws(IngestError) {
        var offset = 0
        var fields: [(name: String, value: Range<Int>)] = []
        while offset < bytes.count {
            let start = offset
            while offset < bytes.count, bytes[offset] != 0x0A, bytes[offset] != UInt8(ascii: "=") { offset += 1 }
            if offset == start, bytes[offset] == 0x0A {
                offset += 1
                try end(bytes, &fields)
                continue
            }
            guard offset < bytes.count else { throw Self.malformed(start, "a field without a value") }
            guard (1...64).contains(offset - start) else { throw Self.malformed(start, "a field's name of \(offset - start) bytes, the limit is 64") }
            let name = String(copying: bytes, start..<offset)
            guard fields.count < limits.fieldsPerRecord else { throw Self.malformed(start, "an entry of more than \(limits.fieldsPerRecord) fields") }
            offset += 1
            if bytes[offset - 1] == UInt8(ascii: "=") {
                let value = offset
                while offset < bytes.count, bytes[offset] != 0x0A { offset += 1 }
                fields.append((name, value..<offset))
                offset += 1
            } else {
                guard bytes.count - offset >= 8 else { throw Self.malformed(start, "the text ends inside the length of \(name)") }
                var length: UInt64 = 0
                for index in 0..<8 { length |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
                offset += 8
                guard length < UInt64(bytes.count - offset) else {
                    throw Self.malformed(start, "\(name) says that it has \(length) bytes, and fewer are there")
                }
                let end = offset + Int(length)
                guard bytes[end] == 0x0A else { throw Self.malformed(end, "no line feed behind the bytes of \(name)") }
                fields.append((name, offset..<end))
                offset = end + 1
            }
        }
        try end(bytes, &fields)
    }

    private static func malformed(_ offset: Int, _ reason: String) -> IngestError {
        IngestError(400, "the body is no journal in export format: byte \(offset): \(reason)")
    }

    private mutating func end(_ bytes: Span<UInt8>, _ fields: inout [(name: String, value: Range<Int>)]) throws(IngestError) {
        guard !fields.isEmpty else { return }
        defer { fields = [] }
        var labels = Labels(["job": "journald"])
        var pairs: [(String, String)] = []
        var entry = Entry(stream: Labels(), record: LogRecord(time: now, body: []), cursor: "")
        var priority: LogRecord.Severity?
        for (name, value) in fields {
            switch name {
            case "MESSAGE":
                guard value.count <= limits.lineBytes else {
                    throw Self.malformed(value.lowerBound, "a message of \(value.count) bytes, the limit is \(limits.lineBytes)")
                }
                entry.record.body = [UInt8](copying: bytes, value)
            case "__REALTIME_TIMESTAMP":
                guard let microseconds = Int64(String(copying: bytes, value)), case let (time, overflow) = microseconds.multipliedReportingOverflow(by: 1000),
                    !overflow
                else { throw Self.malformed(value.lowerBound, "__REALTIME_TIMESTAMP is no number of microseconds") }
                entry.record.time = time
            case "__CURSOR": entry.cursor = String(copying: bytes, value)
            case "PRIORITY":
                priority = value.count == 1 ? Self.severity(bytes[value.lowerBound] &- 48) : nil
                pairs.append((name, String(copying: bytes, value)))
            case _ where name.hasPrefix("__"): break
            case _ where Self.labels[name] != nil && value.count <= limits.labelBytes: labels[Self.labels[name] ?? name] = String(copying: bytes, value)
            default: pairs.append((name, String(copying: bytes, value)))
            }
        }
        entry.record.severity = priority ?? SeverityDetector.detect(entry.record.body[...])
        entry.record.fields = Labels(pairs)
        entry.stream = labels
        entries.append(entry)
    }

    /// Of syslog's priorities.
    private static func severity(_ priority: UInt8) -> LogRecord.Severity? {
        switch priority {
        case 0...2: .fatal
        case 3: .error
        case 4: .warning
        case 5, 6: .info
        case 7: .debug
        default: nil
        }
    }
}
