import Synchronization
import Telemetry

/// All samples that are in no day file yet. The writer changes it, readers take copies of columns.
final class Head: Sendable {
    private struct State {
        var sources: [SourceID: HeadSource] = [:]
        var nextLayout = 1
    }

    /// Some columns of one source as a query saw them; later appends do not change it.
    struct Snapshot: Sendable {
        var source: SourceID
        var times: [Int64]
        var rows: Range<Int>
        var columns: [HeadColumn]
    }

    /// A frame on its way into the head.
    struct Row: Sendable {
        var source: SourceID
        var time: Int64
        var values: [Double]
        var places: Places
    }

    /// Where the columns of a set are in a source's layout.
    struct Places: Sendable {
        var layout: Int
        var slots: [Int]
    }

    private let state = Mutex(State())

    /// The places of a set's columns. Valid until rows are removed.
    func places(of ids: [SeriesID], source: SourceID, known: Places?) -> Places {
        state.withLock { state in
            if state.sources[source] == nil {
                state.sources[source] = HeadSource(layout: state.nextLayout)
                state.nextLayout += 1
            }
            if let known, known.layout == state.sources[source]!.layout { return known }
            let slots = state.sources[source]!.slots(of: ids)
            return Places(layout: state.sources[source]!.layout, slots: slots)
        }
    }

    func add(_ rows: [Row]) {
        state.withLock { state in
            for row in rows { state.sources[row.source]?.add(time: row.time, slots: row.places.slots, values: row.values) }
        }
    }

    func contains(source: SourceID, time: Int64) -> Bool { state.withLock { $0.sources[source]?.contains(time: time) ?? false } }

    /// All of one source.
    func source(_ id: SourceID) -> HeadSource? { state.withLock { $0.sources[id] } }

    func remove(source: SourceID, from: Int64, through: Int64) {
        state.withLock { state in
            state.sources[source]?.remove(from: from, through: through, nextLayout: state.nextLayout)
            state.nextLayout += 1
        }
    }

    /// Gives up a source that has no rows.
    func forget(source: SourceID) {
        state.withLock { state in if state.sources[source]?.times.isEmpty == true { state.sources[source] = nil } }
    }

    /// The wanted columns, by source.
    func snapshot(_ wanted: [SourceID: [SeriesID]], from: Int64, through: Int64) -> [Snapshot] {
        state.withLock { state in
            var snapshots: [Snapshot] = []
            for (id, series) in wanted {
                guard let source = state.sources[id] else { continue }
                let rows = source.rows(from: from, through: through)
                guard !rows.isEmpty else { continue }
                snapshots.append(Snapshot(source: id, times: source.times, rows: rows, columns: series.compactMap { source.column($0) }))
            }
            return snapshots
        }
    }

    /// The series that have rows here.
    var seriesIDs: Set<SeriesID> { state.withLock { state in Set(state.sources.values.flatMap { $0.columns.lazy.filter { $0.count > 0 }.map(\.id) }) } }
    var bytes: Int { state.withLock { $0.sources.values.reduce(0) { $0 + $1.bytes } } }
    var rowCount: Int { state.withLock { $0.sources.values.reduce(0) { $0 + $1.times.count } } }
}
