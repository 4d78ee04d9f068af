import LogParsing
import Telemetry

/// Turns the bytes of one container run's log files into records: cuts lines, reads their stamps, joins what the
/// runtime split, each stream for itself. Pure: it reads no file and no clock.
///
/// A logical line may begin in a rotated file and end in the next, so one assembler serves all generations of a run.
struct LineAssembler {
    struct Options: Sendable {
        /// A longer line becomes several records, so that no memory is unbounded and no byte lost.
        var maximumLineBytes = 1 << 20
        /// How long a part waits for its next part, in nanoseconds.
        var partialTimeout: Int64 = 5_000_000_000
    }

    struct Output: Hashable {
        var stream: CRILine.Stream
        /// The number of the file that the record's last byte is in, and the offset after it.
        var file: Int
        var end: Int64
        var record: LogRecord
    }

    /// Events to be counted.
    struct Counts: Hashable {
        var unparsed = 0
        var joined = 0
        var split = 0
        var timedOut = 0
    }

    private struct Partial {
        var time: Int64
        var text: [UInt8]
        var startFile: Int
        var start: Int64
        var endFile: Int
        var end: Int64
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
    /// if the line is longer than the bound. Records are appended to `outputs`.
    mutating func feed(_ bytes: [UInt8], file: Int, at offset: Int64, now: Int64, outputs: inout [Output]) -> Int {
        var start = 0
        while let length = Self.lineLength(bytes, from: start) {
            line(bytes[start..<start + length], file: file, start: offset + Int64(start), end: offset + Int64(start + length + 1), now: now, &outputs)
            start += length + 1
        }
        // An unterminated line beyond the bound (and its stamp) is cut here.
        if bytes.count - start >= options.maximumLineBytes + 64 {
            piece(bytes[start...], file: file, end: offset + Int64(bytes.count), now: now, &outputs)
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

    private mutating func line(_ bytes: ArraySlice<UInt8>, file: Int, start: Int64, end: Int64, now: Int64, _ outputs: inout [Output]) {
        if let (time, stream) = overlong {
            overlong = nil
            emit(time, stream, bytes, file, end, &outputs)
            return
        }
        guard let parsed = CRILine.parse(bytes) else {
            counts.unparsed += 1
            emit(now, .stdout, bytes, file, end, &outputs)
            return
        }
        let text = bytes[parsed.textStart...]
        let index = parsed.stream.rawValue
        guard var partial = partials[index] else {
            if parsed.isPartial {
                partials[index] = Partial(
                    time: parsed.time, text: Array(text), startFile: file, start: start, endFile: file, end: end, touched: now, parts: 1)
            } else {
                emit(parsed.time, parsed.stream, text, file, end, &outputs)
            }
            return
        }
        partials[index] = nil
        if partial.text.count + text.count > options.maximumLineBytes {
            counts.split += 1
            emit(partial.time, parsed.stream, partial.text[...], partial.endFile, partial.end, &outputs)
            // The rest keeps the stamp of the line's beginning.
            partial = Partial(time: partial.time, text: [], startFile: file, start: start, endFile: file, end: end, touched: now, parts: 0)
        }
        partial.text.append(contentsOf: text)
        (partial.endFile, partial.end, partial.touched, partial.parts) = (file, end, now, partial.parts + 1)
        if parsed.isPartial {
            partials[index] = partial
        } else {
            if partial.parts > 1 { counts.joined += 1 }
            emit(partial.time, parsed.stream, partial.text[...], file, end, &outputs)
        }
    }

    /// A part of a physical line that exceeds the bound.
    private mutating func piece(_ bytes: ArraySlice<UInt8>, file: Int, end: Int64, now: Int64, _ outputs: inout [Output]) {
        counts.split += 1
        if let (time, stream) = overlong {
            emit(time, stream, bytes, file, end, &outputs)
        } else if let parsed = CRILine.parse(bytes) {
            overlong = (parsed.time, parsed.stream)
            emit(parsed.time, parsed.stream, bytes[parsed.textStart...], file, end, &outputs)
        } else {
            counts.unparsed += 1
            overlong = (now, .stdout)
            emit(now, .stdout, bytes, file, end, &outputs)
        }
    }

    private func emit(
        _ time: Int64, _ stream: CRILine.Stream, _ text: ArraySlice<UInt8>, _ file: Int, _ end: Int64, _ outputs: inout [Output]
    ) {
        outputs.append(
            Output(stream: stream, file: file, end: end, record: LogRecord(time: time, severity: SeverityDetector.detect(text), body: Array(text))))
    }

    /// Gives out parts whose next part did not come in time; all of them if `force`, as at a container's end.
    mutating func expire(now: Int64, force: Bool = false, outputs: inout [Output]) {
        for stream in CRILine.Stream.allCases {
            guard let partial = partials[stream.rawValue], force || now - partial.touched >= options.partialTimeout else { continue }
            partials[stream.rawValue] = nil
            counts.timedOut += 1
            emit(partial.time, stream, partial.text[...], partial.endFile, partial.end, &outputs)
        }
    }

    /// The first byte of a file from which on reading must begin again if the process stops now: that of the oldest
    /// part in waiting, else `offset`.
    func safeOffset(file: Int, offset: Int64) -> Int64 {
        partials.reduce(offset) { safe, partial in
            guard let partial, partial.startFile == file else { return safe }
            return min(safe, partial.start)
        }
    }

    var hasPartial: Bool { partials.contains { $0 != nil } }
    var bufferedBytes: Int { partials.reduce(0) { $0 + ($1?.text.count ?? 0) } }

    /// The counts since the last call.
    mutating func takeCounts() -> Counts {
        defer { counts = Counts() }
        return counts
    }
}
