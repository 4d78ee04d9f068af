import LogParsing
import Telemetry

/// Makes records of syslog's messages. What is no message of a known form is kept as it came.
struct SyslogRecords {
    private(set) var gatherer = BatchGatherer()
    private let limits: LogIngestLimits
    private let now: Int64

    init(limits: LogIngestLimits, now: Int64) {
        self.limits = limits
        self.now = now
    }

    /// - Parameter peer: the sender's address, which is the host of a message that names none.
    mutating func add(_ datagram: [UInt8], from peer: String) {
        var bytes = datagram[...]
        while let last = bytes.last, last == 0x0A || last == 0x0D || last == 0 { bytes.removeLast() }
        guard !bytes.isEmpty else { return }
        var labels = Labels(["job": "syslog"])
        guard let message = SyslogMessage.parse(bytes) else {
            // RFC 3164 section 4.3.3: of the user, a notice.
            labels["host"] = peer
            gatherer.add(
                LogRecord(time: now, severity: SeverityDetector.detect(bytes), body: Array(bytes), fields: ["facility": "user", "level": "notice"]),
                to: gatherer.stream(labels))
            return
        }
        labels["host"] = message.host ?? peer
        labels["app"] = message.application ?? ""
        var pairs = [("facility", SyslogMessage.facilities[message.facility]), ("level", SyslogMessage.levels[message.level])]
        if let process = message.process { pairs.append(("pid", process)) }
        if let id = message.messageID { pairs.append(("msgid", id)) }
        for field in message.data.prefix(limits.fieldsPerRecord) { pairs.append(("sd.\(field.name)", field.value)) }
        gatherer.add(
            LogRecord(
                time: message.stamp?.nanoseconds(near: now) ?? now, severity: message.severity, body: Array(message.text), fields: Labels(pairs)),
            to: gatherer.stream(labels))
    }
}
