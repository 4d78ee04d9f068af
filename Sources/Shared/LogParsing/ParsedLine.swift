public import Telemetry

/// The form of a line of text.
public enum LineForm: String, Hashable, Sendable, CaseIterable {
    /// One JSON object.
    case json
    /// Kubernetes' own components: `I1124 08:48:41.123456   1 main.go:1] text`.
    case klog
    /// NCSA common or combined form, of nginx and Apache.
    case access
    /// The error logs of nginx and Apache.
    case webError = "web_error"
    case logfmt
    /// RFC 5424 or RFC 3164, with its priority.
    case syslog
    /// A time stamp, perhaps a level, a text.
    case stamped
    /// None of these.
    case raw
}

/// What a line says of itself.
public struct ParsedLine: Hashable, Sendable {
    public struct Field: Hashable, Sendable {
        public var name: String
        public var value: String
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    public var form: LineForm
    public var stamp: LineStamp?
    public var severity: LogRecord.Severity
    /// The text proper; the whole line if the form has no such part.
    public var message: String
    public var fields: [Field]

    public init(form: LineForm, stamp: LineStamp? = nil, severity: LogRecord.Severity = .unknown, message: String = "", fields: [Field] = []) {
        self.form = form
        self.stamp = stamp
        self.severity = severity
        self.message = message
        self.fields = fields
    }

    /// The first field of that name.
    public subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
}

extension ArraySlice<UInt8> {
    /// As UTF-8; what is not is replaced.
    var text: String { String(decoding: self, as: UTF8.self) }
}
