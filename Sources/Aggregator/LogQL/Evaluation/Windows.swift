import Telemetry

/// The windows of a range aggregation: one for each step, `(step - range, step]`, moved by the offset. All in
/// nanoseconds since 1970.
struct Windows: Sendable, Hashable {
    var start: Int64
    var step: Int64
    var count: Int
    var range: Int64
    var offset: Int64

    /// What must be read: half-open.
    var span: Range<Int64> {
        let end = start &+ Int64(count - 1) &* step
        return (start &- range &- offset &+ 1)..<(end &- offset &+ 1)
    }

    /// The steps whose windows hold the time; nil if none.
    func steps(of time: Int64) -> ClosedRange<Int>? {
        let moved = time &+ offset &- start
        let first = max(0, Windows.ceilDivide(moved, step))
        let last = min(Int64(count - 1), (moved &+ range &- 1).floorDivided(by: step))
        return first <= last ? Int(first)...Int(last) : nil
    }

    static func ceilDivide(_ value: Int64, _ divisor: Int64) -> Int64 { -((0 &- value).floorDivided(by: divisor)) }

    /// The width of the buckets of which every window is made up.
    var bucketWidth: Int64 {
        guard count > 1 else { return range }
        var (a, b) = (range, step)
        while b != 0 { (a, b) = (b, a % b) }
        return a
    }

    /// How many buckets of that width there are; those of a window begin at `step / width * index`.
    var bucketCount: Int { Int((range + Int64(count - 1) * step) / bucketWidth) }

    /// The bucket `(lower, upper]` of a time within `span`.
    func bucket(of time: Int64, width: Int64) -> Int { Int(Windows.ceilDivide(time &+ offset &- (start &- range), width)) - 1 }
}
