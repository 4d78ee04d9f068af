import ProtoWire

/// A histogram with exponential or custom buckets, in the form in which Prometheus sends and stores them.
///
/// `encoded` is the message `Histogram` of Prometheus remote write (prompb/types.proto) without its time stamp: that is
/// what the store keeps. Bucket i of schema n covers (b^(i-1), b^i] with b = 2^(2^-n); schema -53 has `customBounds`.
public struct NativeHistogram: Hashable, Sendable {
    /// Consecutive buckets: `offset` is the gap to the end of the span before (or to bucket 0), `length` how many.
    public struct Span: Hashable, Sendable {
        public var offset: Int32
        public var length: UInt32
        public init(offset: Int32, length: UInt32) {
            self.offset = offset
            self.length = length
        }
    }

    /// 0 unknown, 1 yes, 2 no, 3 gauge.
    public var resetHint: UInt64 = 0
    public var schema: Int32 = 0
    public var zeroThreshold = 0.0
    public var sum = 0.0
    /// Counts as whole numbers, the usual form; nil if they are fractions.
    public var count: UInt64?
    public var zeroCount: UInt64?
    public var floatCount: Double?
    public var floatZeroCount: Double?
    public var positiveSpans: [Span] = []
    public var negativeSpans: [Span] = []
    /// Of whole counts: each bucket's difference to the one before.
    public var positiveDeltas: [Int64] = []
    public var negativeDeltas: [Int64] = []
    /// Of fractional counts: each bucket's count.
    public var positiveCounts: [Double] = []
    public var negativeCounts: [Double] = []
    public var customBounds: [Double] = []

    public init() {}

    /// The message as bytes, fields in ascending order, absent ones left out.
    public var encoded: [UInt8] {
        var writer = WireWriter(reserving: 64 + 4 * (positiveDeltas.count + negativeDeltas.count))
        if let count { writer.varint(1, count) }
        if let floatCount { writer.double(2, floatCount) }
        writer.double(3, sum)
        if schema != 0 { writer.zigzag(4, Int64(schema)) }
        writer.double(5, zeroThreshold)
        if let zeroCount { writer.varint(6, zeroCount) }
        if let floatZeroCount { writer.double(7, floatZeroCount) }
        NativeHistogram.write(negativeSpans, 8, &writer)
        writer.packed(9, negativeDeltas.map(WireWriter.zigzag))
        writer.packed(10, negativeCounts)
        NativeHistogram.write(positiveSpans, 11, &writer)
        writer.packed(12, positiveDeltas.map(WireWriter.zigzag))
        writer.packed(13, positiveCounts)
        if resetHint != 0 { writer.varint(14, resetHint) }
        writer.packed(16, customBounds)
        return writer.bytes
    }

    private static func write(_ spans: [Span], _ field: Int, _ writer: inout WireWriter) {
        for span in spans {
            writer.message(field) {
                $0.zigzag(1, Int64(span.offset))
                $0.varint(2, UInt64(span.length))
            }
        }
    }

    /// Reads the message of remote write and gives its time stamp (milliseconds) with it. Checks that spans and buckets
    /// agree, so that whoever reads the stored bytes need not.
    public static func decode(_ bytes: Swift.Span<UInt8>, _ range: Range<Int>) throws(WireError) -> (histogram: NativeHistogram, timestamp: Int64) {
        var histogram = NativeHistogram()
        var timestamp: Int64 = 0
        var reader = WireReader(range)
        while try reader.next(bytes) {
            switch reader.number {
            case 1: histogram.count = try reader.varint(bytes)
            case 2: histogram.floatCount = try reader.double(bytes)
            case 3: histogram.sum = try reader.double(bytes)
            case 4: histogram.schema = Int32(truncatingIfNeeded: try reader.zigzag(bytes))
            case 5: histogram.zeroThreshold = try reader.double(bytes)
            case 6: histogram.zeroCount = try reader.varint(bytes)
            case 7: histogram.floatZeroCount = try reader.double(bytes)
            case 8: histogram.negativeSpans.append(try span(&reader, bytes))
            case 9: try reader.repeated(bytes, .varint) { (r, b) throws(WireError) in histogram.negativeDeltas.append(try r.zigzag(b)) }
            case 10: try reader.repeated(bytes, .fixed64) { (r, b) throws(WireError) in histogram.negativeCounts.append(try r.double(b)) }
            case 11: histogram.positiveSpans.append(try span(&reader, bytes))
            case 12: try reader.repeated(bytes, .varint) { (r, b) throws(WireError) in histogram.positiveDeltas.append(try r.zigzag(b)) }
            case 13: try reader.repeated(bytes, .fixed64) { (r, b) throws(WireError) in histogram.positiveCounts.append(try r.double(b)) }
            case 14: histogram.resetHint = try reader.varint(bytes)
            case 15: timestamp = Int64(bitPattern: try reader.varint(bytes))
            case 16: try reader.repeated(bytes, .fixed64) { (r, b) throws(WireError) in histogram.customBounds.append(try r.double(b)) }
            default: try reader.skip(bytes)
            }
        }
        return (histogram, timestamp)
    }

    static func span(_ reader: inout WireReader, _ bytes: Swift.Span<UInt8>) throws(WireError) -> Span {
        try reader.expect(.bytes)
        var inner = try reader.message(bytes)
        var span = Span(offset: 0, length: 0)
        while try inner.next(bytes) {
            switch inner.number {
            case 1: span.offset = Int32(truncatingIfNeeded: try inner.zigzag(bytes))
            case 2: span.length = UInt32(truncatingIfNeeded: try inner.varint(bytes))
            default: try inner.skip(bytes)
            }
        }
        return span
    }

    /// What is wrong with it, for the answer to its sender; nil if nothing is.
    public var problem: String? {
        guard (-4...8).contains(schema) || schema == -53 else { return "a native histogram has the schema \(schema), known are -4 to 8 and -53" }
        guard count != nil || floatCount != nil else { return "a native histogram has no count" }
        let positive = positiveSpans.reduce(0) { $0 + Int($1.length) }
        let negative = negativeSpans.reduce(0) { $0 + Int($1.length) }
        let isFloat = count == nil
        guard positive == (isFloat ? positiveCounts.count : positiveDeltas.count), negative == (isFloat ? negativeCounts.count : negativeDeltas.count)
        else { return "a native histogram's spans and buckets differ in number" }
        guard schema != -53 || negativeSpans.isEmpty else { return "a native histogram with custom bounds has negative buckets" }
        return nil
    }
}
