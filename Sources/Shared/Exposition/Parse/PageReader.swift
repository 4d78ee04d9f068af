import ProtoWire
import Telemetry

/// Goes through a text page of metrics line by line: Prometheus' formats 0.0.4 and 1.0.0, and OpenMetrics 1.0.
///
/// It only finds the pieces; the labels of a series are read by `labels`, which a caller does once for a series and then
/// knows it by its text. Pages repeat themselves: with the series that came next last time as a guess, a line costs a
/// comparison and the reading of a number.
public struct PageReader: Sendable {
    public enum Entry: Sendable, Hashable { case sample, help, type, unit }

    public let format: TextFormat
    /// Of the line that was read last, from one.
    public private(set) var line = 0
    /// A sample's name and labels.
    public private(set) var series = 0..<0
    /// The guess if it was right, else nil.
    public private(set) var known: Int?
    public private(set) var value = 0.0
    /// Milliseconds since 1970; nil if the line has none.
    public private(set) var timestamp: Int64?
    /// What follows `#` behind a sample.
    public private(set) var exemplar: Range<Int>?
    /// The metric of a `# HELP`, `# TYPE` or `# UNIT`, and what it says of it.
    public private(set) var metric = 0..<0
    public private(set) var text = 0..<0
    /// Of the newest `# TYPE`.
    public private(set) var kind = "unknown"

    private var offset = 0
    private var isEnded = false

    public init(_ format: TextFormat) { self.format = format }

    /// The next entry; nil at the end of the page.
    /// - Parameter guess: the number in `table` of the series that probably comes.
    public mutating func next(_ bytes: Span<UInt8>, guess: Int? = nil, in table: ByteTable) throws(ExpositionError) -> Entry? {
        while offset < bytes.count {
            line += 1
            if isEnded { throw problem("there is more after # EOF") }
            if let guess, table.isPrefix(guess, bytes, at: offset) {
                let end = offset + table.length(guess)
                if end < bytes.count, bytes[end] == 0x20 {
                    series = offset..<end
                    known = guess
                    offset = end
                    try readValue(bytes)
                    return .sample
                }
            }
            let start = offset
            SeriesText.skipBlanks(bytes, &offset, bytes.count)
            guard offset < bytes.count else { break }
            switch bytes[offset] {
            case 0x0A, 0x0D:
                if format == .openMetrics { throw problem("an empty line, which OpenMetrics does not allow") }
                endLine(bytes)
            case UInt8(ascii: "#"): if let entry = try comment(bytes) { return entry }
            default:
                if format == .openMetrics, start != offset { throw problem("a line begins with a blank") }
                try findSeries(bytes)
                known = nil
                try readValue(bytes)
                return .sample
            }
        }
        if format == .openMetrics, !isEnded { throw problem("the page does not end with # EOF") }
        return nil
    }

    /// The labels of the sample that was read last. Bounds of buckets and quantiles are brought into one form (`1` is
    /// `1.0`), as Prometheus 3 does, so that all formats name a series alike.
    public func labels(_ bytes: Span<UInt8>) throws(ExpositionError) -> Labels {
        var labels = try SeriesText.labels(bytes, series, line: line)
        guard !labels.name.isEmpty else { throw problem("a sample has no name") }
        if kind == "histogram" { normalise("le", &labels) }
        if kind == "summary" { normalise("quantile", &labels) }
        return labels
    }

    private func normalise(_ name: String, _ labels: inout Labels) {
        let text = labels[name]
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x2B }), let bound = Double(text) else { return }
        labels[name] = bound.description
    }

    /// The exemplar of the sample that was read last.
    public func readExemplar(_ bytes: Span<UInt8>) throws(ExpositionError) -> (labels: Labels, value: Double, timestamp: Int64?)? {
        guard let exemplar else { return nil }
        var list: [Labels.Label] = []
        var offset = exemplar.lowerBound
        let end = exemplar.upperBound
        SeriesText.skipBlanks(bytes, &offset, end)
        try SeriesText.braces(bytes, &offset, end, line, &list)
        let length = list.reduce(0) { $0 + $1.name.unicodeScalars.count + $1.value.unicodeScalars.count }
        // OpenMetrics 1.0, "Exemplars".
        guard length <= 128 else { throw problem("an exemplar's labels have more than 128 characters") }
        SeriesText.skipBlanks(bytes, &offset, end)
        guard let value = DecimalNumber.double(bytes, &offset, end: end) else { throw problem("an exemplar's value is no number") }
        SeriesText.skipBlanks(bytes, &offset, end)
        guard offset < end else { return (try SeriesText.labels(list, line: line), value, nil) }
        guard let seconds = DecimalNumber.double(bytes, &offset, end: end), let time = milliseconds(seconds) else {
            throw problem("an exemplar's time is no number")
        }
        return (try SeriesText.labels(list, line: line), value, time)
    }

    private func problem(_ text: String) -> ExpositionError { ExpositionError(line: line, problem: text) }

    // MARK: Samples

    private mutating func findSeries(_ bytes: Span<UInt8>) throws(ExpositionError) {
        let start = offset
        var end = offset
        if (0x30...0x39).contains(bytes[start]) { throw problem("a name begins with a digit") }
        while end < bytes.count, SeriesText.isNameByte(bytes[end]) { end += 1 }
        var brace = end
        SeriesText.skipBlanks(bytes, &brace, bytes.count)
        if brace < bytes.count, bytes[brace] == UInt8(ascii: "{") {
            end = brace + 1
            var isQuoted = false
            while true {
                guard end < bytes.count, bytes[end] != 0x0A else { throw problem("the labels do not end with }") }
                let byte = bytes[end]
                end += 1
                if byte == 0x22 {
                    isQuoted.toggle()
                } else if isQuoted, byte == 0x5C {
                    end += 1
                } else if !isQuoted, byte == UInt8(ascii: "}") {
                    break
                }
            }
        } else if end == start {
            throw problem("a line begins with no name")
        }
        series = start..<min(end, bytes.count)
        offset = series.upperBound
    }

    /// The value, the time and the exemplar, up to the line's end.
    private mutating func readValue(_ bytes: Span<UInt8>) throws(ExpositionError) {
        SeriesText.skipBlanks(bytes, &offset, bytes.count)
        guard let number = DecimalNumber.double(bytes, &offset, end: bytes.count) else { throw problem("the value is no number") }
        value = number
        timestamp = nil
        exemplar = nil
        // Most lines end here.
        if offset < bytes.count, bytes[offset] == 0x0A {
            offset += 1
            return
        }
        SeriesText.skipBlanks(bytes, &offset, bytes.count)
        if offset < bytes.count, bytes[offset] != 0x0A, bytes[offset] != 0x0D, bytes[offset] != UInt8(ascii: "#") {
            if format == .openMetrics {
                guard let seconds = DecimalNumber.double(bytes, &offset, end: bytes.count), let time = milliseconds(seconds) else {
                    throw problem("the time is no number of seconds")
                }
                timestamp = time
            } else {
                guard let time = DecimalNumber.integer(bytes, &offset, end: bytes.count) else {
                    throw problem("the time is no whole number of milliseconds")
                }
                timestamp = time
            }
            SeriesText.skipBlanks(bytes, &offset, bytes.count)
        }
        if offset < bytes.count, bytes[offset] == UInt8(ascii: "#") {
            guard format == .openMetrics else { throw problem("an exemplar, which only OpenMetrics has") }
            let start = offset + 1
            while offset < bytes.count, bytes[offset] != 0x0A { offset += 1 }
            exemplar = start..<offset
        }
        if offset < bytes.count, bytes[offset] == 0x0D { offset += 1 }
        guard offset == bytes.count || bytes[offset] == 0x0A else { throw problem("something follows the sample") }
        offset += 1
    }

    private func milliseconds(_ seconds: Double) -> Int64? {
        guard seconds.magnitude < 1e15 else { return nil }
        return Int64((seconds * 1000).rounded())
    }

    // MARK: Comments

    private mutating func comment(_ bytes: Span<UInt8>) throws(ExpositionError) -> Entry? {
        let start = offset
        endLine(bytes)
        var end = offset
        if end > start, bytes[end - 1] == 0x0A { end -= 1 }
        if end > start, bytes[end - 1] == 0x0D { end -= 1 }
        var place = start + 1
        let keyword = word(bytes, &place, end)
        let entry: Entry
        switch String(copying: bytes, keyword) {
        case "HELP": entry = .help
        case "TYPE": entry = .type
        case "UNIT" where format == .openMetrics: entry = .unit
        case "EOF" where format == .openMetrics:
            isEnded = true
            return nil
        default:
            if format == .openMetrics { throw problem("a comment that OpenMetrics does not know") }
            return nil
        }
        metric = word(bytes, &place, end)
        guard !metric.isEmpty else { throw problem("the metric's name is missing") }
        SeriesText.skipBlanks(bytes, &place, end)
        text = place..<end
        if entry == .type {
            kind = String(copying: bytes, text)
            while kind.last == " " { kind.removeLast() }
            guard PageReader.kinds.contains(kind) else { throw problem("\"\(kind)\" is no type of a metric") }
            if kind == "untyped" { kind = "unknown" }
        }
        return entry
    }

    static let kinds: Set<String> = [
        "counter", "gauge", "histogram", "summary", "untyped", "unknown", "gaugehistogram", "info", "stateset",
    ]

    /// The metric that the entry read last is about.
    public func metricName(_ bytes: Span<UInt8>) -> String {
        guard !metric.isEmpty, bytes[metric.lowerBound] == 0x22 else { return String(copying: bytes, metric) }
        return SeriesText.unescaped(bytes, metric.lowerBound + 1..<max(metric.lowerBound + 1, metric.upperBound - 1)) ?? ""
    }

    /// The text of a `# HELP` or `# UNIT`.
    public func metricText(_ bytes: Span<UInt8>) -> String { SeriesText.unescaped(bytes, text) ?? String(copying: bytes, text) }

    /// The next word; a quoted one may hold blanks.
    private func word(_ bytes: Span<UInt8>, _ place: inout Int, _ end: Int) -> Range<Int> {
        SeriesText.skipBlanks(bytes, &place, end)
        let start = place
        if place < end, bytes[place] == 0x22 {
            place += 1
            while place < end, bytes[place] != 0x22 { place += bytes[place] == 0x5C ? 2 : 1 }
            place = min(place + 1, end)
            return start..<place
        }
        while place < end, bytes[place] != 0x20, bytes[place] != 0x09 { place += 1 }
        return start..<place
    }

    private mutating func endLine(_ bytes: Span<UInt8>) {
        while offset < bytes.count, bytes[offset] != 0x0A { offset += 1 }
        if offset < bytes.count { offset += 1 }
    }
}
