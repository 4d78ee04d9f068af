import Glibc
import ObjectStore
import Runtime
import TestKit
import Testing

/// The store as one would write it without a disk: every state ever, in an array.
struct Model {
    struct Change: Equatable {
        var revision: Int64
        var key: String
        /// Nil for a deletion.
        var value: [UInt8]?
    }
    var changes: [Change] = []
    var revision: Int64 = 1

    /// The newest change of each key that is there.
    func state(at revision: Int64, prefix: String = "") -> [String: Change] {
        var state: [String: Change] = [:]
        for change in changes where change.revision <= revision && change.key.hasPrefix(prefix) {
            state[change.key] = change.value == nil ? nil : change
        }
        return state
    }

    mutating func apply(_ write: StoreWrite) -> Bool {
        let current = state(at: revision)[write.key]?.revision
        switch write.expected {
        case .absent: guard current == nil else { return false }
        case .revision(let expected): guard current == expected else { return false }
        }
        if write.value == nil, current == nil { return false }
        revision += 1
        changes.append(Change(revision: revision, key: write.key, value: write.value))
        return true
    }
}

func openStore(
    _ directory: TemporaryDirectory, _ name: String = "objects.db", clock: any WallClock = SystemClock(),
    _ change: (inout SQLiteObjectStore.Options) -> Void = { _ in }
) throws -> SQLiteObjectStore {
    var options = SQLiteObjectStore.Options()
    change(&options)
    return try SQLiteObjectStore(path: directory.file(name), options: options, clock: clock, metrics: MetricRegistry())
}

enum WriteOutcome: Equatable {
    case accepted(Int64)
    /// The revision that was there in place of the expected one.
    case refused(Int64?)
}

func outcome(of write: StoreWrite, on store: SQLiteObjectStore) async throws -> WriteOutcome {
    do throws(StoreError) {
        return .accepted(try await store.commit(write).modRevision)
    } catch {
        guard case .conflict(let current) = error else { throw error }
        return .refused(current?.modRevision)
    }
}

/// The changes that a watch tells from now up to `revision`.
func changes(_ watch: StoreWatch, through revision: Int64) async throws -> [Model.Change] {
    var seen: [Model.Change] = []
    watch.requestProgress()
    while let items = try await watch.next() {
        for item in items {
            switch item {
            case .event(let event):
                seen.append(Model.Change(revision: event.revision, key: event.object.key, value: event.isDeletion ? nil : event.object.value))
            case .progress(let told):
                if told >= revision { return seen }
                watch.requestProgress()
            }
        }
    }
    return seen
}

struct StoreModelTests {
    @Test(arguments: [1, 2, 3, 4, 5])
    func `any order of writes gives what a naive map gives, also after a crash and from every older revision`(_ seed: Int) async throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let directory = TemporaryDirectory("store")
        var store = try openStore(directory) { $0.ringEvents = 16 }
        var model = Model()
        var crashes = 0
        let keys = (0..<12).map { "\($0 % 3 == 0 ? "pods" : "nodes")/ns\($0 % 2)/o\($0)" }
        for step in 0..<300 {
            let key = keys.randomElement(using: &generator)!
            let current = model.state(at: model.revision)[key]?.revision
            let isStale = Int.random(in: 0..<8, using: &generator) == 0
            let expected: StoreWrite.Expectation = current.map { .revision(isStale ? $0 - 1 : $0) } ?? (isStale ? .revision(1) : .absent)
            let value = Int.random(in: 0..<4, using: &generator) == 0 ? nil : Array("\(seed)-\(step)".utf8)
            let write = StoreWrite(key: key, expected: expected, value: value)
            let isAccepted = model.apply(write)
            let outcome = try await outcome(of: write, on: store)
            #expect(outcome == (isAccepted ? .accepted(model.revision) : .refused(current)), "seed \(seed) step \(step)")
            if Int.random(in: 0..<60, using: &generator) == 0 {
                // What the disk holds now, without a word from the running store: the state after a crash.
                crashes += 1
                for suffix in ["", "-wal"] {
                    let bytes = try HostFileSystem().read(directory.file("objects.db") + suffix)
                    try HostFileSystem().write(directory.file("crash\(crashes).db") + suffix, bytes)
                }
                store = try openStore(directory, "crash\(crashes).db") { $0.ringEvents = 16 }
                try HostFileSystem().rename(directory.file("crash\(crashes).db"), to: directory.file("objects.db"))
                try HostFileSystem().rename(directory.file("crash\(crashes).db-wal"), to: directory.file("objects.db-wal"))
                try? HostFileSystem().remove(directory.file("objects.db-shm"))
                store = try openStore(directory) { $0.ringEvents = 16 }
            }
        }
        #expect(store.revision == model.revision)
        for revision in stride(from: Int64(1), through: model.revision, by: 7) {
            for prefix in ["pods/", "nodes/ns1/"] {
                let list = try await store.list(prefix: prefix, after: nil, limit: nil, at: revision)
                let expected = model.state(at: revision, prefix: prefix)
                #expect(list.objects.map(\.key) == expected.keys.sorted(), "seed \(seed) at \(revision)")
                let found = list.objects.map { Model.Change(revision: $0.modRevision, key: $0.key, value: $0.value) }
                #expect(found == expected.values.sorted { $0.key < $1.key })
                let watch = try await store.watch(prefix: prefix, after: revision)
                let seen = try await changes(watch, through: model.revision)
                #expect(seen == model.changes.filter { $0.revision > revision && $0.key.hasPrefix(prefix) }, "seed \(seed) after \(revision)")
            }
        }
    }

    @Test func `pages of an old revision join to that revision's list`() async throws {
        let directory = TemporaryDirectory("store")
        let store = try openStore(directory) { $0.ringEvents = 4 }
        for number in 0..<25 { try await store.commit(.create("pods/a/p\(number + 100)", [1])) }
        let first = try await store.list(prefix: "pods/", after: nil, limit: 10, at: nil)
        #expect(first.objects.count == 10)
        #expect(first.remaining == 15)
        for object in first.objects + (try await store.list(prefix: "pods/")).objects.suffix(3) {
            try await store.commit(.delete(object.key, at: object.modRevision))
        }
        var names = first.objects.map(\.key)
        while true {
            let page = try await store.list(prefix: "pods/", after: names.last, limit: 10, at: first.revision)
            names += page.objects.map(\.key)
            #expect(page.remaining == 25 - names.count)
            if page.remaining == 0 { break }
        }
        #expect(names == (0..<25).map { "pods/a/p\($0 + 100)" })
    }
}
