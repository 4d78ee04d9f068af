import Pattern
import PromQL
import ProtoWire
import Telemetry

/// What a remote reader asks for (contracts/metrics.md 4.5).
struct RemoteReadRequest: Sendable {
    enum Form: Sendable { case samples, chunks }

    struct Query: Sendable {
        /// Milliseconds, both included.
        var start: Int64 = 0
        var end: Int64 = 0
        var matchers: [Matcher] = []
    }

    var queries: [Query] = []
    /// The first that the reader accepts and we can send.
    var form = Form.samples

    init(_ bytes: [UInt8]) throws(QueryError) {
        do throws(WireError) {
            try read(bytes.span)
        } catch {
            throw QueryError(.badData, "the read request is no protobuf message of this kind: \(error)")
        }
        for query in queries where query.end < query.start { throw QueryError(.badData, "a read query ends before it starts") }
        if let failure { throw failure }
    }

    private var failure: QueryError?

    private mutating func read(_ bytes: Span<UInt8>) throws(WireError) {
        var reader = WireReader(bytes)
        var accepted: [UInt64] = []
        while try reader.next(bytes) {
            switch reader.number {
            case 1:
                try reader.expect(.bytes)
                var inner = try reader.message(bytes)
                queries.append(try query(&inner, bytes))
            case 2:
                try reader.repeated(bytes, .varint) { (reader, bytes) throws(WireError) in accepted.append(try reader.varint(bytes)) }
            default: try reader.skip(bytes)
            }
        }
        if let first = accepted.first(where: { $0 < 2 }) { form = first == 1 ? .chunks : .samples }
    }

    private mutating func query(_ reader: inout WireReader, _ bytes: Span<UInt8>) throws(WireError) -> Query {
        var query = Query()
        while try reader.next(bytes) {
            switch reader.number {
            case 1: query.start = Int64(bitPattern: try reader.varint(bytes))
            case 2: query.end = Int64(bitPattern: try reader.varint(bytes))
            case 3:
                try reader.expect(.bytes)
                var inner = try reader.message(bytes)
                if let matcher = try matcher(&inner, bytes) { query.matchers.append(matcher) }
            // Hints may be heeded or not.
            default: try reader.skip(bytes)
            }
        }
        return query
    }

    private mutating func matcher(_ reader: inout WireReader, _ bytes: Span<UInt8>) throws(WireError) -> Matcher? {
        var type: UInt64 = 0
        var name = "", value = ""
        while try reader.next(bytes) {
            switch reader.number {
            case 1: type = try reader.varint(bytes)
            case 2: name = try reader.string(bytes)
            case 3: value = try reader.string(bytes)
            default: try reader.skip(bytes)
            }
        }
        let operations: [Matcher.Operation] = [.equal, .notEqual, .matches, .notMatches]
        guard type < 4 else {
            failure = QueryError(.badData, "a matcher of the read request has the unknown type \(type)")
            return nil
        }
        do throws(PatternError) {
            return try Matcher(name, operations[Int(type)], value)
        } catch {
            failure = QueryError(.badData, "the regular expression of \"\(name)\" is wrong: \(error.message)")
            return nil
        }
    }
}
