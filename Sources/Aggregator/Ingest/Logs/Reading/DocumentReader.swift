import Exposition
import LogParsing
import ProtoWire
import Telemetry

/// Makes records of JSON documents. Names of fields become strings, and their roles are looked up, once for all documents: a
/// document that has its fields in the order of the one before costs a comparison a name.
struct DocumentReader {
    /// A field's name within its parent, met before.
    private struct Shape {
        var key: [UInt8]
        var parent: Int
        var name: String
        var role: RecordMapping.Role
    }

    private struct Place {
        var shape: Int
        var range: Range<Int>
        var form: JSONForm
    }

    let mapping: RecordMapping
    /// Labels of the streams of the documents that follow, and the bytes that tell them from others.
    var constantLabels: [(String, String)]
    var constantKey: [UInt8] = []
    /// The field `_id` of the next document.
    var identifier: String?
    private let limits: LogIngestLimits
    private var shapes: [Shape] = []
    private var table = ByteTable(seed: 0x646F_6373)
    private var places: [Place] = []
    /// Shapes by their place in the last document, and its fields in the order of their names.
    private var expected: [Int] = []
    /// Whether `sorted` is the order of `expected`'s names.
    private var isSorted = false
    private var sorted: [Int] = []
    private var scratch: [UInt8] = []
    private(set) var unreadTimes = 0

    /// Shapes that are remembered; beyond it they are forgotten between two documents.
    private static let maximumShapes = 20_000
    /// Deeper objects are kept as JSON.
    private static let flatteningDepth = 24

    init(mapping: RecordMapping, limits: LogIngestLimits) {
        self.mapping = mapping
        self.limits = limits
        constantLabels = mapping.constantLabels
    }

    /// Reads the object at the cursor, and makes a record of it that goes to the gatherer's stream. With `isWhole` nothing may
    /// stand behind it.
    mutating func read(
        _ source: [UInt8], _ cursor: inout JSONCursor, isWhole: Bool = false, now: Int64, into gatherer: inout BatchGatherer
    ) throws(JSONProblem) {
        let bytes = source.span
        if shapes.count > Self.maximumShapes {
            shapes = []
            table.removeAll()
            expected = []
        }
        places.removeAll(keepingCapacity: true)
        cursor.skipSpace(bytes)
        let start = cursor.offset
        try object(bytes, &cursor, parent: -1, depth: 0)
        if places.count < expected.count {
            expected.removeLast(expected.count - places.count)
            isSorted = false
        }
        guard cursor.offset - start <= limits.lineBytes else {
            throw JSONProblem(offset: start, message: "a document of \(cursor.offset - start) bytes, the limit is \(limits.lineBytes)")
        }
        let end = cursor.offset
        guard !isWhole || (cursor.peek(bytes) == 0 && cursor.offset == cursor.end) else { throw cursor.problem("text behind the document") }
        let record = try record(source, start..<end, now: now)
        // The stream, called by the values that make it up.
        scratch.removeAll(keepingCapacity: true)
        scratch += constantKey
        for place in places where shapes[place.shape].role.stream != nil {
            unsafe withUnsafeBytes(of: UInt64(shapes[place.shape].role.stream ?? 0) << 48 | UInt64(place.range.count)) { unsafe scratch.append(contentsOf: $0) }
            scratch.append(copying: bytes, place.range)
        }
        let number = try gatherer.stream(scratch.span) { () throws(JSONProblem) in try labels(bytes) }
        gatherer.add(record, to: number)
    }

    // MARK: Fields

    private mutating func object(_ bytes: Span<UInt8>, _ cursor: inout JSONCursor, parent: Int, depth: Int) throws(JSONProblem) {
        try cursor.expect(UInt8(ascii: "{"), bytes)
        if cursor.take(UInt8(ascii: "}"), bytes) { return }
        while true {
            guard cursor.peek(bytes) == UInt8(ascii: "\"") else { throw cursor.problem("expected a member's name in quotes") }
            let (key, isEscaped) = try cursor.string(bytes)
            let shape = try shape(bytes, key, isEscaped: isEscaped, parent: parent)
            try cursor.expect(UInt8(ascii: ":"), bytes)
            if cursor.peek(bytes) == UInt8(ascii: "{"), depth < Self.flatteningDepth {
                try object(bytes, &cursor, parent: shape, depth: depth + 1)
            } else {
                let (form, range) = try cursor.value(bytes, depth: limits.depth)
                guard places.count < limits.fieldsPerRecord else { throw cursor.problem("more than \(limits.fieldsPerRecord) fields") }
                if places.count >= expected.count || expected[places.count] != shape {
                    isSorted = false
                    if places.count < expected.count { expected[places.count] = shape } else { expected.append(shape) }
                }
                places.append(Place(shape: shape, range: range, form: form))
            }
            if cursor.take(UInt8(ascii: ","), bytes) { continue }
            try cursor.expect(UInt8(ascii: "}"), bytes)
            return
        }
    }

    /// The number of a field's name within its parent.
    private mutating func shape(_ bytes: Span<UInt8>, _ key: Range<Int>, isEscaped: Bool, parent: Int) throws(JSONProblem) -> Int {
        if !isEscaped, places.count < expected.count {
            // The field that was here the last time, or the object around it.
            var guess = expected[places.count]
            while guess >= 0, shapes[guess].parent != parent { guess = shapes[guess].parent }
            if guess >= 0, isSame(shapes[guess].key, bytes, key) { return guess }
        }
        let name = try JSONText.bytes(bytes, key, isEscaped: isEscaped)
        let call = unsafe withUnsafeBytes(of: Int64(parent)) { unsafe Array($0) } + name
        let hash = table.hash(call.span, 0..<call.count)
        if let known = table.find(call.span, 0..<call.count, hash: hash) { return known }
        let text = String(decoding: name, as: UTF8.self)
        let full = parent < 0 ? text : "\(shapes[parent].name).\(text)"
        shapes.append(Shape(key: name, parent: parent, name: full, role: mapping.role(full)))
        return table.insert(call.span, 0..<call.count, hash: hash)
    }

    private func isSame(_ key: [UInt8], _ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard key.count == range.count else { return false }
        for index in key.indices where key[index] != bytes[range.lowerBound + index] { return false }
        return true
    }

    // MARK: Records

    private mutating func record(_ source: [UInt8], _ range: Range<Int>, now: Int64) throws(JSONProblem) -> LogRecord {
        let bytes = source.span
        var time: (rank: Int, place: Int)?
        var message: (rank: Int, place: Int)?
        var severity: LogRecord.Severity?
        var hasIgnored = false
        for (index, place) in places.enumerated() where !place.range.isEmpty && place.form != .null {
            let role = shapes[place.shape].role
            if role.isIgnored {
                hasIgnored = true
                continue
            }
            if let rank = role.time, rank < time?.rank ?? .max { time = (rank, index) }
            if let rank = role.message, rank < message?.rank ?? .max { message = (rank, index) }
            if role.isLevel, severity == nil { severity = SeverityDetector.value(source[place.range]) }
        }
        var moment = now
        if let place = time.map({ places[$0.place] }) {
            let text = place.form == .escaped ? try JSONText.bytes(bytes, place.range, isEscaped: true)[...] : source[place.range]
            // 0 asks for the time of arrival.
            if !(text.count == 1 && text.first == UInt8(ascii: "0")) {
                if let read = LogTime.parse(text) { moment = read } else { (time, unreadTimes) = (nil, unreadTimes + 1) }
            }
        }
        guard let message else {
            let body = hasIgnored ? rendered(bytes) : [UInt8](copying: bytes, range)
            return LogRecord(time: moment, severity: severity ?? SeverityDetector.detect(body[...]), body: body, fields: extraFields(Labels()))
        }
        let body = try content(bytes, places[message.place])
        var list: [Labels.Label] = []
        if !isSorted { sortFields() }
        list.reserveCapacity(sorted.count)
        for index in sorted where index != time?.place && index != message.place {
            let place = places[index]
            let role = shapes[place.shape].role
            guard role.stream == nil, !role.isIgnored, !place.range.isEmpty, place.form != .null else { continue }
            let value: String
            if place.form == .escaped || role.isDecolored {
                value = String(decoding: try content(bytes, place), as: UTF8.self)
            } else {
                value = String(copying: bytes, place.range)
            }
            list.append(.init(shapes[place.shape].name, value))
        }
        return LogRecord(
            time: moment, severity: severity ?? SeverityDetector.detect(body[...]), body: body, fields: extraFields(Labels(sortedUnchecked: list)))
    }

    private func extraFields(_ fields: Labels) -> Labels {
        guard !mapping.extra.isEmpty || identifier != nil else { return fields }
        var fields = fields
        if let identifier { fields["_id"] = identifier }
        for (name, value) in mapping.extra where !mapping.streamFields.contains(where: { $0.field == name }) { fields[name] = value }
        return fields
    }

    /// Places in the order of their names' bytes; of two with one name the last.
    private mutating func sortFields() {
        let names = places.map { Array(shapes[$0.shape].name.utf8) }
        sorted = []
        for index in places.indices.sorted(by: { names[$0] == names[$1] ? $0 < $1 : names[$0].lexicographicallyPrecedes(names[$1]) }) {
            if let last = sorted.last, names[last] == names[index] { sorted[sorted.count - 1] = index } else { sorted.append(index) }
        }
        isSorted = true
    }

    private func content(_ bytes: Span<UInt8>, _ place: Place) throws(JSONProblem) -> [UInt8] {
        let content = try JSONText.bytes(bytes, place.range, isEscaped: place.form == .escaped)
        return shapes[place.shape].role.isDecolored ? Colors.removed(from: content) : content
    }

    /// The document without what is not wanted, flat.
    private func rendered(_ bytes: Span<UInt8>) -> [UInt8] {
        var text: [UInt8] = [UInt8(ascii: "{")]
        for place in places where !shapes[place.shape].role.isIgnored {
            if text.count > 1 { text.append(UInt8(ascii: ",")) }
            JSONText.appendQuoted(Array(shapes[place.shape].name.utf8), to: &text)
            text.append(UInt8(ascii: ":"))
            let isText = place.form == .text || place.form == .escaped
            if isText { text.append(UInt8(ascii: "\"")) }
            text.append(copying: bytes, place.range)
            if isText { text.append(UInt8(ascii: "\"")) }
        }
        text.append(UInt8(ascii: "}"))
        return text
    }

    private func labels(_ bytes: Span<UInt8>) throws(JSONProblem) -> Labels {
        var labels = Labels(constantLabels)
        for place in places where place.form != .null {
            guard let stream = shapes[place.shape].role.stream, !shapes[place.shape].role.isIgnored else { continue }
            guard place.range.count <= limits.labelBytes else {
                throw JSONProblem(
                    offset: place.range.lowerBound, message: "the stream's field \(shapes[place.shape].name) is longer than \(limits.labelBytes) bytes")
            }
            labels[mapping.streamFields[stream].label] = String(decoding: try content(bytes, place), as: UTF8.self)
        }
        for (name, value) in mapping.extra {
            if let stream = mapping.streamFields.first(where: { $0.field == name }) { labels[stream.label] = value }
        }
        if labels.isEmpty { labels["job"] = mapping.job }
        return labels
    }
}
