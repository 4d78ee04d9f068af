import Synchronization
import Telemetry

/// Gives numbers to series: finds known ones, adds new ones within the limits. Confined to the writer.
struct Registrar {
    enum Refusal: Equatable {
        case invalid(String)
        case storeLimit(Int)
        case metricLimit(metric: String, Int)

        func text(_ labels: Labels) -> String {
            switch self {
            case .invalid(let reason): reason
            case .storeLimit(let limit):
                "\(labels): the store holds \(limit) active series, its limit, and takes no new ones; drop a label that has many values, or raise --max-series"
            case .metricLimit(let metric, let limit):
                "\(labels): the metric \(metric) has \(limit) active series, the limit of one metric; drop a label that has many values, or raise --max-series-per-metric"
            }
        }
    }

    /// Series that are in no durable record yet.
    private(set) var unlogged: [SeriesID] = []
    /// Chunks of the catalog that changed since it was written.
    var dirtyChunks = Set<Int>()
    var epoch = SeriesIdentity.nextEpoch()
    /// The hour that was last noted for each series.
    private var notedHours: [Int32] = []
    private var sets: [ObjectIdentifier: ResolvedSet] = [:]
    private var activePerMetric: [String: Int] = [:]
    private var active = 0
    private var countedHour: Int32 = .min

    static let none = SeriesID.max
    private static let maxSets = 4096

    /// A set of series with the store's numbers for them; `none` for one that was refused or came twice.
    final class ResolvedSet {
        /// Held, so that its identity is not given to another object.
        let set: SeriesSet
        let ids: [SeriesID]
        let refused: Int
        init(_ set: SeriesSet, _ ids: [SeriesID], refused: Int) {
            self.set = set
            self.ids = ids
            self.refused = refused
        }
    }

    mutating func resolve(_ series: SeriesIdentity, time: Int64, now: Int64, _ shared: Shared) -> Result<SeriesID, RefusalError> {
        if let id = series.id(epoch) { return .success(id) }
        return resolve(series.labels, time, now, shared).map { id in
            series.note(id, epoch)
            return id
        }
    }

    mutating func resolve(_ set: SeriesSet, time: Int64, now: Int64, _ shared: Shared) -> ResolvedSet {
        if let known = sets[ObjectIdentifier(set)] { return known }
        var seen = Set<SeriesID>()
        var refused = 0
        let ids = set.labels.map { labels -> SeriesID in
            guard case .success(let id) = resolve(labels, time, now, shared) else {
                refused += 1
                return Registrar.none
            }
            // Of two series with the same labels the first counts, as in a scrape.
            return seen.insert(id).inserted ? id : Registrar.none
        }
        let resolved = ResolvedSet(set, ids, refused: refused)
        // One that was not complete is asked about again next time.
        if refused == 0 {
            if sets.count >= Registrar.maxSets { sets = [:] }
            sets[ObjectIdentifier(set)] = resolved
        }
        return resolved
    }

    struct RefusalError: Error { var refusal: Refusal }

    private mutating func resolve(_ labels: Labels, _ time: Int64, _ now: Int64, _ shared: Shared) -> Result<SeriesID, RefusalError> {
        if let id = shared.index.withLock({ $0.id(of: labels) }) { return .success(id) }
        if let violation = LabelRule.violation(labels) { return .failure(RefusalError(refusal: .invalid(violation))) }
        count(now, shared)
        let metric = labels.name
        let configuration = shared.configuration
        guard active < configuration.maxSeries, shared.index.withLock({ $0.count }) < configuration.maxTotalSeries else {
            return .failure(RefusalError(refusal: .storeLimit(configuration.maxSeries)))
        }
        guard activePerMetric[metric, default: 0] < configuration.maxSeriesPerMetric else {
            return .failure(RefusalError(refusal: .metricLimit(metric: metric, configuration.maxSeriesPerMetric)))
        }
        let id = shared.index.withLock { $0.add(labels, hour: hour(time)) }
        active += 1
        activePerMetric[metric, default: 0] += 1
        unlogged.append(id)
        dirtyChunks.insert(Int(id) / SeriesChunk.size)
        noteHour(id, hour(time))
        return .success(id)
    }

    /// The number of a series, if it is known.
    func known(_ series: SeriesIdentity, _ shared: Shared) -> SeriesID? {
        series.id(epoch) ?? shared.index.withLock { $0.id(of: series.labels) }
    }

    /// Counts the active series anew once an hour: those with samples in this hour or the one before.
    private mutating func count(_ now: Int64, _ shared: Shared) {
        let current = hour(now)
        guard current != countedHour else { return }
        countedHour = current
        (active, activePerMetric) = shared.index.withLock { index in
            var perMetric: [String: Int] = [:]
            if let name = index.symbols.number(of: Labels.metricName) {
                for value in index.values(of: name) {
                    let count = index.series(name, value).count { index.isWithin($0, (current - 1)...Int32.max) }
                    if count > 0 { perMetric[index.symbols[value]] = count }
                }
            }
            return (index.active(since: current - 1), perMetric)
        }
    }

    /// Tells the index in which hours a series has samples.
    @inline(__always)
    mutating func touch(_ id: SeriesID, _ hour: Int32, _ shared: Shared) {
        if Int(id) < notedHours.count, notedHours[Int(id)] == hour { return }
        noteHour(id, hour)
        if shared.index.withLock({ $0.touch(id, hour: hour) }) { dirtyChunks.insert(Int(id) / SeriesChunk.size) }
    }

    private mutating func noteHour(_ id: SeriesID, _ hour: Int32) {
        if Int(id) >= notedHours.count { notedHours.append(contentsOf: repeatElement(.min, count: Int(id) + 1024 - notedHours.count)) }
        notedHours[Int(id)] = hour
    }

    /// The new series are in a durable record.
    mutating func logged() { unlogged.removeAll(keepingCapacity: true) }

    /// Series were removed: nothing that was noted counts any more.
    mutating func forget() {
        epoch = SeriesIdentity.nextEpoch()
        sets = [:]
        countedHour = .min
    }
}
