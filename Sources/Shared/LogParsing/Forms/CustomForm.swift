public import Pattern
import Telemetry

/// A form that a user describes: a regular expression with named groups, or one written with Grok's names,
/// `%{IPORHOST:client} %{NUMBER:seconds:float}`. Groups called `time`, `level` and `message` say what they say.
public struct CustomForm: Hashable, Sendable {
    public let pattern: Pattern

    /// `definitions` are names of the user's own, which may use others.
    public init(_ expression: String, definitions: [String: String] = [:]) throws(PatternError) {
        pattern = try Pattern(try GrokNames.expanded(expression, definitions))
    }

    /// nil if the line does not match.
    public func parse(_ line: ArraySlice<UInt8>) -> ParsedLine? {
        let bytes = Array(line)
        guard let groups = pattern.groups(in: bytes) else { return nil }
        var parsed = ParsedLine(form: .raw, message: line.text)
        for (name, range) in zip(pattern.groupNames, groups) {
            guard let name, let range else { continue }
            switch name {
            case "time", "timestamp": parsed.stamp = StampScanner.whole(bytes[range])
            case "level", "severity": parsed.severity = SeverityDetector.value(bytes[range]) ?? .unknown
            case "message", "msg": parsed.message = bytes[range].text
            default: break
            }
            parsed.fields.append(.init(name, bytes[range].text))
        }
        if parsed.severity == .unknown { parsed.severity = SeverityDetector.detect(line) }
        return parsed
    }
}

/// The names that Grok users know, as expressions of our own in RE2's language, and their replacement.
enum GrokNames {
    private static let known: [String: String] = [
        "WORD": #"\w+"#, "NOTSPACE": #"\S+"#, "SPACE": #"\s*"#, "DATA": ".*?", "GREEDYDATA": ".*", "INT": #"[+-]?\d+"#, "POSINT": #"[1-9]\d*"#,
        "NONNEGINT": #"\d+"#, "NUMBER": #"[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?"#, "BASE16NUM": "(?:0[xX])?[0-9A-Fa-f]+",
        "QUOTEDSTRING": #""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"#, "QS": "%{QUOTEDSTRING}",
        "UUID": "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", "IPV4": #"(?:\d{1,3}\.){3}\d{1,3}"#,
        "IPV6": "(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?:%{IPV4})?", "IP": "%{IPV4}|%{IPV6}", "HOSTNAME": #"[0-9A-Za-z](?:[0-9A-Za-z_.-]*[0-9A-Za-z])?"#,
        "IPORHOST": "%{IP}|%{HOSTNAME}", "HOSTPORT": "(?:%{IPORHOST}):%{POSINT}", "MAC": "(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}",
        "USERNAME": "[0-9A-Za-z._-]+", "USER": "%{USERNAME}", "EMAILADDRESS": #"[0-9A-Za-z._%+-]+@[0-9A-Za-z.-]+"#, "UNIXPATH": #"(?:/[^\s/]*)+"#,
        "PATH": "%{UNIXPATH}", "URIPROTO": "[A-Za-z][0-9A-Za-z+.-]*", "URIPATH": #"(?:/[^\s?#]*)+"#, "URIPARAM": #"\?[^\s#]*"#,
        "URIPATHPARAM": "%{URIPATH}(?:%{URIPARAM})?", "URI": #"%{URIPROTO}://[^\s/]*(?:%{URIPATHPARAM})?"#, "LOGLEVEL": "[A-Za-z]{1,13}",
        "YEAR": #"\d{4}"#, "MONTH": "[A-Z][a-z]{2,8}", "MONTHNUM": "0?[1-9]|1[0-2]", "MONTHDAY": "0?[1-9]|[12][0-9]|3[01]", "DAY": "[A-Z][a-z]{2,8}",
        "HOUR": "[01]?[0-9]|2[0-3]", "MINUTE": "[0-5][0-9]", "SECOND": #"[0-6]?[0-9](?:[.,]\d+)?"#, "TIME": #"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?"#,
        "ISO8601_TIMEZONE": #"Z|[+-]\d{2}(?::?\d{2})?"#, "TIMESTAMP_ISO8601": #"\d{4}-\d{2}-\d{2}[T ]%{TIME}(?:%{ISO8601_TIMEZONE})?"#,
        "SYSLOGTIMESTAMP": #"[A-Z][a-z]{2} +\d{1,2} %{TIME}"#, "HTTPDATE": #"\d{2}/[A-Z][a-z]{2}/\d{4}:%{TIME} [+-]\d{4}"#, "PROG": "[^\\s\\[\\]:]+",
        "SYSLOGPROG": #"%{PROG:program}(?:\[%{POSINT:pid}\])?"#,
    ]

    /// The expression without Grok's names. A name that is not known, and one that leads to itself, is refused with its place.
    static func expanded(_ expression: String, _ definitions: [String: String], depth: Int = 0) throws(PatternError) -> String {
        var result = ""
        var rest = expression[...]
        while let open = rest.firstRange(of: "%{") {
            result += rest[..<open.lowerBound]
            let offset = expression.utf8.distance(from: expression.startIndex, to: open.lowerBound)
            guard let close = rest[open.upperBound...].firstIndex(of: "}") else { throw PatternError(offset: offset, message: "%{ is not closed by }") }
            let parts = rest[open.upperBound..<close].split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard let definition = definitions[parts[0]] ?? known[parts[0]] else {
                throw PatternError(offset: offset, message: "%{\(parts[0])} is no known name; define it under `patterns`")
            }
            guard depth < 12 else { throw PatternError(offset: offset, message: "%{\(parts[0])} leads back to itself") }
            let inner = try expanded(definition, definitions, depth: depth + 1)
            if parts.count > 1, !parts[1].isEmpty {
                let name = String(parts[1].map { $0.isLetter && $0.isASCII || $0.isNumber && $0.isASCII ? $0 : "_" })
                result += "(?P<\(name)>\(inner))"
            } else {
                result += "(?:\(inner))"
            }
            rest = rest[rest.index(after: close)...]
        }
        return result + rest
    }
}
