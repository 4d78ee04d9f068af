public import LogQL
public import Telemetry

extension LineFilter {
    public static func contains(_ text: String, ignoringCase: Bool = false) -> LineFilter {
        LineFilter([.contains(Array(text.utf8), ignoringCase: ignoringCase)])
    }
    public static func notContains(_ text: String, ignoringCase: Bool = false) -> LineFilter {
        LineFilter([.contains(Array(text.utf8), ignoringCase: ignoringCase)], isNegated: true)
    }
}

/// Which lines to find, and in which order.
public struct LogQuery: Sendable {
    public enum Direction: String, Sendable, CaseIterable {
        case newest
        case oldest
    }

    /// All must hold on the stream's labels.
    public var streams: [Matcher]
    /// The first and the last nanosecond that count.
    public var from: Int64
    public var through: Int64
    /// All must hold.
    public var lines: [LineFilter]
    /// Lines of unknown severity pass only `.unknown`.
    public var minimumSeverity: LogRecord.Severity
    /// The most lines in one page.
    public var limit: Int
    public var direction: Direction
    /// Go on after this record: towards older ones for `.newest`, newer ones for `.oldest`.
    public var cursor: LogCursor?

    public init(
        streams: [Matcher] = [], from: Int64 = .min, through: Int64 = .max, lines: [LineFilter] = [],
        minimumSeverity: LogRecord.Severity = .unknown, limit: Int = 1000, direction: Direction = .newest, cursor: LogCursor? = nil
    ) {
        self.streams = streams
        self.from = from
        self.through = through
        self.lines = lines
        self.minimumSeverity = minimumSeverity
        self.limit = limit
        self.direction = direction
        self.cursor = cursor
    }
}

extension LogQuery {
    /// A test of single lines by all that the query asks of them but time: which lines of a context are matches themselves.
    public func lineTest() -> @Sendable (LogLine) -> Bool {
        let matcher = LineMatcher(lines)
        let (streams, minimum) = (streams, minimumSeverity)
        return { line in
            line.severity >= minimum && streams.allSatisfy { $0.accepts(line.stream) } && matcher.matches(line.body)
        }
    }
}

/// A stored line, as a query returns it.
public struct LogLine: Hashable, Sendable {
    public var position: LogCursor
    public var stream: Labels
    public var severity: LogRecord.Severity
    public var body: [UInt8]
    /// What is known of the line beside its text and its stream.
    public var fields: Labels

    public init(position: LogCursor, stream: Labels, severity: LogRecord.Severity, body: [UInt8], fields: Labels = Labels()) {
        self.position = position
        self.stream = stream
        self.severity = severity
        self.body = body
        self.fields = fields
    }

    public var time: Int64 { position.time }
}

/// One page of lines in the query's direction.
public struct LogLinePage: Sendable {
    public var lines: [LogLine]
    /// Give this as the next query's cursor; nil when there are no more lines.
    public var next: LogCursor?
    public var statistics: LogStatistics

    public init(lines: [LogLine], next: LogCursor?, statistics: LogStatistics) {
        self.lines = lines
        self.next = next
        self.statistics = statistics
    }
}
