/// Keeps the Collector's own use of CPU below a share of one core by measuring less often.
///
/// A decision each window: the interval is as wide as the mean cost of a round needs, and comes back a step at a time,
/// once the narrower one would stay below four fifths of the budget, so that it does not swing.
struct CPUBudget {
    /// Share of a core; 0 is no bound.
    let share: Double
    /// Milliseconds: what is asked for, and how wide it may get.
    let base: Int64
    private(set) var interval: Int64
    private var cost: (seconds: Double, rounds: Int) = (0, 0)
    private var windowEnd: Int64?

    /// Milliseconds between decisions.
    static let window: Int64 = 10_000
    static let widest: Int64 = 60_000
    /// Factors of the base interval.
    private static let factors: [Int64] = [1, 2, 3, 5, 10, 15, 30, 60]

    init(share: Double, base: Int64) {
        self.share = share
        self.base = base
        interval = base
    }

    /// Takes the CPU seconds of one round that ended at `monotonic` milliseconds; the interval to go on with.
    mutating func record(_ seconds: Double, at monotonic: Int64) -> Int64 {
        cost.seconds += seconds
        cost.rounds += 1
        guard let end = windowEnd else {
            // The first round opens all files and costs several times as much as the others.
            cost = (0, 0)
            windowEnd = monotonic + CPUBudget.window
            return interval
        }
        guard monotonic >= end, share > 0 else { return interval }
        interval = CPUBudget.decide(meanCost: cost.seconds / Double(cost.rounds), share: share, base: base, interval: interval)
        cost = (0, 0)
        windowEnd = monotonic + max(CPUBudget.window, 3 * interval)
        return interval
    }

    /// The interval in milliseconds for a mean cost of a round in CPU seconds.
    static func decide(meanCost: Double, share: Double, base: Int64, interval: Int64) -> Int64 {
        let steps = factors.map { base * $0 }.filter { $0 <= max(widest, base) }
        func use(_ step: Int64) -> Double { meanCost / (Double(step) / 1000) }
        if use(interval) > share { return steps.first { $0 > interval && use($0) <= share } ?? max(interval, steps.last ?? interval) }
        guard let narrower = steps.last(where: { $0 < interval }), use(narrower) <= share * 0.8 else { return interval }
        return narrower
    }
}
