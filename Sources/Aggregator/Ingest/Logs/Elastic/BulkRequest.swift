import JSON
import ProtoWire
import Telemetry

/// A `_bulk` request: lines of an action and of its document in turn, with what became of each.
struct BulkRequest {
    enum Action: String { case index, create, update, delete }

    struct Item {
        var action: Action
        var index: String
        var id: String
        var outcome: Outcome
    }

    enum Outcome: Hashable {
        /// With the document's version: 1 is new.
        case stored(version: Int)
        /// The same was there before, and was not stored again.
        case unchanged
        case exists
        case notFound
        case refused(status: Int, type: String, reason: String)

        var isError: Bool {
            switch self {
            case .exists, .refused: true
            case .stored, .unchanged, .notFound: false
            }
        }
    }

    /// What a line of an action says.
    private struct Head {
        var action: Action
        var index: String
        var id: String?
    }

    private(set) var items: [Item] = []
    private(set) var gatherer = BatchGatherer()
    private(set) var reader: DocumentReader
    /// Documents with an `_id` that this request is about to store.
    private(set) var keys: Set<BodyHash> = []
    private(set) var repeated = 0
    private let limits: LogIngestLimits
    private let known: RecentKeys
    private let now: Int64
    private let defaultIndex: String?
    /// Gives documents without an `_id` one.
    private let nextID: () -> String

    init(limits: LogIngestLimits, mapping: RecordMapping, known: RecentKeys, now: Int64, defaultIndex: String?, nextID: @escaping () -> String) {
        self.limits = limits
        self.known = known
        self.now = now
        self.defaultIndex = defaultIndex
        self.nextID = nextID
        reader = DocumentReader(mapping: mapping, limits: limits)
    }

    /// What Elasticsearch's documents mean here.
    static var mapping: RecordMapping {
        var mapping = RecordMapping()
        mapping.timeFields = ["@timestamp", "time", "timestamp", "date", "ts"]
        mapping.messageFields = ["message", "log", "msg", "event.original"]
        mapping.streamFields = DocumentFields.streamFields
        mapping.job = "elasticsearch"
        return mapping
    }

    /// Throws if the request as a whole is wrong; a wrong document is one item's error. The caller must end `keys`.
    mutating func read(_ source: [UInt8]) throws(IngestError) {
        let bytes = source.span
        var offset = 0
        var lastLine = 0..<0
        var lastHead: Head?
        while offset < source.count {
            let line = Self.line(source, &offset)
            if line.allSatisfy({ source[$0] <= 0x20 }) { continue }
            // Many actions are the same to the last byte.
            let head: Head
            if let lastHead, line.count == lastLine.count, source[line] == source[lastLine] {
                head = lastHead
            } else {
                head = try self.head(source, line)
            }
            (lastLine, lastHead) = (line, head)
            guard head.action != .delete else {
                items.append(Item(action: .delete, index: head.index, id: head.id ?? "", outcome: .notFound))
                continue
            }
            guard offset < source.count else { throw IngestError(400, "the action on the last line has no document behind it") }
            document(source, bytes, Self.line(source, &offset), head)
        }
        guard !items.isEmpty else { throw IngestError(400, "request body is required") }
    }

    private static func line(_ source: [UInt8], _ offset: inout Int) -> Range<Int> {
        let start = offset
        let end = source[start...].firstIndex(of: 0x0A) ?? source.count
        offset = end + 1
        return start..<end
    }

    private func head(_ source: [UInt8], _ line: Range<Int>) throws(IngestError) -> Head {
        let place = "line of bytes \(line.lowerBound) to \(line.upperBound)"
        let document: JSON
        do { document = try JSON.parse(Array(source[line])) } catch {
            throw IngestError(400, "Malformed action/metadata line, the \(place): \(error)")
        }
        guard document.members.count == 1, let (name, member) = document.members.first(where: { _ in true }), let action = Action(rawValue: name) else {
            throw IngestError(400, "Malformed action/metadata line, the \(place): expected index, create, update or delete")
        }
        guard let index = member["_index"].string ?? defaultIndex, !index.isEmpty, index.utf8.count <= 255 else {
            throw IngestError(400, "the action on the \(place) names no index")
        }
        let id = member["_id"].string ?? member["_id"].int.map { "\($0)" }
        guard id?.utf8.count ?? 0 <= 512 else { throw IngestError(400, "the _id on the \(place) is longer than 512 bytes") }
        return Head(action: action, index: index, id: id)
    }

    private mutating func document(_ source: [UInt8], _ bytes: Span<UInt8>, _ line: Range<Int>, _ head: Head) {
        var item = Item(action: head.action, index: head.index, id: head.id ?? "", outcome: .stored(version: 1))
        defer { items.append(item) }
        var key: BodyHash?
        if let id = head.id {
            let made = BodyHash("\(head.index)\0\(id)")
            let check = BodyHash(bytes.extracting(line)).low
            if let settled = settle(made, check, head.action) {
                item.outcome = settled
                switch settled {
                case .stored: key = made
                case .unchanged, .exists:
                    repeated += 1
                    return
                case .notFound, .refused: return
                }
            } else {
                key = made
            }
        } else {
            item.id = nextID()
        }
        do throws(JSONProblem) {
            var cursor = JSONCursor(line)
            if head.action == .update { try Self.enter(&cursor, bytes, limits.depth) }
            reader.constantLabels = [("_index", head.index)]
            reader.constantKey = Array(head.index.utf8) + [0]
            reader.identifier = head.id
            try reader.read(source, &cursor, isWhole: head.action != .update, now: now, into: &gatherer)
            if let key { keys.insert(key) }
        } catch {
            if let key { known.finish(key, isStored: false) }
            item.outcome = .refused(status: 400, type: "mapper_parsing_exception", reason: "failed to parse: \(error)")
        }
    }

    /// What is decided already for a document with an `_id`; nil if it is new, and `stored` if it comes in place of another.
    private func settle(_ key: BodyHash, _ check: UInt64, _ action: Action) -> Outcome? {
        switch known.begin(key, check: check, now: now) {
        case .new: return nil
        case .underway:
            if keys.contains(key) { return action == .create ? .exists : .stored(version: 2) }
            return .refused(status: 429, type: "es_rejected_execution_exception", reason: "a document of this _id is being stored at this moment")
        case .stored(let before):
            if action == .create { return .exists }
            guard before != check else { return .unchanged }
            known.replace(key, check: check)
            return .stored(version: 2)
        }
    }

    /// Goes to the `doc` of an update.
    private static func enter(_ cursor: inout JSONCursor, _ bytes: Span<UInt8>, _ depth: Int) throws(JSONProblem) {
        try cursor.expect(UInt8(ascii: "{"), bytes)
        while true {
            cursor.skipSpace(bytes)
            let (range, isEscaped) = try cursor.string(bytes)
            try cursor.expect(UInt8(ascii: ":"), bytes)
            if try JSONText.string(bytes, range, isEscaped: isEscaped) == "doc" { return }
            _ = try cursor.value(bytes, depth: depth)
            guard cursor.take(UInt8(ascii: ","), bytes) else { throw cursor.problem("an update without doc") }
        }
    }

    // MARK: Answer

    /// With the members in this order and without spaces, for Fluent Bit looks for `"errors":false,"items":[`.
    func answer(took milliseconds: Int64, sequence: Int) -> [UInt8] {
        var text = Array("{\"took\":\(milliseconds),\"errors\":\(items.contains { $0.outcome.isError }),\"items\":[".utf8)
        text.reserveCapacity(items.count * 200)
        for (number, item) in items.enumerated() {
            if number > 0 { text.append(UInt8(ascii: ",")) }
            text += "{\"\(item.action.rawValue)\":{\"_index\":".utf8
            JSONText.appendQuoted(Array(item.index.utf8), to: &text)
            text += ",\"_id\":".utf8
            JSONText.appendQuoted(Array(item.id.utf8), to: &text)
            text += Self.text(item.outcome, sequence: sequence + number).utf8
            text += "}}".utf8
        }
        text += "]}".utf8
        return text
    }

    private static func text(_ outcome: Outcome, sequence: Int) -> String {
        func done(_ version: Int, _ result: String, _ status: Int) -> String {
            ",\"_version\":\(version),\"result\":\"\(result)\",\"_shards\":{\"total\":1,\"successful\":1,\"failed\":0},\"_seq_no\":\(sequence),\"_primary_term\":1,\"status\":\(status)"
        }
        func failed(_ status: Int, _ type: String, _ reason: String) -> String {
            ",\"status\":\(status),\"error\":\(JSON.object([("type", .string(type)), ("reason", .string(reason))]))"
        }
        switch outcome {
        case .stored(let version): return version == 1 ? done(1, "created", 201) : done(version, "updated", 200)
        case .unchanged: return done(1, "updated", 200)
        case .notFound: return done(1, "not_found", 404)
        case .exists: return failed(409, "version_conflict_engine_exception", "version conflict, document already exists (current version [1])")
        case .refused(let status, let type, let reason): return failed(status, type, reason)
        }
    }
}
