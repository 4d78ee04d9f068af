import Synchronization

/// A deletion that queries obey while the lines are still on the disk.
struct Tombstone: Sendable {
    var id: Int64
    /// nil means all.
    var streams: Set<Int>?
    var from: Int64
    var through: Int64
    var matcher: LineMatcher
    /// Only records that were accepted before it was asked for.
    var bound: Int64

    init(id: Int64, streams: Set<Int>?, from: Int64, through: Int64, matcher: LineMatcher, bound: Int64) {
        self.id = id
        self.streams = streams
        self.from = from
        self.through = through
        self.matcher = matcher
        self.bound = bound
    }

    /// Streams that come later have no record below the bound.
    init(_ stored: LogWAL.StoredDeletion, _ catalogue: StreamCatalogue) throws {
        self.init(
            id: stored.id, streams: catalogue.matching(stored.deletion.matchers), from: stored.deletion.range.lowerBound,
            through: stored.deletion.range.upperBound - 1, matcher: LineMatcher(try stored.deletion.lineFilters()), bound: stored.bound)
    }

    func overlaps(_ minimum: Int64, _ maximum: Int64) -> Bool { minimum <= through && maximum >= from }

    /// Of the rows those that the deletion may concern, by all but their text.
    func suspects(_ rows: [Int], _ columns: LogColumns, stream: (Int) -> Int) -> [Int] {
        rows.filter { row in
            columns.sequences[row] < bound && columns.times[row] >= from && columns.times[row] <= through
                && streams?.contains(stream(row)) ?? true
        }
    }
}

/// The deletions in force. Few; a query takes the list as it begins, before it looks at what there is.
final class Tombstones: Sendable {
    private let list = Mutex<[Tombstone]>([])
    var all: [Tombstone] { list.withLock { $0 } }
    func add(_ tombstone: Tombstone) { list.withLock { $0.append(tombstone) } }
    func remove(_ id: Int64) { list.withLock { $0.removeAll { $0.id == id } } }
}
