import Glibc
import ObjectStore
import Runtime
import SQLite
import TestKit
import Testing

struct StoreBehaviourTests {
    let directory = TemporaryDirectory("store")

    @Test func `of writers that race for one revision exactly one wins`() async throws {
        let store = try openStore(directory)
        var object = try await store.commit(.create("leases/a/l", Array("0".utf8)))
        for round in 1...20 {
            let revision = object.modRevision
            let winners = await withTaskGroup(of: StoredObject?.self) { group in
                for writer in 0..<16 {
                    group.addTask { try? await store.commit(.update("leases/a/l", at: revision, Array("\(round)-\(writer)".utf8))) }
                }
                return await group.reduce(into: [StoredObject]()) { if let won = $1 { $0.append(won) } }
            }
            #expect(winners.count == 1)
            object = try #require(winners.first)
        }
    }

    @Test func `writers that come together share commits, and watchers see every change once and in order`() async throws {
        let registry = MetricRegistry()
        let store = try SQLiteObjectStore(path: directory.file("objects.db"), metrics: registry)
        let watches = [try await store.watch(prefix: "pods/", after: 1), try await store.watch(prefix: "pods/w3/", after: 1)]
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<50 {
                group.addTask {
                    for number in 0..<20 { _ = try? await store.commit(.create("pods/w\(writer)/p\(number)", [1, 2, 3])) }
                }
            }
        }
        #expect(store.revision == 1001)
        let all = try await changes(watches[0], through: 1001)
        #expect(all.map(\.revision) == Array(2...1001))
        let some = try await changes(watches[1], through: 1001)
        #expect(some.map(\.key) == (0..<20).map { "pods/w3/p\($0)" })
        let commits = registry.counter("binnacle_objectstore_commits_total", "").value
        #expect(commits < 500)
    }

    @Test func `a watch that joins while writers run has no gap, wherever it starts`() async throws {
        let store = try openStore(directory) { $0.ringEvents = 32 }
        let writing = Task {
            for number in 0..<400 { try await store.commit(.create("pods/a/p\(number)", [0])) }
        }
        try await withThrowingTaskGroup(of: [Int64].self) { group in
            for _ in 0..<40 {
                let start = Int64.random(in: 1...max(1, store.revision))
                group.addTask {
                    let watch = try await store.watch(prefix: "pods/", after: start)
                    var revisions = [start]
                    while revisions.last! < 401, let items = try await watch.next() {
                        for case .event(let event) in items { revisions.append(event.revision) }
                    }
                    return revisions
                }
            }
            for try await revisions in group { #expect(revisions == Array(revisions[0]...401)) }
        }
        try await writing.value
    }

    @Test func `compaction forgets replaced states only, and what asks for them gets the oldest revision told`() async throws {
        let store = try openStore(directory)
        var object = try await store.commit(.create("pods/a/p", [1]))
        for value in 2...9 { object = try await store.commit(.update("pods/a/p", at: object.modRevision, [UInt8(value)])) }
        try await store.commit(.create("pods/a/q", [1]))
        try await store.commit(.delete("pods/a/p", at: object.modRevision))
        try await store.compact(to: 8)
        await #expect { _ = try await store.watch(prefix: "pods/", after: 7) } throws: { error in
            if case StoreError.compacted(oldest: 8) = error { true } else { false }
        }
        await #expect { _ = try await store.list(prefix: "pods/", after: nil, limit: nil, at: 5) } throws: { error in
            if case StoreError.compacted(oldest: 8) = error { true } else { false }
        }
        #expect(try await store.list(prefix: "pods/", after: nil, limit: nil, at: 8).objects.map(\.value) == [[7]])
        let watch = try await store.watch(prefix: "pods/", after: 8)
        #expect(try await changes(watch, through: store.revision).count == 4)
        try await store.compact(to: store.revision)
        await store.close()
        let again = try openStore(directory)
        #expect(again.revision == 12)
        #expect(try await again.list(prefix: "pods/").objects.map(\.key) == ["pods/a/q"])
        #expect(try await again.commit(.create("pods/a/p", [1])).modRevision == 13)
    }

    @Test func `a watcher that does not read is ended at its bound, with an error, and the others go on`() async throws {
        let registry = MetricRegistry()
        var options = SQLiteObjectStore.Options()
        options.watcherEvents = 10
        let store = try SQLiteObjectStore(path: directory.file("objects.db"), options: options, metrics: registry)
        let slow = try await store.watch(prefix: "pods/", after: 1)
        for number in 0..<15 { try await store.commit(.create("pods/a/p\(number)", [0])) }
        #expect(try await slow.next()?.count == 10)
        await #expect { _ = try await slow.next() } throws: { error in
            if case StoreError.slowWatcher(limit: 10) = error { true } else { false }
        }
        #expect(registry.counter("binnacle_objectstore_slow_watchers_total", "").value == 1)
    }

    @Test func `a cancelled or dropped watch leaves the store`() async throws {
        let store = try openStore(directory)
        let watch = try await store.watch(prefix: "pods/", after: 1)
        let reading = Task { try await watch.next()?.count }
        reading.cancel()
        #expect(try await reading.value == nil)
        do { _ = try await store.watch(prefix: "pods/", after: 1) }
        watch.finish()
        try await store.commit(.create("pods/a/p", [0]))
        #expect(try await watch.next() == nil)
    }

    @Test func `when the quota is reached history goes first, then writes fail whole and reads go on`() async throws {
        let store = try openStore(directory) { $0.maximumBytes = 256 << 10 }
        let value = [UInt8](repeating: 7, count: 8 << 10)
        var object = try await store.commit(.create("pods/a/p", value))
        // 80 versions are 640 KiB: they fit only because old ones make room.
        for _ in 0..<80 { object = try await store.commit(.update("pods/a/p", at: object.modRevision, value)) }
        var count = 0
        var isFull = false
        while !isFull, count < 100 {
            do throws(StoreError) {
                try await store.commit(.create("pods/a/q\(count)", value))
                count += 1
            } catch {
                guard case .full = error else { throw error }
                isFull = true
            }
        }
        #expect(isFull)
        let revision = store.revision
        #expect(try await store.list(prefix: "pods/").objects.count == count + 1)
        await store.close()
        let again = try openStore(directory)
        #expect(again.revision == revision)
        #expect(try await again.list(prefix: "pods/").objects.count == count + 1)
    }

    @Test func `a file of a newer format or of another program is refused with a way out`() async throws {
        do { _ = try openStore(directory) }
        do { try Database(path: directory.file("objects.db"), durability: .full).execute("PRAGMA user_version=99") }
        #expect { _ = try openStore(directory) } throws: { "\($0)".contains("format 99") && "\($0)".contains("newer binnacle") }
        do { try Database(path: directory.file("other.db"), durability: .full).execute("CREATE TABLE t(a)") }
        #expect { _ = try openStore(directory, "other.db") } throws: { "\($0)".contains("not an object store") }
    }

    @Test func `the file is for its owner alone, and a damaged one is refused after a crash`() async throws {
        let path = directory.file("objects.db")
        let store = try openStore(directory)
        for number in 0..<200 { try await store.commit(.create("secrets/a/s\(number)", [UInt8](repeating: 1, count: 2000))) }
        for suffix in ["", "-wal"] { #expect(try HostFileSystem().status(path + suffix).mode & 0o777 == 0o600) }
        try Database(path: path, durability: .full).checkpoint()
        // A copy as a crash would leave it, its tree's pages overwritten.
        var bytes = try HostFileSystem().read(path)
        #expect(bytes.count > 40_960)
        for offset in 8192..<40_960 { bytes[offset] = 0xAA }
        try HostFileSystem().write(directory.file("damaged.db"), bytes)
        try HostFileSystem().write(directory.file("damaged.db-wal"), [0])
        #expect { _ = try openStore(directory, "damaged.db") } throws: { "\($0)".contains("damaged") && "\($0)".contains("backup") }
        #expect(throws: StoreError.self) { _ = try openStore(directory, "none/objects.db") }
        withExtendedLifetime(store) {}
    }

    @Test func `a store that is open is not opened again, and a closed one takes no writes`() async throws {
        let store = try openStore(directory)
        #expect { _ = try openStore(directory) } throws: { "\($0)".contains("in use by another binnacle") }
        await store.close()
        await #expect(throws: StoreError.self) { try await store.commit(.create("pods/a/p", [1])) }
        let again = try openStore(directory)
        try await again.commit(.create("pods/a/p", [1]))
    }

    @Test func `an object goes at the end of its time to live unless it was written again`() async throws {
        let clock = ManualClock()
        let store = try openStore(directory, clock: clock)
        let first = try await store.commit(.create("events/a/e", [1], timeToLive: .seconds(100)))
        try await store.commit(.create("events/a/f", [1], timeToLive: .seconds(100)))
        clock.advance(by: .seconds(60))
        try await store.commit(.update("events/a/e", at: first.modRevision, [2], timeToLive: .seconds(100)))
        clock.advance(by: .seconds(60))
        try await store.housekeep()
        #expect(try await store.list(prefix: "events/").objects.map(\.key) == ["events/a/e"])
    }

    @Test func `housekeeping keeps young history and the newest revisions`() async throws {
        let clock = ManualClock()
        let store = try openStore(directory, clock: clock) { $0.historyRevisions = 5 }
        var object = try await store.commit(.create("pods/a/p", [0]))
        for _ in 0..<10 { object = try await store.commit(.update("pods/a/p", at: object.modRevision, [0])) }
        clock.advance(by: .seconds(200))
        for _ in 0..<10 { object = try await store.commit(.update("pods/a/p", at: object.modRevision, [0])) }
        clock.advance(by: .seconds(200))
        try await store.housekeep()
        // The ten of the second half are younger than five minutes.
        _ = try await store.watch(prefix: "pods/", after: 12)
        await #expect(throws: StoreError.self) { _ = try await store.watch(prefix: "pods/", after: 11) }
        clock.advance(by: .seconds(400))
        try await store.housekeep()
        _ = try await store.watch(prefix: "pods/", after: 17)
        await #expect(throws: StoreError.self) { _ = try await store.watch(prefix: "pods/", after: 16) }
    }

    @Test func `what was acknowledged before SIGKILL is there after it`() async throws {
        let path = directory.file("killed.db")
        let acknowledged = directory.file("acknowledged")
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, acknowledged = acknowledged as String] in
            let store = try SQLiteObjectStore(path: path, metrics: MetricRegistry())
            let log = try HostFile(acknowledged, flags: O_WRONLY | O_CREAT, mode: 0o600)
            await withTaskGroup(of: Void.self) { group in
                for writer in 0..<4 {
                    group.addTask {
                        for number in 0..<1000 {
                            guard let object = try? await store.commit(.create("pods/w\(writer)/p\(number)", Array("\(number)".utf8)))
                            else { return }
                            try? log.write(Array("\(object.key) \(object.modRevision)\n".utf8))
                            if number == 100 { kill(getpid(), SIGKILL) }
                        }
                    }
                }
            }
        }
        let lines = try HostFileSystem().text(acknowledged).split(separator: "\n").map { $0.split(separator: " ") }
        #expect(lines.count > 100)
        let store = try openStore(directory, "killed.db")
        for line in lines {
            let object = try await store.get(String(line[0]))
            #expect(object?.modRevision == Int64(line[1]), "\(line[0])")
        }
    }
}
