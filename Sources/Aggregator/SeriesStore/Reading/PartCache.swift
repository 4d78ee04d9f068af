import ChunkCodec
import Runtime
import Synchronization

/// Directories and decoded columns of parts that queries read lately, shared by all readers.
///
/// A part never changes, and a key names one part for ever; so what is here is right, whatever the writer does. Parts
/// that are gone from their files are let go when a reader sees the new list. Over the bound the parts that were not used
/// for the longest time go.
final class PartCache: Sendable {
    struct Key: Hashable {
        /// Of the day file.
        var generation: Int
        var part: PartRow
    }

    private struct Entry {
        var part: CachedPart
        var lastUse: Int
        var bytes: Int
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var bytes = 0
        var uses = 0
    }

    private let state = Mutex(State())
    private let maxBytes: Int
    private let metrics: SeriesStoreMetrics

    init(maxBytes: Int, metrics: SeriesStoreMetrics) {
        self.maxBytes = maxBytes
        self.metrics = metrics
    }

    var bytes: Int { state.withLock { $0.bytes } }

    /// The part, from here or with a directory that `load` reads.
    func part(_ key: Key, load: () throws -> PartDirectory) rethrows -> CachedPart {
        let known = state.withLock { state -> CachedPart? in
            state.uses += 1
            state.entries[key]?.lastUse = state.uses
            return state.entries[key]?.part
        }
        if let known { return known }
        let part = CachedPart(try load())
        let gone = state.withLock { state -> [CachedPart] in
            guard state.entries[key] == nil else { return [] }
            state.entries[key] = Entry(part: part, lastUse: state.uses, bytes: part.directory.byteCount)
            state.bytes += part.directory.byteCount
            return trim(&state)
        }
        free(gone)
        return part
    }

    /// Keeps columns that were just decoded.
    func add(_ columns: [Int: [Double]], to key: Key, _ part: CachedPart) {
        let added = part.add(columns)
        let gone = state.withLock { state -> [CachedPart] in
            // Not if the part was let go meanwhile.
            guard state.entries[key]?.part === part else { return [] }
            state.entries[key]?.bytes += added
            state.bytes += added
            return trim(&state)
        }
        free(gone)
    }

    /// Not under the lock.
    private func free(_ gone: consuming [CachedPart]) {
        if !gone.isEmpty { metrics.cacheEvictions.increment(by: UInt64(gone.count)) }
    }

    func count(hits: Int, misses: Int) {
        if hits > 0 { metrics.cacheHits.increment(by: UInt64(hits)) }
        if misses > 0 { metrics.cacheMisses.increment(by: UInt64(misses)) }
    }

    /// Lets go of the file's parts that it does not have any more.
    func retain(_ generation: Int, _ parts: [PartRow]) {
        let alive = Set(parts)
        remove { $0.generation == generation && !alive.contains($0.part) }
    }

    /// Lets go of files that are gone.
    func retain(generations: Set<Int>) { remove { !generations.contains($0.generation) } }

    private func remove(where isGone: (Key) -> Bool) {
        let gone = state.withLock { state in
            state.entries.keys.filter(isGone).compactMap { key -> CachedPart? in
                guard let entry = state.entries.removeValue(forKey: key) else { return nil }
                state.bytes -= entry.bytes
                return entry.part
            }
        }
        _ = consume gone
    }

    /// An eighth more than needed, so that it is not done for each column.
    private func trim(_ state: inout State) -> [CachedPart] {
        guard state.bytes > maxBytes else { return [] }
        var gone: [CachedPart] = []
        for (key, entry) in state.entries.sorted(by: { $0.value.lastUse < $1.value.lastUse }) {
            guard state.bytes > maxBytes / 8 * 7 else { break }
            state.entries[key] = nil
            state.bytes -= entry.bytes
            gone.append(entry.part)
        }
        return gone
    }
}

/// A part whose directory is parsed and some of whose columns are decoded.
final class CachedPart: Sendable {
    let directory: PartDirectory
    private let columns: Mutex<[[Double]?]>
    private let times = Mutex<[Int: [Int64]]>([:])

    init(_ directory: PartDirectory) {
        self.directory = directory
        columns = Mutex(Array(repeating: nil, count: directory.ids.count))
    }

    /// The columns that are decoded, by position.
    var decoded: [[Double]?] { columns.withLock { $0 } }

    /// The times of columns with that number, as one array for all who ask.
    func times(number: Int) -> [Int64] {
        times.withLock { times in
            if let known = times[number] { return known }
            let made = directory.times(number: number)
            times[number] = made
            return made
        }
    }

    /// Keeps columns; gives the bytes by which it grew.
    fileprivate func add(_ added: [Int: [Double]]) -> Int {
        columns.withLock { columns in
            var bytes = 0
            for (position, values) in added where columns[position] == nil {
                columns[position] = values
                bytes += values.count * 8 + 32
            }
            return bytes
        }
    }
}
