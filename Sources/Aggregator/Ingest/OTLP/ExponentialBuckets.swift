import Exposition

/// OpenTelemetry's exponential histogram as Prometheus' native one: the same buckets, counted from another place.
///
/// Bucket i there covers (b^i, b^(i+1)], here (b^(i-1), b^i]: each number grows by one. A scale beyond 8, the finest
/// schema, is made coarser by joining pairs of buckets.
enum ExponentialBuckets {
    /// Nil if the scale is coarser than the coarsest schema, or there are more buckets than anybody means.
    static func native(_ point: OTLPPoint) -> NativeHistogram? {
        guard point.scale >= -4, point.scale <= 20, point.positive.counts.count <= 10_000, point.negative.counts.count <= 10_000 else { return nil }
        var histogram = NativeHistogram()
        histogram.schema = min(point.scale, 8)
        let shift = point.scale - histogram.schema
        histogram.count = point.count
        histogram.zeroCount = point.zeroCount
        histogram.zeroThreshold = point.zeroThreshold
        histogram.sum = point.sum ?? 0
        guard let positive = spans(point.positive, shift), let negative = spans(point.negative, shift) else { return nil }
        (histogram.positiveSpans, histogram.positiveDeltas) = positive
        (histogram.negativeSpans, histogram.negativeDeltas) = negative
        return histogram
    }

    private static func spans(_ buckets: OTLPBuckets, _ shift: Int32) -> (spans: [NativeHistogram.Span], deltas: [Int64])? {
        var spans: [NativeHistogram.Span] = []
        var deltas: [Int64] = []
        var joined: [(number: Int64, count: UInt64)] = []
        for (position, count) in buckets.counts.enumerated() where count > 0 {
            guard count <= UInt64(Int64.max) else { return nil }
            // An arithmetic shift joins neighbours also below zero.
            let number = ((Int64(buckets.offset) + Int64(position)) >> Int64(shift)) + 1
            if let last = joined.last, last.number == number { joined[joined.count - 1].count &+= count } else { joined.append((number, count)) }
        }
        var end: Int64 = 0
        var last: Int64 = 0
        for (number, count) in joined {
            if spans.isEmpty || number != end {
                guard let gap = Int32(exactly: number - end) else { return nil }
                spans.append(.init(offset: gap, length: 0))
            }
            spans[spans.count - 1].length += 1
            deltas.append(Int64(bitPattern: count) &- last)
            last = Int64(bitPattern: count)
            end = number + 1
        }
        return (spans, deltas)
    }
}
