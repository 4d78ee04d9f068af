/// Turns the bytes of one container run's log files into logical lines: cuts them, reads their stamps, joins what the
/// runtime split, each stream for itself. Pure: it reads no file and no clock.
///
/// A logical line may begin in a rotated file and end in the next, so one assembler serves all generations of a run.
struct LineAssembler: Sendable {
    /// How the file's lines are written.
    enum Form: Hashable, Sendable { case cri, docker, plain }

    struct Options: Sendable {
        var form = Form.cri
        /// A longer line becomes several records, so that no memory is unbounded and no byte lost.
        var maximumLineBytes = 1 << 20
        /// How long a part waits for its next part, in nanoseconds.
        var partialTimeout: Int64 = 5_000_000_000
    }

    /// Events to be counted.
    struct Counts: Hashable, Sendable {
        var unparsed = 0
        var joined = 0
        var split = 0
        var timedOut = 0
        var zeros = 0
    }

    private struct Partial: Hashable, Sendable {
        var line: AssembledLine
        var touched: Int64
        var parts: Int
    }

    let options: Options
    private(set) var counts = Counts()
    /// By stream.
    private var partials: [Partial?] = [nil, nil]
    /// The stamp and stream of a physical line that is longer than the bound, while its rest is read.
    private var overlong: (time: Int64, stream: CRILine.Stream)?

    init(options: Options = Options()) { self.options = options }

    /// Takes bytes that begin at `offset` of a file and returns how many were used: up to the last line feed, or all
    /// if the line is longer than the bound. Lines are appended to `outputs`.
    mutating func feed(_ bytes: [UInt8], file: Int, at offset: Int64, now: Int64, outputs: inout [AssembledLine]) -> Int {
        var start = 0
        while let length = Self.lineLength(bytes, from: start) {
            line(bytes[start..<start + length], file: file, start: offset + Int64(start), end: offset + Int64(start + length + 1), now: now, &outputs)
            start += length + 1
        }
        // An unterminated line beyond the bound (and its stamp) is cut here.
        if bytes.count - start >= options.maximumLineBytes + 64 {
            piece(bytes[start...], file: file, start: offset + Int64(start), end: offset + Int64(bytes.count), now: now, &outputs)
            return bytes.count
        }
        return start
    }

    private static func lineLength(_ bytes: [UInt8], from start: Int) -> Int? {
        let span = bytes.span
        var offset = start
        while offset < span.count {
            if span[offset] == 0x0A { return offset - start }
            offset += 1
        }
        return nil
    }

    /// What one physical line says.
    private func parse(_ bytes: ArraySlice<UInt8>, now: Int64) -> (line: AssembledLine, isPartial: Bool)? {
        var line = AssembledLine(stream: .stdout, time: now, text: [], startFile: 0, start: 0, file: 0, end: 0)
        switch options.form {
        case .cri:
            guard let parsed = CRILine.parse(bytes) else { return nil }
            (line.stream, line.time, line.text) = (parsed.stream, parsed.time, Array(bytes[parsed.textStart...]))
            return (line, parsed.isPartial)
        case .docker:
            guard let parsed = DockerLine.parse(bytes) else { return nil }
            (line.stream, line.time, line.text, line.attributes) = (parsed.stream, parsed.time, parsed.text, parsed.attributes)
            return (line, parsed.isPartial)
        case .plain:
            line.text = Array(bytes.last == 0x0D ? bytes.dropLast() : bytes)
            return (line, false)
        }
    }

    private mutating func line(_ whole: ArraySlice<UInt8>, file: Int, start: Int64, end: Int64, now: Int64, _ outputs: inout [AssembledLine]) {
        let bytes = withoutHole(whole)
        if let (time, stream) = overlong {
            overlong = nil
            outputs.append(
                AssembledLine(stream: stream, time: time, text: Array(bytes), startFile: file, start: start, file: file, end: end, isTruncated: true))
            return
        }
        guard let (parsed, isPartial) = parse(bytes, now: now) else {
            counts.unparsed += 1
            outputs.append(
                AssembledLine(stream: .stdout, time: now, text: Array(bytes), startFile: file, start: start, file: file, end: end, isUnparsed: true))
            return
        }
        var line = parsed
        (line.startFile, line.start, line.file, line.end) = (file, start, file, end)
        let index = line.stream.rawValue
        guard var partial = partials[index] else {
            if isPartial { partials[index] = Partial(line: line, touched: now, parts: 1) } else { outputs.append(line) }
            return
        }
        partials[index] = nil
        if partial.line.text.count + line.text.count > options.maximumLineBytes {
            counts.split += 1
            partial.line.isTruncated = true
            outputs.append(partial.line)
            // The rest keeps the stamp of the line's beginning.
            line.time = partial.line.time
            line.isTruncated = true
            partial = Partial(line: line, touched: now, parts: 1)
        } else {
            partial.line.text += line.text
            (partial.line.file, partial.line.end, partial.touched, partial.parts) = (file, end, now, partial.parts + 1)
        }
        if isPartial {
            partials[index] = partial
        } else {
            if partial.parts > 1 { counts.joined += 1 }
            outputs.append(partial.line)
        }
    }

    /// A writer that goes on at its old offset after its file was cut in place leaves zeros before its next line.
    private mutating func withoutHole(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard bytes.first == 0, bytes.prefix(64).allSatisfy({ $0 == 0 }), bytes.count >= 64 else { return bytes }
        let text = bytes.drop { $0 == 0 }
        counts.zeros += bytes.count - text.count
        return text
    }

    /// A part of a physical line that exceeds the bound.
    private mutating func piece(_ bytes: ArraySlice<UInt8>, file: Int, start: Int64, end: Int64, now: Int64, _ outputs: inout [AssembledLine]) {
        counts.split += 1
        var line = AssembledLine(stream: .stdout, time: now, text: [], startFile: file, start: start, file: file, end: end, isTruncated: true)
        if let (time, stream) = overlong {
            (line.time, line.stream, line.text) = (time, stream, Array(bytes))
        } else if options.form == .cri, let parsed = CRILine.parse(bytes) {
            (line.time, line.stream, line.text) = (parsed.time, parsed.stream, Array(bytes[parsed.textStart...]))
        } else {
            if options.form != .plain {
                counts.unparsed += 1
                line.isUnparsed = true
            }
            line.text = Array(bytes)
        }
        overlong = (line.time, line.stream)
        outputs.append(line)
    }

    /// Gives out parts whose next part did not come in time; all of them if `force`, as at a container's end.
    mutating func expire(now: Int64, force: Bool = false, outputs: inout [AssembledLine]) {
        for stream in CRILine.Stream.allCases {
            guard var partial = partials[stream.rawValue], force || now - partial.touched >= options.partialTimeout else { continue }
            partials[stream.rawValue] = nil
            counts.timedOut += 1
            partial.line.isTruncated = true
            outputs.append(partial.line)
        }
    }

    /// The first byte of a file from which on reading must begin again if the process stops now: that of the oldest
    /// part in waiting, else `offset`.
    func safeOffset(file: Int, offset: Int64) -> Int64 {
        partials.reduce(offset) { safe, partial in
            guard let partial, partial.line.startFile == file else { return safe }
            return min(safe, partial.line.start)
        }
    }

    var hasPartial: Bool { partials.contains { $0 != nil } }
    var isIdle: Bool { !hasPartial && overlong == nil }

    /// The counts since the last call.
    mutating func takeCounts() -> Counts {
        defer { counts = Counts() }
        return counts
    }
}
