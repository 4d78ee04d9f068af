import Synchronization
import Telemetry

/// The samples that are in no day file yet: a table that grows, and during a flush the one that is being written.
///
/// The writer changes it, readers take copies of what they want.
final class Head: Sendable {
    private struct State {
        var active = HeadTable()
        var frozen: HeadTable?
    }

    private let state = Mutex(State())

    /// Runs `body` on the growing table, with the frozen one beside it.
    func write<Result>(_ body: (inout HeadTable, HeadTable?) -> Result) -> Result {
        state.withLock { state in body(&state.active, state.frozen) }
    }

    /// The table to flush: the one that a failed flush left, or all that there is; nil if there is nothing.
    /// New samples then go into a new table. `isNew` says that the growing table was taken.
    func freeze() -> (table: HeadTable, isNew: Bool)? {
        state.withLock { state in
            if let frozen = state.frozen { return (frozen, false) }
            guard !state.active.isEmpty else { return nil }
            state.frozen = state.active
            state.active = HeadTable()
            return (state.frozen!, true)
        }
    }

    /// The frozen table is in day files.
    func dropFrozen() {
        let old = state.withLock { state in
            let old = state.frozen
            state.frozen = nil
            return old
        }
        // Freed here and not under the lock.
        _ = consume old
    }

    /// The samples of some series, the older table's first: a later one counts for more.
    func samples(of ids: [SeriesID], from: Int64, through: Int64) -> [SeriesID: [HeadSamples]] {
        state.withLock { state in
            var result: [SeriesID: [HeadSamples]] = [:]
            for table in [state.frozen, state.active] {
                guard let table, !table.isEmpty else { continue }
                for id in ids {
                    let samples = table.samples(of: id, from: from, through: through)
                    if !samples.times.isEmpty { result[id, default: []].append(samples) }
                }
            }
            return result
        }
    }

    /// The series that have samples here.
    var series: Set<SeriesID> { state.withLock { Set($0.active.series).union($0.frozen?.series ?? []) } }
    var bytes: Int { state.withLock { $0.active.estimatedBytes + ($0.frozen?.estimatedBytes ?? 0) } }
    /// Whether it is to be flushed at once.
    func isLarge(_ configuration: SeriesStoreConfiguration) -> Bool {
        state.withLock { $0.active.estimatedBytes > configuration.maxHeadBytes / 2 || $0.active.samples > configuration.maxHeadSamples }
    }
    var samples: Int { state.withLock { $0.active.samples + ($0.frozen?.samples ?? 0) } }
    /// The oldest sample; `Int64.max` if there is none.
    var oldest: Int64 { state.withLock { min($0.active.oldest, $0.frozen?.oldest ?? .max) } }
    /// The newest sample; `Int64.min` if there is none.
    var newest: Int64 { state.withLock { max($0.active.newest, $0.frozen?.newest ?? .min) } }
    var hasFrozen: Bool { state.withLock { $0.frozen != nil } }
}
