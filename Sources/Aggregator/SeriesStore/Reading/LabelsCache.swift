import Synchronization
import Telemetry

/// Label sets of series as queries want them, made from the index's symbols once. A number is never given to another series,
/// so nothing here becomes wrong. When it is full it starts anew.
final class LabelsCache: Sendable {
    private let sets = Mutex<[SeriesID: Labels]>([:])
    private let maxSeries: Int

    init(maxSeries: Int) { self.maxSeries = maxSeries }

    var count: Int { sets.withLock { $0.count } }

    /// The label sets of series that the index has.
    func labels(of ids: [SeriesID], _ index: borrowing Mutex<SeriesIndex>) -> [Labels] {
        var result = sets.withLock { sets in ids.map { sets[$0] } }
        let missing = result.indices.filter { result[$0] == nil }
        guard !missing.isEmpty else { return result.map { $0 ?? Labels() } }
        index.withLock { index in for place in missing { result[place] = index.labels(of: ids[place]) } }
        sets.withLock { sets in
            if sets.count + missing.count > maxSeries { sets.removeAll() }
            // A deleted series has no labels any more: that is not kept.
            for place in missing.prefix(maxSeries) { if let labels = result[place], !labels.isEmpty { sets[ids[place]] = labels } }
        }
        return result.map { $0 ?? Labels() }
    }
}
