public import Telemetry

/// Where the evaluator reads lines: the embedded store, or another that speaks for it.
///
/// A source applies all of a selection: each row that it gives lies in the range, in a chosen stream, and passes the
/// filters. Rows are ordered by (time, sequence), which is unique.
public protocol LogSource: Sendable {
    /// The first rows of the selection in the direction, after the cursor, at most `limit`, in order.
    func page(_ selection: LogSelection, direction: LogDirection, after cursor: LogCursor?, limit: Int) async throws -> LogPage
    /// Goes over the whole selection in batches of no order, on as many threads as the source likes; each thread
    /// folds its batches into a value of its own.
    func scan<Partial: Sendable>(
        _ selection: LogSelection, into initial: @escaping @Sendable () -> Partial,
        _ fold: @escaping @Sendable (inout Partial, LogRows) throws -> Void
    ) async throws -> (partials: [Partial], statistics: LogStatistics)
    /// Lines and bytes by stream, minute and severity, exactly those in the range, mostly read from counts that were kept when
    /// the lines were written; nil if the selection asks for more than these tell (it has filters, or its ends lie within minutes
    /// and cannot be completed cheaply). A range may begin or end just after a minute's first nanosecond, as windows of LogQL do.
    func counts(_ selection: LogSelection) async throws -> LogCounts?
    /// The labels of the chosen streams that may have lines in the range. The filters are left aside.
    func streams(_ matchers: [Matcher], in range: Range<Int64>) async throws -> [Labels]
}

public enum LogDirection: String, Sendable, Hashable {
    case forward
    case backward
}

/// A row's place in a source: unique, and the same for ever.
public struct LogCursor: Sendable, Hashable, Comparable {
    /// Nanoseconds since 1970.
    public var time: Int64
    /// Rises with each row that the source accepted.
    public var sequence: Int64

    public init(time: Int64, sequence: Int64) {
        self.time = time
        self.sequence = sequence
    }

    public static func < (left: LogCursor, right: LogCursor) -> Bool {
        left.time != right.time ? left.time < right.time : left.sequence < right.sequence
    }
}

/// Which rows a query reads, as far as a store can tell without the later stages of a pipeline.
public struct LogSelection: Sendable {
    /// All must hold on the stream's labels; an empty list is met by every stream.
    public var matchers: [Matcher]
    /// Nanoseconds since 1970, half-open.
    public var range: Range<Int64>
    /// All must hold on the line as it was written: the filters before the first stage that changes lines.
    public var filters: [LineFilter]
    /// Rows of lesser severity are not asked for; rows of unknown severity pass only `.unknown`.
    public var minimumSeverity: LogRecord.Severity = .unknown
    /// Conditions that a later stage will ask anyway, for a store that can answer them without text. A source may heed
    /// any of them or none: the evaluator asks all of them again.
    public var hints: [FieldCondition] = []

    public init(_ matchers: [Matcher], in range: Range<Int64>, filters: [LineFilter] = []) {
        self.matchers = matchers
        self.range = range
        self.filters = filters
    }
}

/// A necessary condition on a field that a parser takes from the line. It says nothing about rows whose stream or fields
/// have a label of this name: there the parsed value gets another name, and these rows must be given.
public struct FieldCondition: Sendable {
    public var parser: FieldParser
    /// The label's name as LogQL has it (nested JSON keys joined with `_`).
    public var field: String
    /// Whether a value of the field can still lead to a row of the result; the empty value is an absent field.
    public var accepts: @Sendable (String) -> Bool

    public init(_ parser: FieldParser, _ field: String, accepts: @escaping @Sendable (String) -> Bool) {
        self.parser = parser
        self.field = field
        self.accepts = accepts
    }
}

public enum FieldParser: Sendable, Hashable {
    case json
    case logfmt
}

/// A batch of rows, of any streams, as columns. What costs to decode is decoded when it is asked for.
public struct LogRows: Sendable {
    /// The streams of the batch's rows, each once.
    public var streams: [Labels]
    /// For each row its index in `streams`.
    public var stream: [Int32]
    /// Nanoseconds since 1970.
    public var times: [Int64]
    public var sequences: [Int64]
    public var severities: [LogRecord.Severity]
    /// For each row what is known beside the line (structured metadata); empty if no row has any.
    public var fields: [Labels]
    /// The lines.
    public var text: @Sendable () throws -> LogText
    /// A field of all rows, if the source has it as a column that says just what the parser would; nil: parse the text.
    public var column: @Sendable (FieldParser, String) throws -> FieldColumn?

    public init(
        streams: [Labels], stream: [Int32], times: [Int64], sequences: [Int64], severities: [LogRecord.Severity], fields: [Labels] = [],
        text: @escaping @Sendable () throws -> LogText, column: @escaping @Sendable (FieldParser, String) throws -> FieldColumn? = { _, _ in nil }
    ) {
        self.streams = streams
        self.stream = stream
        self.times = times
        self.sequences = sequences
        self.severities = severities
        self.fields = fields
        self.text = text
        self.column = column
    }

    public var count: Int { times.count }
}

/// The lines of a batch: row i is `bytes[starts[i]..<ends[i]]`, without a line feed.
public struct LogText: Sendable {
    public var bytes: [UInt8]
    public var starts: [Int]
    public var ends: [Int]

    public init(bytes: [UInt8], starts: [Int], ends: [Int]) {
        self.bytes = bytes
        self.starts = starts
        self.ends = ends
    }
}

/// One field of a batch's rows, with each distinct value once.
public struct FieldColumn: Sendable {
    public var values: [String]
    /// For each row an index in `values`, or -1 where the field is absent.
    public var rows: [Int32]

    public init(values: [String], rows: [Int32]) {
        self.values = values
        self.rows = rows
    }
}

/// One page of rows, in order.
public struct LogPage: Sendable {
    public var rows: LogRows
    /// Give this as the next cursor; nil when there are no more rows.
    public var next: LogCursor?
    public var statistics: LogStatistics

    public init(rows: LogRows, next: LogCursor?, statistics: LogStatistics) {
        self.rows = rows
        self.next = next
        self.statistics = statistics
    }
}

/// Counts of lines by stream, minute and severity.
public struct LogCounts: Sendable {
    public struct Entry: Sendable {
        /// Index in `streams`.
        public var stream: Int32
        /// Minutes since 1970.
        public var minute: Int64
        public var severity: LogRecord.Severity
        public var lines: Int64
        /// Bytes of the lines' text.
        public var bytes: Int64
        /// What of these has exactly the minute's first nanosecond as its time: a window `(start, end]` has it in the minute before.
        public var linesAtStart: Int64
        public var bytesAtStart: Int64

        public init(
            stream: Int32, minute: Int64, severity: LogRecord.Severity, lines: Int64, bytes: Int64, linesAtStart: Int64 = 0, bytesAtStart: Int64 = 0
        ) {
            self.stream = stream
            self.minute = minute
            self.severity = severity
            self.lines = lines
            self.bytes = bytes
            self.linesAtStart = linesAtStart
            self.bytesAtStart = bytesAtStart
        }
    }
    public var streams: [Labels]
    public var entries: [Entry]
    /// The names of all fields that rows of these streams may have beside their lines; nil if that is not known. Only
    /// with them can a grouping by a label that no stream has be answered from counts.
    public var fieldNames: Set<String>?

    public init(streams: [Labels], entries: [Entry], fieldNames: Set<String>? = nil) {
        self.streams = streams
        self.entries = entries
        self.fieldNames = fieldNames
    }
}

/// What reading cost, and what it could not see.
public struct LogStatistics: Sendable, Hashable {
    /// Chunks whose time, streams and severities fit.
    public var chunks = 0
    /// Of these, the ones that an index ruled out unread.
    public var chunksSkipped = 0
    /// Bytes of text that were looked at.
    public var bytes = 0
    /// Rows that were looked at.
    public var lines = 0
    /// Parts that could not be read; the answer lacks their lines. Each in words: which, and why.
    public var damaged: [String] = []

    public init() {}
}
