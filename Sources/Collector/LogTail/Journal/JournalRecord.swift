import Telemetry

/// A journal's entry as a record of a stream.
struct JournalRecord: Hashable, Sendable {
    var stream: Labels
    var record: LogRecord
    /// The journal file's number and the entry's in it, if the cursor tells.
    var sequence: (id: String, number: Int64)?
    var cursor: String
    /// Podman and Docker split long lines; more follows.
    var isPartial: Bool

    static func == (left: JournalRecord, right: JournalRecord) -> Bool { left.cursor == right.cursor && left.record == right.record }
    func hash(into hasher: inout Hasher) { hasher.combine(cursor) }

    /// Facts beside the line that are worth their bytes.
    private static let fields: [(journal: String, name: String)] = [
        ("_PID", "pid"), ("_UID", "uid"), ("_COMM", "comm"), ("CODE_FILE", "code_file"), ("CODE_LINE", "code_line"), ("CODE_FUNC", "code_func"),
        ("ERRNO", "errno"), ("MESSAGE_ID", "message_id"), ("COREDUMP_EXE", "coredump_exe"), ("USER_UNIT", "user_unit"), ("OBJECT_PID", "object_pid"),
    ]

    /// nil of an entry without a message.
    init?(_ entry: ExportParser.Entry, node: String, labels: [String: String]) {
        guard let message = entry.fields["MESSAGE"], let cursor = entry.text("__CURSOR") else { return nil }
        self.cursor = cursor
        let source = entry.text("_SOURCE_REALTIME_TIMESTAMP") ?? entry.text("__REALTIME_TIMESTAMP")
        let time = source.flatMap { Int64($0) }.map { $0.multipliedReportingOverflow(by: 1000) }
        var severity = LogRecord.Severity.unknown
        if let priority = entry.text("PRIORITY").flatMap({ Int($0) }), (0...7).contains(priority) {
            severity = [.fatal, .fatal, .fatal, .error, .warning, .info, .info, .debug][priority]
        }
        var pairs: [(String, String)] = [("job", "journal"), ("node", node)]
        func put(_ name: String, _ key: String) { if let value = entry.text(key) { pairs.append((name, value)) } }
        put("transport", "_TRANSPORT")
        put("unit", "_SYSTEMD_UNIT")
        put("identifier", "SYSLOG_IDENTIFIER")
        // The journald drivers of Podman and Docker.
        put("container", "CONTAINER_NAME")
        put("image", "IMAGE_NAME")
        if let id = entry.text("CONTAINER_ID_FULL") ?? entry.text("CONTAINER_ID") { pairs.append(("container_id", String(id.prefix(12)))) }
        stream = Labels(pairs + labels.map { ($0.key, $0.value) })
        isPartial = entry.text("CONTAINER_PARTIAL_MESSAGE") == "true"
        var beside: [(String, String)] = Self.fields.compactMap { field in entry.text(field.journal).map { (field.name, String($0.prefix(4096))) } }
        if entry.isTruncated { beside.append(("truncated", "true")) }
        record = LogRecord(time: time.flatMap { $0.overflow ? nil : $0.partialValue } ?? 0, severity: severity, body: message, fields: Labels(beside))
        // s=FILE;i=NUMBER;b=BOOT;...
        var parts: [Substring: Substring] = [:]
        for part in cursor.split(separator: ";") {
            let pair = part.split(separator: "=", maxSplits: 1)
            if pair.count == 2 { parts[pair[0]] = pair[1] }
        }
        if let id = parts["s"], let number = parts["i"].flatMap({ Int64($0, radix: 16) }) { sequence = (String(id), number) }
    }
}
