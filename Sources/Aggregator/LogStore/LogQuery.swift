public import Pattern
public import Telemetry

/// Where a record stands in the store's total order: by time, then by arrival. Unique in a store, and the same for ever.
public struct LogPosition: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Nanoseconds since 1970.
    public var time: Int64
    /// Rises with each record that the store accepts.
    public var sequence: Int64

    public init(time: Int64, sequence: Int64) {
        self.time = time
        self.sequence = sequence
    }

    public static func < (left: LogPosition, right: LogPosition) -> Bool {
        left.time != right.time ? left.time < right.time : left.sequence < right.sequence
    }

    /// `TIME-SEQUENCE` in decimal: the `id` and the cursor of the API. Opaque to clients.
    public var description: String { "\(time)-\(sequence)" }

    public init?(_ text: String) {
        // A leading minus belongs to a time before 1970.
        guard let dash = text.lastIndex(of: "-"), let time = Int64(text[..<dash]), let sequence = Int64(text[text.index(after: dash)...]),
            sequence >= 0
        else { return nil }
        self.init(time: time, sequence: sequence)
    }
}

/// A condition on the text of a line.
public struct LineFilter: Sendable {
    public enum Condition: Sendable {
        case contains([UInt8])
        case notContains([UInt8])
        case matches(Pattern)
        case notMatches(Pattern)
    }
    public var condition: Condition
    /// ASCII letters match either case. A pattern carries its own choice; for it this is ignored.
    public var ignoringCase: Bool

    public init(_ condition: Condition, ignoringCase: Bool = false) {
        self.condition = condition
        self.ignoringCase = ignoringCase
    }

    public static func contains(_ text: String, ignoringCase: Bool = false) -> LineFilter {
        LineFilter(.contains(Array(text.utf8)), ignoringCase: ignoringCase)
    }
    public static func notContains(_ text: String, ignoringCase: Bool = false) -> LineFilter {
        LineFilter(.notContains(Array(text.utf8)), ignoringCase: ignoringCase)
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
    public var cursor: LogPosition?

    public init(
        streams: [Matcher] = [], from: Int64 = .min, through: Int64 = .max, lines: [LineFilter] = [],
        minimumSeverity: LogRecord.Severity = .unknown, limit: Int = 1000, direction: Direction = .newest, cursor: LogPosition? = nil
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
    public var position: LogPosition
    public var stream: Labels
    public var severity: LogRecord.Severity
    public var body: [UInt8]
    /// What is known of the line beside its text and its stream.
    public var fields: Labels

    public init(position: LogPosition, stream: Labels, severity: LogRecord.Severity, body: [UInt8], fields: Labels = Labels()) {
        self.position = position
        self.stream = stream
        self.severity = severity
        self.body = body
        self.fields = fields
    }

    public var time: Int64 { position.time }
}

/// What a query cost and what it could not see.
public struct LogStatistics: Hashable, Sendable {
    /// Chunks whose time, streams and severities fit.
    public var chunks = 0
    /// Of these, the ones that the gram signature ruled out unread.
    public var chunksSkipped = 0
    /// Bytes of text that were searched.
    public var bytesSearched = 0
    public var linesMatched = 0
    /// Chunks that could not be read: their checksum or form is wrong. The answer lacks their lines.
    public var chunksDamaged = 0

    public init() {}

    /// Adds the cost of another page.
    public mutating func add(_ other: LogStatistics) {
        chunks += other.chunks
        chunksSkipped += other.chunksSkipped
        bytesSearched += other.bytesSearched
        linesMatched += other.linesMatched
        chunksDamaged += other.chunksDamaged
    }
}

/// One page of lines in the query's direction.
public struct LogPage: Sendable {
    public var lines: [LogLine]
    /// Give this as the next query's cursor; nil when there are no more lines.
    public var next: LogPosition?
    public var statistics: LogStatistics

    public init(lines: [LogLine], next: LogPosition?, statistics: LogStatistics) {
        self.lines = lines
        self.next = next
        self.statistics = statistics
    }
}
