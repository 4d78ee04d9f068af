/// One line that a program wrote, and who wrote it.
public struct LogRecord: Hashable, Sendable {
    public enum Severity: UInt8, Hashable, Sendable, Comparable, CaseIterable {
        case unknown, trace, debug, info, warning, error, fatal
        public static func < (left: Severity, right: Severity) -> Bool { left.rawValue < right.rawValue }
    }

    /// Nanoseconds since 1970.
    public var time: Int64
    public var severity: Severity
    /// The line without its line feed; any bytes.
    public var body: [UInt8]
    /// What is known of the line beside its text and its stream: trace ids, attributes; Loki's structured metadata.
    public var fields: Labels

    public init(time: Int64, severity: Severity = .unknown, body: [UInt8], fields: Labels = Labels()) {
        self.time = time
        self.severity = severity
        self.body = body
        self.fields = fields
    }
}

/// Records of one stream, cut once by the sender: what is acknowledged or refused as a whole.
public struct LogBatch: Sendable {
    /// Where the bytes of a batch came from, so that a retry after a lost answer is known for what it is.
    public struct Origin: Hashable, Sendable {
        /// The sending node's own identity.
        public var node: String
        /// The file: unique on the node, also after its inode is used again.
        public var file: String
        /// The half-open range of the file's bytes that the records came from.
        public var start: Int64
        public var end: Int64
        public init(node: String, file: String, start: Int64, end: Int64) {
            self.node = node
            self.file = file
            self.start = start
            self.end = end
        }
    }

    /// `namespace`, `pod`, `container`, `stream`, `node`, `pod_uid`, `restart`.
    public var stream: Labels
    public var records: [LogRecord]
    public var origin: Origin?
    /// For each record the offset in the origin's file just after its last byte; empty if it is not known.
    /// With it a batch that overlaps what is stored already is cut between records, not refused.
    public var ends: [Int64]

    public init(stream: Labels, records: [LogRecord], origin: Origin?, ends: [Int64] = []) {
        self.stream = stream
        self.records = records
        self.origin = origin
        self.ends = ends
    }
}
