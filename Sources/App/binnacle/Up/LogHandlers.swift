import Glibc
import JSON
import Logging
import Runtime
import Telemetry

/// The program's own log on standard error: a line an event, as text or as JSON.
struct ProgramLog: LogHandler {
    var format: Settings.LogFormat
    var label: String
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .notice
    var clock: any WallClock = SystemClock()

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let merged = metadata.merging(event.metadata ?? [:]) { $1 }
        let time = CivilTime(nanosecondsSinceEpoch: clock.nanoseconds).rfc3339(fractionDigits: 3)
        switch format {
        case .json:
            var line = JSON.object([
                ("time", .string(time)), ("level", .string(event.level.rawValue)), ("logger", .string(label)), ("message", .string("\(event.message)")),
            ])
            for (key, value) in merged.sorted(by: { $0.key < $1.key }) where line[key].isNull { line[key] = .string("\(value)") }
            Output.error(line.description)
        case .text:
            let fields = merged.sorted { $0.key < $1.key }.map { " \($0.key)=\(Self.quoted("\($0.value)"))" }.joined()
            Output.error("\(time) \(event.level.rawValue.uppercased()) \(label): \(event.message)\(fields)")
        }
    }

    private static func quoted(_ text: String) -> String {
        text.contains { $0 == " " || $0 == "\"" || $0.isNewline } ? JSON.string(text).description : text
    }
}

extension Settings.LogLevel {
    var level: Logger.Level {
        switch self {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error: .error
        }
    }
}
