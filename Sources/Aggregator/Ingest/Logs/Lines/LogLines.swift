/// Reads documents that follow one another: JSON lines, JSON without line ends between, or one list.
///
/// A line that is no document is left out and counted; what follows it is read.
struct LogLines {
    private(set) var gatherer = BatchGatherer()
    private(set) var reader: DocumentReader
    private(set) var refused = 0
    /// Why the first that were refused were; at most four.
    private(set) var reasons: [String] = []

    init(mapping: RecordMapping, limits: LogIngestLimits) { reader = DocumentReader(mapping: mapping, limits: limits) }

    mutating func read(_ source: [UInt8], now: Int64) {
        let bytes = source.span
        var cursor = JSONCursor(bytes)
        let isList = cursor.take(UInt8(ascii: "["), bytes)
        while true {
            let next = cursor.peek(bytes)
            guard cursor.offset < cursor.end else { return }
            if isList, next == UInt8(ascii: ",") || next == UInt8(ascii: "]") {
                cursor.offset += 1
                continue
            }
            let start = cursor.offset
            do throws(JSONProblem) {
                guard next == UInt8(ascii: "{") else { throw cursor.problem("expected an object") }
                try reader.read(source, &cursor, now: now, into: &gatherer)
            } catch {
                refused += 1
                if reasons.count < 4 { reasons.append("\(error)") }
                // On with the next line.
                cursor.offset = source[start...].firstIndex(of: 0x0A) ?? cursor.end
            }
        }
    }
}
