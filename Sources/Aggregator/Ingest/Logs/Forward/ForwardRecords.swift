import Gzip
import LogParsing
import Telemetry
import Zstd

/// Makes records of one message of the forward protocol: a single event, a list of events, or events packed into bytes.
struct ForwardRecords {
    private(set) var gatherer = BatchGatherer()
    private(set) var unreadTimes = 0
    /// Events that were none, or too long.
    private(set) var refused = 0
    private var roles: [String: RecordMapping.Role] = [:]
    private let limits: LogIngestLimits
    private let now: Int64

    /// What a record of Fluentd and Fluent Bit means.
    private static let mapping: RecordMapping = {
        var mapping = RecordMapping()
        mapping.messageFields = ["log", "message", "msg", "MESSAGE"]
        mapping.streamFields = DocumentFields.streamFields
        return mapping
    }()
    /// Names whose roles are remembered.
    private static let maximumRoles = 4096

    init(limits: LogIngestLimits, now: Int64) {
        self.limits = limits
        self.now = now
    }

    /// Reads `[tag, …]`; false if it is no message of a known form.
    mutating func read(_ message: [Msgpack], options: Msgpack?) throws(IngestError) -> Bool {
        guard message.count >= 2, let tag = message[0].string else { return false }
        switch message[1] {
        case .array(let events):
            for event in events { add(event, tag: tag) }
        case .text(let packed), .binary(let packed):
            let bytes = try unpacked(packed, options?["compressed"]?.string)
            var reader = MsgpackReader(bytes.span, depth: limits.depth)
            do throws(MsgpackError) {
                while !reader.isAtEnd { add(try reader.value(bytes.span), tag: tag) }
            } catch {
                throw IngestError(400, "a packed message of \(IngestLimits.short(tag)) is no msgpack: \(error)")
            }
        default:
            guard message.count >= 3 else { return false }
            add(time: message[1], record: message[2], metadata: nil, tag: tag)
        }
        return true
    }

    private func unpacked(_ packed: [UInt8], _ compression: String?) throws(IngestError) -> [UInt8] {
        switch compression {
        case "gzip":
            do { return try Gzip.decompress(packed, limit: limits.unpackedBytes) } catch {
                throw IngestError(413, "a packed message is no gzip of at most \(limits.unpackedBytes) bytes: \(error)")
            }
        case "zstd":
            do { return try ZstdDecompressor().decompressFrames(packed, limit: limits.unpackedBytes) } catch {
                throw IngestError(413, "a packed message is no zstd of at most \(limits.unpackedBytes) bytes: \(error)")
            }
        case nil, "text": return packed
        case let other?: throw IngestError(400, "a packed message is compressed by \(IngestLimits.short(other)), known are gzip and zstd")
        }
    }

    /// `[time, record]`, or `[[time, metadata], record]` of newer Fluent Bits.
    private mutating func add(_ event: Msgpack, tag: String) {
        guard let parts = event.elements, parts.count >= 2 else {
            refused += 1
            return
        }
        if let head = parts[0].elements {
            add(time: head.first ?? .null, record: parts[1], metadata: head.count > 1 ? head[1] : nil, tag: tag)
        } else {
            add(time: parts[0], record: parts[1], metadata: nil, tag: tag)
        }
    }

    private mutating func add(time: Msgpack, record: Msgpack, metadata: Msgpack?, tag: String) {
        guard record.pairs != nil else {
            refused += 1
            return
        }
        var fields: [(name: String, value: [UInt8])] = []
        flatten(record, "", depth: 0, into: &fields)
        if let metadata, metadata.pairs != nil { flatten(metadata, "meta", depth: 0, into: &fields) }
        if fields.count > limits.fieldsPerRecord { fields.removeLast(fields.count - limits.fieldsPerRecord) }
        var labels = Labels(["tag": tag])
        var pairs: [(String, String)] = []
        var message: (rank: Int, place: Int)?
        var severity: LogRecord.Severity?
        for (place, field) in fields.enumerated() where !field.value.isEmpty {
            let role = role(field.name)
            if let rank = role.message, rank < message?.rank ?? .max { message = (rank, place) }
            if role.isLevel, severity == nil { severity = SeverityDetector.value(field.value[...]) }
            if let stream = role.stream, field.value.count <= limits.labelBytes {
                labels[Self.mapping.streamFields[stream].label] = String(decoding: field.value, as: UTF8.self)
            }
        }
        var body = message.map { fields[$0.place].value } ?? record.json
        // Container logs come with their line ends.
        if message != nil, body.last == 0x0A { body.removeLast() }
        guard body.count <= limits.lineBytes else {
            refused += 1
            return
        }
        if let message {
            for (place, field) in fields.enumerated() where place != message.place && role(field.name).stream == nil {
                pairs.append((field.name, String(decoding: field.value, as: UTF8.self)))
            }
        }
        gatherer.add(
            LogRecord(
                time: moment(time), severity: severity ?? SeverityDetector.detect(body[...]), body: body, fields: pairs.isEmpty ? Labels() : Labels(pairs)),
            to: gatherer.stream(labels))
    }

    private mutating func role(_ name: String) -> RecordMapping.Role {
        if let known = roles[name] { return known }
        let role = Self.mapping.role(name)
        if roles.count < Self.maximumRoles { roles[name] = role }
        return role
    }

    private func flatten(_ value: Msgpack, _ path: String, depth: Int, into fields: inout [(name: String, value: [UInt8])]) {
        guard let pairs = value.pairs, depth < 24 else {
            fields.append((path, value.fieldBytes))
            return
        }
        for pair in pairs {
            let key = String(decoding: pair.key.fieldBytes, as: UTF8.self)
            flatten(pair.value, path.isEmpty ? key : "\(path).\(key)", depth: depth + 1, into: &fields)
        }
    }

    /// Whole seconds, or an EventTime: seconds and nanoseconds of 32 bits each.
    private mutating func moment(_ value: Msgpack) -> Int64 {
        switch value {
        case .extended(type: 0, let bytes) where bytes.count == 8:
            let word = bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return Int64(word >> 32) * 1_000_000_000 + Int64(word & 0xFFFF_FFFF)
        case .integer(let seconds) where seconds.magnitude < 9_000_000_000: return seconds * 1_000_000_000
        case .number(let seconds) where seconds.magnitude < 9_000_000_000: return Int64(seconds * 1_000_000_000)
        default:
            unreadTimes += 1
            return now
        }
    }
}
