import Dispatch
import Runtime
import SQLite
import Synchronization

/// Objects in one SQLite file, read from memory.
///
/// All writes go through one serial queue. Those that come while a commit waits for the disk share the next one
/// (group commit); each is acknowledged after its commit returned, and becomes visible to reads and watches only
/// then. So what anyone has seen survives a crash. Reads take the current state from memory and never wait for the disk,
/// but for states older than the ring in memory.
public final class SQLiteObjectStore: ObjectStore, Sendable {
    public struct Options: Sendable {
        /// Revisions younger than this are kept, …
        public var history: Duration = .seconds(300)
        /// … and at least this many of the newest.
        public var historyRevisions = 10_000
        /// Bound of the changes in memory, by number and by bytes of values.
        public var ringEvents = 4096
        /// Readers hang their decoded forms on what is kept, which makes it about six times as large.
        public var ringBytes = 8 << 20
        /// Bound of the writes that wait for the disk; more are refused.
        public var waitingWrites = 4096
        /// Bound of the changes that wait for one watcher; it is ended at more.
        public var watcherEvents = 4096
        public var valueBytes = 3 << 20
        /// Bound of the file's size; nil for the disk's.
        public var maximumBytes: Int64? = 2 << 30
        public init() {}
    }

    struct Memory {
        var objects = ObjectMap()
        var revision: Int64
        var compactRevision: Int64
        var ring: EventRing
        var watchers: [ObjectIdentifier: WatchChannel] = [:]
        var isClosed = false
    }
    private struct Waiting {
        var jobs: [Job] = []
        /// A drain is on the queue or running.
        var isScheduled = false
    }
    private enum Job {
        case write(StoreWrite, CheckedContinuation<Result<StoredObject, StoreError>, Never>)
        /// Work that needs the file, between two commits.
        case work(@Sendable (inout Journal) -> Void)
    }

    public let path: String
    let options: Options
    private let clock: any WallClock
    private let metrics: StoreMetrics
    private let memory: Mutex<Memory>
    /// Locked by the queue's work alone; the lock is what lets the compiler see that.
    private let journal: Mutex<Journal>
    private let waiting = Mutex(Waiting())
    private let queue: DispatchQueue

    /// Opens or makes the file and reads the current state into memory.
    public init(path: String, options: Options = Options(), clock: any WallClock = SystemClock(), metrics: MetricRegistry) throws(StoreError) {
        let journal = try Journal(path: path, maximumBytes: options.maximumBytes)
        let memory = try StoreError.translating { () throws(SQLiteError) in
            let revision = try journal.newestRevision()
            var memory = Memory(
                revision: revision, compactRevision: journal.compactRevision,
                ring: EventRing(floor: revision, countLimit: options.ringEvents, byteLimit: options.ringBytes))
            try journal.current { memory.objects.set($0) }
            return memory
        }
        self.path = path
        self.options = options
        self.clock = clock
        self.metrics = StoreMetrics(metrics)
        self.memory = Mutex(memory)
        self.journal = Mutex(journal)
        queue = DispatchQueue(label: "binnacle.objectstore")
        self.metrics.observe(self, in: metrics)
    }

    // MARK: Reads

    /// The newest acknowledged revision, without waiting.
    public var revision: Int64 { memory.withLock { $0.revision } }
    public func currentRevision() async throws(StoreError) -> Int64 { revision }

    public func get(_ key: String) async throws(StoreError) -> StoredObject? { memory.withLock { $0.objects[key] } }

    public func list(prefix: String, after last: String?, limit: Int?, at revision: Int64?) async throws(StoreError) -> StoredList {
        let fromMemory: Result<(ArraySlice<StoredObject>, Int64)?, StoreError> = memory.withLock { memory in
            guard let revision, revision != memory.revision else { return .success((memory.objects.slice(prefix: prefix), memory.revision)) }
            guard revision <= memory.revision else { return .failure(.future(current: memory.revision)) }
            guard revision >= memory.compactRevision else { return .failure(.compacted(oldest: memory.compactRevision)) }
            // Nothing under the prefix changed since: the current state is that state.
            guard memory.ring.hasChange(after: revision, prefix: prefix) == false else { return .success(nil) }
            return .success((memory.objects.slice(prefix: prefix), revision))
        }
        if let (slice, revision) = try fromMemory.get() {
            var rest = slice
            if let last {
                let position = slice.lowerBound(last)
                rest = slice[position...]
                if rest.first?.key == last { rest = rest.dropFirst() }
            }
            let page = limit.map { rest.prefix($0) } ?? rest
            return StoredList(objects: Array(page), revision: revision, remaining: rest.count - page.count)
        }
        return try await onQueue { journal throws(StoreError) in
            guard let revision, revision >= journal.compactRevision else { throw .compacted(oldest: journal.compactRevision) }
            return try StoreError.translating { () throws(SQLiteError) in
                try journal.list(prefix: prefix, after: last, limit: limit, at: revision)
            }
        }
    }

    // MARK: Watches

    public func watch(prefix: String, after revision: Int64) async throws(StoreError) -> StoreWatch {
        let fromMemory: Result<WatchChannel?, StoreError> = memory.withLock { memory in
            guard !memory.isClosed else { return .failure(.closed) }
            guard revision <= memory.revision else { return .failure(.future(current: memory.revision)) }
            guard revision >= memory.compactRevision else { return .failure(.compacted(oldest: memory.compactRevision)) }
            guard let backlog = memory.ring.events(after: revision, prefix: prefix) else { return .success(nil) }
            return .success(register(prefix: prefix, backlog: backlog, in: &memory))
        }
        if let channel = try fromMemory.get() { return watch(channel) }
        // Older than the ring. On the queue nothing is published meanwhile, so reading the file and joining leave no gap.
        let channel = try await onQueue { [self] journal throws(StoreError) in
            guard revision >= journal.compactRevision else { throw .compacted(oldest: journal.compactRevision) }
            let backlog = try StoreError.translating { () throws(SQLiteError) in try journal.events(after: revision, prefix: prefix) }
            return memory.withLock { register(prefix: prefix, backlog: backlog, in: &$0) }
        }
        return watch(channel)
    }

    private func register(prefix: String, backlog: [StoreEvent], in memory: inout Memory) -> WatchChannel {
        let channel = WatchChannel(prefix: prefix, backlog: backlog, bound: options.watcherEvents)
        memory.watchers[ObjectIdentifier(channel)] = channel
        return channel
    }

    private func watch(_ channel: WatchChannel) -> StoreWatch {
        StoreWatch(
            channel: channel,
            askProgress: { [weak self] channel in
                // Under the lock that publishing takes, so the marker stands behind every change up to its revision.
                self?.memory.withLock { _ = channel.push(.progress($0.revision)) }
            },
            onEnd: { [weak self] channel in
                self?.memory.withLock { _ = $0.watchers.removeValue(forKey: ObjectIdentifier(channel)) }
            })
    }

    var watcherCount: Int { memory.withLock { $0.watchers.count } }
    var objectCount: Int { memory.withLock { $0.objects.count } }

    // MARK: Writes

    @discardableResult
    public func commit(_ write: StoreWrite) async throws(StoreError) -> StoredObject {
        if let value = write.value, value.count > options.valueBytes {
            throw .tooLarge(bytes: value.count, limit: options.valueBytes)
        }
        guard !memory.withLock({ $0.isClosed }) else { throw .closed }
        return try await withCheckedContinuation { continuation in
            submit(.write(write, continuation)) { continuation.resume(returning: .failure($0)) }
        }.get()
    }

    private func submit(_ job: Job, refused: (StoreError) -> Void) {
        let (refusal, mustSchedule): (StoreError?, Bool) = waiting.withLock { waiting in
            guard waiting.jobs.count < options.waitingWrites else { return (.overloaded(waiting: waiting.jobs.count), false) }
            waiting.jobs.append(job)
            let mustSchedule = !waiting.isScheduled
            waiting.isScheduled = true
            return (nil, mustSchedule)
        }
        if let refusal {
            metrics.refused.increment()
            refused(refusal)
        }
        if mustSchedule { queue.async { self.drain() } }
    }

    /// Runs `body` with the file, between two commits.
    private func onQueue<Value: Sendable>(
        _ body: @escaping @Sendable (inout Journal) throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        try await withCheckedContinuation { (continuation: CheckedContinuation<Result<Value, StoreError>, Never>) in
            let job = Job.work { journal in
                do throws(StoreError) {
                    guard journal.isOpen else { throw .closed }
                    continuation.resume(returning: .success(try body(&journal)))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            submit(job) { continuation.resume(returning: .failure($0)) }
        }.get()
    }

    /// Works off what waits. Runs on the queue, once at a time.
    private func drain() {
        while true {
            let jobs: [Job] = waiting.withLock { waiting in
                let jobs = waiting.jobs
                waiting.jobs = []
                if jobs.isEmpty { waiting.isScheduled = false }
                return jobs
            }
            guard !jobs.isEmpty else { return }
            journal.withLock { journal in
                var batch: [(StoreWrite, CheckedContinuation<Result<StoredObject, StoreError>, Never>)] = []
                for job in jobs {
                    switch job {
                    case .write(let write, let continuation): batch.append((write, continuation))
                    case .work(let body):
                        commit(batch, to: &journal)
                        batch = []
                        body(&journal)
                    }
                }
                commit(batch, to: &journal)
            }
        }
    }

    private func commit(_ batch: [(StoreWrite, CheckedContinuation<Result<StoredObject, StoreError>, Never>)], to journal: inout Journal) {
        guard !batch.isEmpty else { return }
        // Accepted before `close` and overtaken by it.
        guard journal.isOpen else {
            for (_, continuation) in batch { continuation.resume(returning: .failure(.closed)) }
            return
        }
        let clock = ContinuousClock()
        let start = clock.now
        let writes = batch.map(\.0)
        var outcome = attempt(writes, on: journal)
        if case .failure(.full) = outcome {
            // History is the one thing that may be given up to make room; watches from before it list again.
            let newest = revision
            if newest > journal.compactRevision, (try? journal.compact(to: newest)) != nil {
                noteCompaction(newest)
                outcome = attempt(writes, on: journal)
            }
        }
        switch outcome {
        case .success(let (events, results)):
            publish(events)
            metrics.commits.increment()
            metrics.writes.increment(by: UInt64(events.count))
            metrics.commitSeconds.observe(clock.now - start)
            for (position, result) in results.enumerated() { batch[position].1.resume(returning: result) }
        case .failure(let error):
            metrics.failures.increment(by: UInt64(batch.count))
            for (_, continuation) in batch { continuation.resume(returning: .failure(error)) }
        }
    }

    private typealias BatchOutcome = (events: [StoreEvent], results: [Result<StoredObject, StoreError>])

    /// Carries out the writes in one transaction. A write whose expectation fails takes no part in it; any failure
    /// of the disk undoes all of them.
    private func attempt(_ writes: [StoreWrite], on journal: Journal) -> Result<BatchOutcome, StoreError> {
        var plan = CommitPlan(revision: revision, nowMilliseconds: clock.nanoseconds / 1_000_000)
        let results = writes.map { write in
            plan.add(write) { key in memory.withLock { $0.objects[key] } }
        }
        guard !plan.events.isEmpty else { return .success(([], results)) }
        do throws(SQLiteError) {
            try journal.begin()
            for event in plan.events { try journal.append(event, written: plan.nowMilliseconds) }
            try journal.commit()
            return .success((plan.events, results))
        } catch {
            journal.rollBack()
            return .failure(StoreError(error))
        }
    }

    private func publish(_ events: [StoreEvent]) {
        let overflows = memory.withLock { memory in
            var overflows: UInt64 = 0
            for event in events {
                if event.isDeletion { memory.objects.remove(event.object.key) } else { memory.objects.set(event.object) }
                memory.revision = event.revision
                memory.ring.append(event)
                for (id, channel) in memory.watchers where event.object.key.hasPrefix(channel.prefix) {
                    switch channel.push(.event(event)) {
                    case .taken: break
                    case .ended: memory.watchers[id] = nil
                    case .overflowed:
                        memory.watchers[id] = nil
                        overflows += 1
                    }
                }
            }
            return overflows
        }
        metrics.slowWatchers.increment(by: overflows)
    }

    // MARK: Housekeeping

    public func compact(to revision: Int64) async throws(StoreError) {
        let newest = self.revision
        guard revision <= newest else { throw .future(current: newest) }
        try await onQueue { [self] journal throws(StoreError) in
            try StoreError.translating { () throws(SQLiteError) in try journal.compact(to: revision) }
            noteCompaction(journal.compactRevision)
        }
    }

    private func noteCompaction(_ revision: Int64) {
        memory.withLock {
            $0.compactRevision = revision
            $0.ring.drop(to: revision)
        }
        metrics.compactions.increment()
    }

    /// Deletes objects whose time is over and compacts history that is no longer kept. Called each minute by `run`.
    public func housekeep() async throws(StoreError) {
        let now = clock.nanoseconds / 1_000_000
        try await expire(memory.withLock { $0.objects.expiring }.filter { $0.expires.map { $0 <= now } ?? false })
        let before = now - options.history.components.seconds * 1000
        let keeping = options.historyRevisions
        try await onQueue { [self] journal throws(StoreError) in
            let hasCompacted = try StoreError.translating { () throws(SQLiteError) in
                let target = try journal.revision(writtenBefore: before, keeping: keeping)
                guard target > journal.compactRevision else { return false }
                try journal.compact(to: target)
                return true
            }
            if hasCompacted { noteCompaction(journal.compactRevision) }
        }
    }

    /// Deletes objects whose time is over, many in one commit.
    private func expire(_ objects: [StoredObject]) async throws(StoreError) {
        var start = 0
        while start < objects.count {
            let chunk = objects[start..<min(start + 256, objects.count)]
            start = chunk.endIndex
            let failure = await withTaskGroup(of: StoreError?.self) { group in
                for object in chunk {
                    group.addTask { [self] in
                        do throws(StoreError) {
                            try await commit(.delete(object.key, at: object.modRevision))
                            metrics.expired.increment()
                        } catch {
                            // Renewed or deleted since: its new state has a time of its own.
                            guard case .conflict = error else { return error }
                        }
                        return nil
                    }
                }
                return await group.reduce(StoreError?.none) { $0 ?? $1 }
            }
            if let failure { throw failure }
        }
    }

    /// Keeps house until cancelled.
    /// - Parameter interval: between two rounds.
    public func run(every interval: Duration = .seconds(60)) async {
        while !Task.isCancelled {
            // A failed round is counted with the failed writes and tried again at the next.
            do { try await housekeep() } catch { metrics.failures.increment() }
            try? await Task.sleep(for: interval)
        }
    }

    /// Ends all watches, waits for the writes that were accepted, and lets another process open the file.
    public func close() async {
        let channels = memory.withLock { memory in
            memory.isClosed = true
            let channels = Array(memory.watchers.values)
            memory.watchers = [:]
            return channels
        }
        for channel in channels { channel.end(.closed) }
        try? await onQueue { $0.unlock() }
    }
}
