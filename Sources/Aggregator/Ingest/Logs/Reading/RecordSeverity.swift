import LogParsing
import Telemetry

/// How grave a record is, by the evidence beside its text first.
enum RecordSeverity {
    private static let names: Set<String> = ["level", "severity", "lvl", "loglevel", "log_level", "levelname", "detected_level", "@l", "log.level"]

    /// Whether a field of this name says it.
    static func isLevel(_ name: String) -> Bool { names.contains(name) || (name.utf8.count <= 14 && names.contains(name.lowercased())) }

    static func of(_ fields: Labels) -> LogRecord.Severity? {
        for label in fields.list where isLevel(label.name) {
            if let severity = SeverityDetector.value(Array(label.value.utf8)[...]) { return severity }
        }
        return nil
    }

    /// OpenTelemetry's numbers, 1 to 24 in steps of four.
    static func ofNumber(_ number: Int) -> LogRecord.Severity? {
        switch number {
        case 1...4: .trace
        case 5...8: .debug
        case 9...12: .info
        case 13...16: .warning
        case 17...20: .error
        case 21...24: .fatal
        default: nil
        }
    }
}
