import LogParsing
import ProtoWire
import Telemetry

/// Reads a push in its binary form.
///
/// PushRequest: streams 1. Stream: labels 1 as text, entries 2. Entry: time 1 (seconds 1, nanoseconds 2), line 2, structured
/// metadata 3 (name 1, value 2). (Loki, pkg/push/push.proto.)
struct LokiProtobuf {
    private(set) var gatherer = BatchGatherer()
    private let limits: LogIngestLimits

    init(limits: LogIngestLimits) { self.limits = limits }

    mutating func read(_ bytes: Span<UInt8>) throws(IngestError) {
        var reader = WireReader(bytes)
        while try Self.wire({ () throws(WireError) in try reader.next(bytes) }) {
            guard reader.number == 1 else {
                try Self.wire { () throws(WireError) in try reader.skip(bytes) }
                continue
            }
            try stream(bytes, try Self.wire { () throws(WireError) in try Self.message(&reader, bytes) })
        }
    }

    private static func wire<Result>(_ body: () throws(WireError) -> Result) throws(IngestError) -> Result {
        do throws(WireError) { return try body() } catch { throw IngestError(400, "the body is no logproto.PushRequest: \(error)") }
    }

    private static func message(_ reader: inout WireReader, _ bytes: Span<UInt8>) throws(WireError) -> WireReader {
        try reader.expect(.bytes)
        return try reader.message(bytes)
    }

    private mutating func stream(_ bytes: Span<UInt8>, _ message: WireReader) throws(IngestError) {
        // The labels, wherever they stand, before the entries.
        var name = 0..<0
        var ahead = message
        while try Self.wire({ () throws(WireError) in try ahead.next(bytes) }) {
            try Self.wire { () throws(WireError) in
                if ahead.number == 1 {
                    try ahead.expect(.bytes)
                    name = try ahead.range(bytes)
                } else {
                    try ahead.skip(bytes)
                }
            }
        }
        let limits = limits
        let number = try gatherer.stream(bytes.extracting(name)) { () throws(IngestError) in
            let text = [UInt8](copying: bytes, name)
            let labels = try LokiLabels.parse(text)
            if let problem = LokiLabels.problem(labels, limits) {
                throw IngestError(400, "stream '\(IngestLimits.short(String(decoding: text, as: UTF8.self)))': \(problem)")
            }
            return labels
        }
        let severity = RecordSeverity.of(gatherer.batches[number].stream)
        var reader = message
        while try Self.wire({ () throws(WireError) in try reader.next(bytes) }) {
            guard reader.number == 2 else {
                try Self.wire { () throws(WireError) in try reader.skip(bytes) }
                continue
            }
            let entry = try Self.wire { () throws(WireError) in try Self.message(&reader, bytes) }
            var record = try Self.wire { () throws(WireError) in try Self.entry(bytes, entry) }
            guard record.body.count <= limits.lineBytes else {
                let stream = IngestLimits.short("\(gatherer.batches[number].stream)")
                throw IngestError(400, "stream '\(stream)': a line of \(record.body.count) bytes, the limit is \(limits.lineBytes)")
            }
            guard record.fields.count <= limits.fieldsPerRecord else {
                throw IngestError(400, "a line has \(record.fields.count) pairs of structured metadata, the limit is \(limits.fieldsPerRecord)")
            }
            record.severity = severity ?? RecordSeverity.of(record.fields) ?? SeverityDetector.detect(record.body[...])
            gatherer.add(record, to: number)
        }
    }

    private static func entry(_ bytes: Span<UInt8>, _ message: WireReader) throws(WireError) -> LogRecord {
        var reader = message
        var seconds: Int64 = 0
        var nanoseconds: Int64 = 0
        var line = 0..<0
        var pairs: [(String, String)] = []
        while try reader.next(bytes) {
            switch reader.number {
            case 1:
                var time = try Self.message(&reader, bytes)
                while try time.next(bytes) {
                    switch time.number {
                    case 1: seconds = Int64(bitPattern: try time.varint(bytes))
                    case 2: nanoseconds = Int64(bitPattern: try time.varint(bytes))
                    default: try time.skip(bytes)
                    }
                }
            case 2:
                try reader.expect(.bytes)
                line = try reader.range(bytes)
            case 3:
                var pair = try Self.message(&reader, bytes)
                var (name, value) = ("", "")
                while try pair.next(bytes) {
                    switch pair.number {
                    case 1: name = try pair.string(bytes)
                    case 2: value = try pair.string(bytes)
                    default: try pair.skip(bytes)
                    }
                }
                pairs.append((name, value))
            default: try reader.skip(bytes)
            }
        }
        // Times that 64 bits do not hold become the nearest that they do; the store has its own rules for the absurd.
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carry) = product.addingReportingOverflow(nanoseconds)
        let time = overflow || carry ? (seconds < 0 ? Int64.min : Int64.max) : sum
        return LogRecord(time: time, body: [UInt8](copying: bytes, line), fields: pairs.isEmpty ? Labels() : Labels(pairs))
    }
}
