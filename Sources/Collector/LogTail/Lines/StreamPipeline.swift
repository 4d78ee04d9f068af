import LogParsing
import Telemetry

/// What happens to one stream's logical lines until they are records: they are grouped, read, filtered and freed of secrets.
/// Pure: the time is given.
struct StreamPipeline: Sendable {
    struct Output: Hashable, Sendable {
        var stream: CRILine.Stream
        /// The number of the file that the record's last byte is in, and the offset after it.
        var file: Int
        var end: Int64
        var record: LogRecord
        /// Of a record that tells of lines left out: by which rule, and where the first was.
        var loss: Loss?
        struct Loss: Hashable, Sendable {
            var rule: String
            var start: Int64
        }
    }

    struct Counts: Hashable, Sendable {
        var groups = 0
        var redacted = 0
        /// By rule.
        var dropped: [String: Int] = [:]
    }

    /// Lines that belong together so far.
    private struct Group: Sendable {
        var line: AssembledLine
        var lines = 1
        /// Lines that belong to it if a later one does.
        var perhaps: [AssembledLine] = []
        var touched: Int64
    }

    private let options: StreamOptions
    private(set) var counts = Counts()
    private var multiline: MultilineState
    private var group: Group?
    private var detector: FormDetector
    private var filters: FilterChain
    private var secrets = Redactor.State()
    private var ledger = LossLedger()
    /// The last stamp that a line of the stream had, for those without.
    private var lastStamp: Int64?

    init(_ options: StreamOptions, _ counts: Counts = Counts()) {
        self.options = options
        self.counts = counts
        multiline = MultilineState(options.multiline)
        detector = FormDetector(forced: options.form)
        filters = FilterChain(options.rules)
    }

    mutating func take(_ line: AssembledLine, now: Int64, outputs: inout [Output]) {
        switch multiline.decide(line.text[...]) {
        case .alone:
            close(now, &outputs)
            finish(line, lines: 1, now, &outputs)
        case .begins:
            close(now, &outputs)
            group = Group(line: line, touched: now)
        case .continues:
            guard var open = group else { return finish(line, lines: 1, now, &outputs) }
            group = nil
            for part in open.perhaps + [line] { Self.join(&open, part) }
            open.perhaps = []
            open.touched = now
            group = open
            if open.lines >= options.maximumGroupLines || open.line.text.count >= options.maximumLineBytes {
                multiline.close()
                close(now, &outputs)
            }
        case .perhaps:
            guard group != nil else { return finish(line, lines: 1, now, &outputs) }
            group?.perhaps.append(line)
            group?.touched = now
        }
    }

    private static func join(_ group: inout Group, _ part: AssembledLine) {
        group.line.text.append(0x0A)
        group.line.text += part.text
        (group.line.file, group.line.end) = (part.file, part.end)
        group.line.isTruncated = group.line.isTruncated || part.isTruncated
        group.lines += 1
    }

    /// Gives out what is open.
    private mutating func close(_ now: Int64, _ outputs: inout [Output]) {
        guard let open = group else { return }
        group = nil
        if open.lines > 1 { counts.groups += 1 }
        finish(open.line, lines: open.lines, now, &outputs)
        for line in open.perhaps { finish(line, lines: 1, now, &outputs) }
    }

    private mutating func finish(_ line: AssembledLine, lines: Int, _ now: Int64, _ outputs: inout [Output]) {
        if let rule = filters.refuses(line.text, now: now) {
            counts.dropped[rule, default: 0] += lines
            ledger.note(rule, line, now: now)
            return
        }
        outputs.append(Output(stream: line.stream, file: line.file, end: line.end, record: record(line, lines: lines)))
    }

    // MARK: Records

    private mutating func record(_ line: AssembledLine, lines: Int) -> LogRecord {
        // A group's time and severity are those of its first line.
        let first = lines > 1 ? line.text.prefix { $0 != 0x0A } : line.text[...]
        let heading: LineHeading
        if let custom = options.custom, let parsed = custom.parse(first) {
            heading = LineHeading(stamp: parsed.stamp, severity: parsed.severity)
        } else {
            heading = detector.heading(first)
        }
        var fields: [(String, String)] = []
        var time = line.time
        if let stamp = heading.stamp?.nanoseconds(zone: options.zone, near: line.time) {
            if options.time == .line {
                time = stamp
                lastStamp = stamp
            } else if abs(stamp - line.time) > 1_000_000_000 {
                // A stamp that agrees with the runtime's says nothing new and would cost its bytes in each line.
                fields.append(("ts", CivilTime(nanosecondsSinceEpoch: stamp).rfc3339(fractionDigits: 9)))
            }
        } else if options.time == .line, let lastStamp {
            time = lastStamp
        }
        if lines > 1 { fields.append(("multiline", "\(lines)")) }
        if line.isTruncated { fields.append(("truncated", "true")) }
        if line.isUnparsed { fields.append(("parse_error", "\(options.time == .runtime ? "cri" : "form")")) }
        for (name, value) in line.attributes { fields.append(("attr_\(name)", value)) }
        var body = line.text
        if let redactor = options.redactor {
            let (text, count) = redactor.redact(body, &secrets)
            if count > 0 {
                counts.redacted += count
                body = text
                fields.append(("redacted", "\(count)"))
            }
        }
        return LogRecord(time: time, severity: heading.severity, body: body, fields: fields.isEmpty ? Labels() : Labels(fields))
    }

    // MARK: Waiting

    /// Gives out groups whose next line did not come, and tells of losses that are old enough; all of them if `force`.
    mutating func expire(now: Int64, force: Bool, outputs: inout [Output]) {
        if let open = group, force || now - open.touched >= options.multilineTimeout {
            multiline.close()
            close(now, &outputs)
        }
        for (rule, entry) in ledger.due(now: now, window: options.lossWindow, force: force) {
            let from = CivilTime(nanosecondsSinceEpoch: entry.firstTime).rfc3339(fractionDigits: 3)
            let to = CivilTime(nanosecondsSinceEpoch: entry.lastTime).rfc3339(fractionDigits: 3)
            let text = "\(entry.lines) lines (\(entry.bytes) bytes) dropped from \(from) to \(to) by rule \(rule)"
            let record = LogRecord(
                time: entry.lastTime, severity: .unknown, body: Array(text.utf8), fields: ["binnacle": "loss", "rule": rule, "lines": "\(entry.lines)"])
            // In the file of its last line; what began in another counts from this one's beginning.
            let start = entry.startFile == entry.endFile ? entry.start : 0
            outputs.append(Output(stream: stream, file: entry.endFile, end: entry.end, record: record, loss: .init(rule: rule, start: start)))
        }
    }

    /// Which stream this is; set by whoever owns it.
    var stream: CRILine.Stream = .stdout

    /// As `LineAssembler.safeOffset`: nothing before it is needed again.
    func safeOffset(file: Int, offset: Int64) -> Int64 {
        var safe = offset
        if let group, group.line.startFile == file { safe = min(safe, group.line.start) }
        if let group, let first = group.perhaps.first(where: { $0.startFile == file }) { safe = min(safe, first.start) }
        for entry in ledger.entries.values where entry.startFile == file { safe = min(safe, entry.start) }
        return safe
    }

    var isWaiting: Bool { group != nil || !ledger.entries.isEmpty }
    /// Whether a new one would do what this one does, but for a form that must be found again and counters that begin again.
    var isIdle: Bool { !isWaiting && secrets.keyLines == 0 }

    mutating func takeCounts() -> Counts {
        defer { counts = Counts() }
        return counts
    }
}

/// All that turns the bytes of one container run into records: its lines, then each stream for itself.
struct RunPipeline: Sendable {
    private var assembler: LineAssembler
    private var streams: [StreamPipeline]
    private var lines: [AssembledLine] = []

    init(form: LineAssembler.Form, _ options: StreamOptions) {
        assembler = LineAssembler(options: .init(form: form, maximumLineBytes: options.maximumLineBytes))
        streams = CRILine.Stream.allCases.map { stream in
            var pipeline = StreamPipeline(options)
            pipeline.stream = stream
            return pipeline
        }
    }

    mutating func feed(_ bytes: [UInt8], file: Int, at offset: Int64, now: Int64, outputs: inout [StreamPipeline.Output]) -> Int {
        let used = assembler.feed(bytes, file: file, at: offset, now: now, outputs: &lines)
        pass(now, &outputs)
        return used
    }

    mutating func expire(now: Int64, force: Bool = false, outputs: inout [StreamPipeline.Output]) {
        assembler.expire(now: now, force: force, outputs: &lines)
        pass(now, &outputs)
        for index in streams.indices { streams[index].expire(now: now, force: force, outputs: &outputs) }
    }

    private mutating func pass(_ now: Int64, _ outputs: inout [StreamPipeline.Output]) {
        for line in lines { streams[line.stream.rawValue].take(line, now: now, outputs: &outputs) }
        lines.removeAll(keepingCapacity: true)
    }

    /// Other options hold from here on; what waits by the old ones is given out.
    mutating func adopt(_ options: StreamOptions, now: Int64, outputs: inout [StreamPipeline.Output]) {
        for index in streams.indices {
            streams[index].expire(now: now, force: true, outputs: &outputs)
            let counts = streams[index].takeCounts()
            let stream = streams[index].stream
            streams[index] = StreamPipeline(options, counts)
            streams[index].stream = stream
        }
    }

    func safeOffset(file: Int, offset: Int64) -> Int64 {
        streams.reduce(assembler.safeOffset(file: file, offset: offset)) { min($0, $1.safeOffset(file: file, offset: offset)) }
    }

    var isWaiting: Bool { assembler.hasPartial || streams.contains { $0.isWaiting } }
    var isIdle: Bool { assembler.isIdle && streams.allSatisfy(\.isIdle) }

    mutating func takeCounts() -> (lines: LineAssembler.Counts, streams: [StreamPipeline.Counts]) {
        (assembler.takeCounts(), streams.indices.map { streams[$0].takeCounts() })
    }
}
