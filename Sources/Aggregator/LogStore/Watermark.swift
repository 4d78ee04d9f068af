/// Which bytes of one file's one stream are stored: disjoint half-open ranges in ascending order.
///
/// A tailer sends a file's bytes in order, so there is nearly always one range. A sender that
/// retries several batches at once may leave gaps for a while; their number is bounded.
struct Watermark: Hashable, Sendable {
    static let maximumRanges = 64

    struct Interval: Hashable, Sendable {
        var start: Int64
        var end: Int64
    }
    private(set) var ranges: [Interval] = []

    init(_ ranges: [Interval] = []) { self.ranges = ranges }

    /// Whether the record that ends at `end` is stored. A record belongs where its last byte is.
    func covers(recordEndingAt end: Int64) -> Bool {
        // Nearly always one range; at most 64.
        ranges.contains { $0.start < end && end <= $0.end }
    }

    /// Adds a range, joining those that it touches.
    mutating func add(_ start: Int64, _ end: Int64) {
        guard start < end else { return }
        var merged = Interval(start: start, end: end)
        var kept: [Interval] = []
        for range in ranges {
            if range.end < merged.start || range.start > merged.end {
                kept.append(range)
            } else {
                merged.start = min(merged.start, range.start)
                merged.end = max(merged.end, range.end)
            }
        }
        kept.append(merged)
        ranges = kept.sorted { $0.start < $1.start }
    }

    /// Where a sender should go on: the end of the first range.
    var resumeOffset: Int64 { ranges.first?.end ?? 0 }

    var bytes: [UInt8] {
        var writer = ByteWriter()
        for range in ranges {
            writer.signed(range.start)
            writer.signed(range.end - range.start)
        }
        return writer.bytes
    }

    init(bytes: [UInt8]) throws(CodingError) {
        var reader = ByteReader(bytes)
        while !reader.isAtEnd {
            let start = try reader.signed()
            let (end, overflow) = start.addingReportingOverflow(try reader.signed())
            guard !overflow, end > start else { throw CodingError("a watermark's range is empty") }
            ranges.append(Interval(start: start, end: end))
        }
    }
}
