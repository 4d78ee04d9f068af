import Exposition
import Telemetry

/// Gathers a request's records by their streams. A stream is found by the bytes that its sender calls it by, so that its
/// labels are made once.
struct BatchGatherer {
    private(set) var batches: [LogBatch] = []
    private(set) var records = 0
    private var table: ByteTable
    private var last = -1

    init(seed: UInt64 = 0x6C6F_6773) { table = ByteTable(seed: seed) }

    /// The number of the batch for the stream that is called by these bytes; `labels` is asked once for it.
    mutating func stream<E: Error>(_ key: Span<UInt8>, labels: () throws(E) -> Labels) throws(E) -> Int {
        let range = 0..<key.count
        // Lines of one stream mostly follow one another.
        if last >= 0, table.matches(last, key, range) { return last }
        let hash = table.hash(key, range)
        if let known = table.find(key, range, hash: hash) {
            last = known
            return known
        }
        let made = try labels()
        batches.append(LogBatch(stream: made, records: [], origin: nil))
        last = table.insert(key, range, hash: hash)
        return last
    }

    mutating func stream(_ labels: Labels) -> Int {
        let key = Array("\(labels)".utf8)
        return stream(key.span) { labels }
    }

    mutating func add(_ record: LogRecord, to stream: Int) {
        batches[stream].records.append(record)
        records += 1
    }

    /// The batches that have records. With an `origin` the store knows this request again, also after a restart: the batches
    /// are the bytes 0, 1, 2 and so on of a file that is the request.
    func finished(node: String? = nil, request: String = "") -> [LogBatch] {
        var batches = batches.filter { !$0.records.isEmpty }
        guard let node else { return batches }
        for index in batches.indices {
            batches[index].origin = LogBatch.Origin(node: node, file: request, start: Int64(index), end: Int64(index) + 1)
        }
        return batches
    }
}

extension Array where Element == UInt8 {
    /// The bytes in `range` of the span.
    init(copying bytes: Span<UInt8>, _ range: Range<Int>) {
        // The span's own bounds hold for the buffer, which does not outlive the closure.
        self = unsafe bytes.extracting(range).withUnsafeBufferPointer { unsafe Array($0) }
    }

    /// Adds the bytes in `range` of the span.
    mutating func append(copying bytes: Span<UInt8>, _ range: Range<Int>) {
        // As above.
        unsafe bytes.extracting(range).withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}
