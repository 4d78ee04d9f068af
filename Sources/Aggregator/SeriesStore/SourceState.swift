import Telemetry

/// What the writer knows of one source. Confined to the writer.
final class SourceState {
    let id: SourceID
    /// The newest time that is stored.
    var lastTime: Int64?
    /// The newest time that is in a day file: an older frame may be there already.
    var flushedTime: Int64?
    /// The log's oldest row with samples of this source that are in no day file.
    var firstSequence: Int64?
    /// When the oldest such sample arrived, by the clock, in milliseconds.
    var oldestArrival: Int64?
    var lastArrival: Int64 = 0
    /// Times of the commit that is being put together.
    var pendingTimes: Set<Int64> = []
    var chain: FrameChain?
    private(set) var sets: [ResolvedSet] = []

    /// Sets of one source that are remembered: one and, while it changes, the other.
    static let maxSets = 4

    init(id: SourceID) { self.id = id }

    func resolved(_ set: SeriesSet) -> ResolvedSet? { sets.first { $0.set === set } }

    func remember(_ resolved: ResolvedSet) {
        if sets.count == SourceState.maxSets { sets.removeFirst() }
        sets.append(resolved)
    }

    func forgetSets() {
        sets = []
        chain = nil
    }
}

/// A set of series with the store's numbers for them.
final class ResolvedSet {
    /// Held, so that its identity is not given to another object.
    let set: SeriesSet
    let ids: [SeriesID]
    /// Which values of a frame are kept; nil if all are. Not those of a series that comes twice or was refused.
    let kept: [Int]?
    var places: Head.Places?
    /// Hours for which the index knows these series.
    var hours: ClosedRange<Int64>?

    init(set: SeriesSet, ids: [SeriesID], kept: [Int]?) {
        self.set = set
        self.ids = ids
        self.kept = kept
    }

    func values(_ frame: SampleFrame) -> [Double] { kept.map { $0.map { frame.values[$0] } } ?? frame.values }
}
