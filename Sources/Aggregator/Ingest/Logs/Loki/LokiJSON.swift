import LogParsing
import ProtoWire
import Telemetry

/// Reads a push in its JSON form:
/// `{"streams": [{"stream": {"app": "web"}, "values": [["1700000000000000000", "a line", {"trace": "1"}]]}]}`,
/// or the older one with `labels` as a text and `entries` of `ts` and `line`.
struct LokiJSON {
    private(set) var gatherer = BatchGatherer()
    private let limits: LogIngestLimits
    private var metadata: [(String, String)] = []

    init(limits: LogIngestLimits) { self.limits = limits }

    mutating func read(_ bytes: Span<UInt8>) throws(IngestError) {
        var cursor = JSONCursor(bytes)
        do throws(JSONProblem) {
            try cursor.expect(UInt8(ascii: "{"), bytes)
        } catch {
            throw IngestError(400, "the body is no push request: \(error)")
        }
        let result = try members(&cursor, bytes) { (reader, cursor, name) throws(IngestError) in
            guard name == "streams" else { return false }
            try reader.elements(&cursor, bytes, "streams") { (reader, cursor) throws(IngestError) in try reader.stream(&cursor, bytes) }
            return true
        }
        guard result, cursor.peek(bytes) == 0, cursor.offset == cursor.end else { throw Self.malformed(cursor.problem("expected the document's end")) }
    }

    private static func malformed(_ problem: JSONProblem) -> IngestError { IngestError(400, "the body is no JSON: \(problem)") }

    // MARK: Structure

    /// Behind an object's `{`: asks `each` for every member, which takes the value or says that it does not want it.
    private mutating func members(
        _ cursor: inout JSONCursor, _ bytes: Span<UInt8>, _ each: (inout Self, inout JSONCursor, String) throws(IngestError) -> Bool
    ) throws(IngestError) -> Bool {
        if cursor.take(UInt8(ascii: "}"), bytes) { return true }
        while true {
            let name: String
            do throws(JSONProblem) {
                cursor.skipSpace(bytes)
                let (range, isEscaped) = try cursor.string(bytes)
                name = try JSONText.string(bytes, range, isEscaped: isEscaped)
                try cursor.expect(UInt8(ascii: ":"), bytes)
            } catch {
                throw Self.malformed(error)
            }
            if try !each(&self, &cursor, name) {
                do throws(JSONProblem) { _ = try cursor.value(bytes, depth: limits.depth) } catch { throw Self.malformed(error) }
            }
            if cursor.take(UInt8(ascii: ","), bytes) { continue }
            do throws(JSONProblem) { try cursor.expect(UInt8(ascii: "}"), bytes) } catch { throw Self.malformed(error) }
            return true
        }
    }

    private mutating func elements(
        _ cursor: inout JSONCursor, _ bytes: Span<UInt8>, _ what: String, _ each: (inout Self, inout JSONCursor) throws(IngestError) -> Void
    ) throws(IngestError) {
        guard cursor.take(UInt8(ascii: "["), bytes) else { throw Self.malformed(cursor.problem("\(what) is no list")) }
        if cursor.take(UInt8(ascii: "]"), bytes) { return }
        while true {
            try each(&self, &cursor)
            if cursor.take(UInt8(ascii: ","), bytes) { continue }
            do throws(JSONProblem) { try cursor.expect(UInt8(ascii: "]"), bytes) } catch { throw Self.malformed(error) }
            return
        }
    }

    // MARK: Streams

    private mutating func stream(_ cursor: inout JSONCursor, _ bytes: Span<UInt8>) throws(IngestError) {
        guard cursor.take(UInt8(ascii: "{"), bytes) else { throw Self.malformed(cursor.problem("a stream is no object")) }
        var labels: Labels?
        // Lines that come before their labels.
        var waiting: [(isOld: Bool, cursor: JSONCursor)] = []
        _ = try members(&cursor, bytes) { (reader, cursor, name) throws(IngestError) in
            switch name {
            case "stream":
                labels = Labels(try reader.pairs(&cursor, bytes, "the labels of a stream"))
                return true
            case "labels":
                do throws(JSONProblem) {
                    cursor.skipSpace(bytes)
                    let (range, isEscaped) = try cursor.string(bytes)
                    let text = try JSONText.bytes(bytes, range, isEscaped: isEscaped)
                    do throws(IngestError) { labels = try LokiLabels.parse(text) } catch { throw JSONProblem(offset: cursor.offset, message: error.reason) }
                } catch {
                    throw IngestError(400, error.message)
                }
                return true
            case "values", "entries":
                let isOld = name == "entries"
                guard let labels else {
                    cursor.skipSpace(bytes)
                    waiting.append((isOld, cursor))
                    return false
                }
                try reader.lines(&cursor, bytes, labels, isOld: isOld)
                return true
            default: return false
            }
        }
        guard let labels else { throw IngestError(400, "a stream has no labels: give it a \"stream\" object") }
        for var place in waiting { try lines(&place.cursor, bytes, labels, isOld: place.isOld) }
        if waiting.isEmpty { _ = try number(labels) }
    }

    private mutating func number(_ labels: Labels) throws(IngestError) -> Int {
        if let problem = LokiLabels.problem(labels, limits) { throw IngestError(400, "stream '\(IngestLimits.short("\(labels)"))': \(problem)") }
        return gatherer.stream(labels)
    }

    private mutating func lines(_ cursor: inout JSONCursor, _ bytes: Span<UInt8>, _ labels: Labels, isOld: Bool) throws(IngestError) {
        let number = try number(labels)
        let severity = RecordSeverity.of(labels)
        try elements(&cursor, bytes, "values") { (reader, cursor) throws(IngestError) in
            do throws(IngestError) {
                let record = isOld ? try reader.oldEntry(&cursor, bytes, severity) : try reader.value(&cursor, bytes, severity)
                reader.gatherer.add(record, to: number)
            } catch {
                throw IngestError(error.status, "stream '\(IngestLimits.short("\(labels)"))': \(error.reason)")
            }
        }
    }

    /// `["time", "line", {"name": "value"}]`
    private mutating func value(_ cursor: inout JSONCursor, _ bytes: Span<UInt8>, _ severity: LogRecord.Severity?) throws(IngestError) -> LogRecord {
        guard cursor.take(UInt8(ascii: "["), bytes) else { throw IngestError(400, "a value is no list of a time stamp and a line") }
        let time: Int64
        let body: [UInt8]
        do throws(JSONProblem) {
            guard cursor.peek(bytes) == UInt8(ascii: "\"") else { throw cursor.problem("the time stamp is no text of nanoseconds") }
            let (range, _) = try cursor.string(bytes)
            guard let number = Int64(String(copying: bytes, range)) else {
                throw cursor.problem("the time stamp \"\(IngestLimits.short(String(copying: bytes, range)))\" is no whole number of nanoseconds")
            }
            time = number
            try cursor.expect(UInt8(ascii: ","), bytes)
            guard cursor.peek(bytes) == UInt8(ascii: "\"") else { throw cursor.problem("the line is no text") }
            let (line, isEscaped) = try cursor.string(bytes)
            body = try JSONText.bytes(bytes, line, isEscaped: isEscaped)
        } catch {
            throw IngestError(400, "\(error)")
        }
        var fields = Labels()
        if cursor.take(UInt8(ascii: ","), bytes) { fields = Labels(try pairs(&cursor, bytes, "the structured metadata of a line")) }
        do throws(JSONProblem) { try cursor.expect(UInt8(ascii: "]"), bytes) } catch { throw IngestError(400, "\(error)") }
        return try record(time, body, fields, severity)
    }

    /// `{"ts": "2026-11-24T08:00:00Z", "line": "text"}`
    private mutating func oldEntry(_ cursor: inout JSONCursor, _ bytes: Span<UInt8>, _ severity: LogRecord.Severity?) throws(IngestError) -> LogRecord {
        let pairs = try pairs(&cursor, bytes, "an entry")
        guard let text = pairs.first(where: { $0.0 == "ts" || $0.0 == "timestamp" })?.1, let time = LogTime.parse(Array(text.utf8)[...]) else {
            throw IngestError(400, "an entry has no time stamp \"ts\" in the form of RFC 3339")
        }
        return try record(time, Array((pairs.first { $0.0 == "line" }?.1 ?? "").utf8), Labels(), severity)
    }

    private func record(_ time: Int64, _ body: [UInt8], _ fields: Labels, _ severity: LogRecord.Severity?) throws(IngestError) -> LogRecord {
        guard body.count <= limits.lineBytes else { throw IngestError(400, "a line of \(body.count) bytes, the limit is \(limits.lineBytes)") }
        let found = severity ?? RecordSeverity.of(fields) ?? SeverityDetector.detect(body[...])
        return LogRecord(time: time, severity: found, body: body, fields: fields)
    }

    /// An object of texts.
    private mutating func pairs(_ cursor: inout JSONCursor, _ bytes: Span<UInt8>, _ what: String) throws(IngestError) -> [(String, String)] {
        guard cursor.take(UInt8(ascii: "{"), bytes) else { throw IngestError(400, "\(what): no object of texts") }
        metadata.removeAll(keepingCapacity: true)
        _ = try members(&cursor, bytes) { (reader, cursor, name) throws(IngestError) in
            do throws(JSONProblem) {
                guard cursor.peek(bytes) == UInt8(ascii: "\"") else {
                    throw cursor.problem("the value of \(IngestLimits.short(name)) is no text")
                }
                let (range, isEscaped) = try cursor.string(bytes)
                reader.metadata.append((name, try JSONText.string(bytes, range, isEscaped: isEscaped)))
            } catch {
                throw IngestError(400, "\(what): \(error)")
            }
            guard reader.metadata.count <= reader.limits.fieldsPerRecord else {
                throw IngestError(400, "\(what): more than \(reader.limits.fieldsPerRecord) pairs")
            }
            return true
        }
        return metadata
    }
}
