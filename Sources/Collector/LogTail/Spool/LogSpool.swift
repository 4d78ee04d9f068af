import LogParsing
public import Runtime
import SQLite
public import Telemetry
import Zstd

/// Keeps deliveries on disk until the sink behind it has them, so that an aggregator may be away for hours.
///
/// It is bounded. When it is full it blocks, or it leaves out the oldest or the newest deliveries; what it leaves out it
/// counts by stream and tells in a record of that stream. Rows go out in their order, one at a time, so that a large
/// backlog needs no more memory than a small one. Origins travel along: a delivery whose answer was lost is stored once.
public actor LogSpool: LogSink {
    let database: Database
    private let path: String
    private let freeBytes: @Sendable (String) -> Int64?
    private let options: SpoolOptions
    private let node: String
    private let sink: any LogSink
    private let clock: any WallClock
    private let compressor = ZstdCompressor(level: 3)
    private let decompressor = ZstdDecompressor()
    private var bytes: Int64
    /// The most that it held since it was opened.
    private var peakBytes: Int64 = 0
    private var deliveries: Int64
    /// The delivery that is on its way at this moment: it is not left out to make room.
    private var inFlight: Int64 = 0
    private let arrivals: AsyncStream<Void>
    private let arrival: AsyncStream<Void>.Continuation
    private let waiting: Gauge
    private let waitingBytes: Gauge
    private let failures: Counter
    private let dropped: Counter
    private let blocked: Counter
    private let refused: Counter

    static let format = 1
    /// One delivery unpacked, at most.
    private static let maximumDelivery = 256 << 20
    /// Records that nobody takes, at most; older ones give way.
    private static let maximumRefused = 10_000

    public init(
        path: String, options: SpoolOptions, node: String, sink: any LogSink, metrics registry: MetricRegistry, clock: any WallClock = SystemClock()
    ) throws {
        try self.init(path: path, options: options, node: node, sink: sink, metrics: registry, clock: clock, freeBytes: DiskRoom.free)
    }

    init(
        path: String, options: SpoolOptions, node: String, sink: any LogSink, metrics registry: MetricRegistry, clock: any WallClock,
        freeBytes: @escaping @Sendable (String) -> Int64?
    ) throws {
        self.path = path
        self.freeBytes = freeBytes
        database = try Database(path: path, durability: .full)
        try database.execute(
            """
            CREATE TABLE IF NOT EXISTS kv(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS delivery(seq INTEGER PRIMARY KEY AUTOINCREMENT, lines INTEGER, body BLOB);
            CREATE TABLE IF NOT EXISTS loss(id INTEGER PRIMARY KEY AUTOINCREMENT, stream BLOB UNIQUE, lines INTEGER, first INTEGER, last INTEGER);
            CREATE TABLE IF NOT EXISTS gap(node TEXT, file TEXT, start INTEGER, end INTEGER, PRIMARY KEY(node, file, end)) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS refused(id INTEGER PRIMARY KEY AUTOINCREMENT, reason TEXT, body BLOB);
            INSERT OR IGNORE INTO kv VALUES('format', \(Self.format));
            """)
        let format = Int(try database.scalar("SELECT value FROM kv WHERE key='format'")?.integer ?? 0)
        guard format <= Self.format else { throw LogTailError.newerFormat(path: path, format: format, known: Self.format) }
        bytes = try database.scalar("SELECT coalesce(sum(length(body)), 0) FROM delivery")?.integer ?? 0
        deliveries = try database.scalar("SELECT count(*) FROM delivery")?.integer ?? 0
        (arrivals, arrival) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        self.options = options
        self.node = node
        self.sink = sink
        self.clock = clock
        waiting = registry.gauge("binnacle_log_spool_deliveries", "Deliveries that wait for the aggregator.")
        waitingBytes = registry.gauge("binnacle_log_spool_bytes", "Bytes of deliveries that wait for the aggregator.")
        failures = registry.counter("binnacle_log_spool_failures_total", "Deliveries that the aggregator did not take; they are sent again.")
        dropped = registry.counter("binnacle_log_spool_dropped_lines_total", "Lines left out because the spool was full; a record tells of them.")
        blocked = registry.counter("binnacle_log_spool_blocked_total", "Times that the spool was full and reading had to wait.")
        refused = registry.counter(
            "binnacle_log_spool_refused_lines_total", "Lines that the aggregator refuses; they are kept beside the spool with its reason.")
        registry.gauge("binnacle_log_spool_bytes_limit", "The bound of binnacle_log_spool_bytes.").value = Double(options.maximumBytes)
        waiting.value = Double(deliveries)
        waitingBytes.value = Double(bytes)
    }

    /// Returns once the batches are on disk.
    public func append(_ batches: [LogBatch]) async throws {
        let packed = compressor.compress(LogBatchCodec.encode(batches))
        let lines = batches.reduce(0) { $0 + $1.records.count }
        // What its file had room for once it has again: only growth is asked about.
        if bytes + Int64(packed.count) > peakBytes, let free = freeBytes(path), free < DiskRoom.needed(for: packed.count) {
            blocked.increment()
            throw SpoolFull(diskOf: path, free: free)
        }
        // One delivery is always let in, however large, or it could never be.
        if bytes > 0, bytes + Int64(packed.count) > options.maximumBytes {
            switch options.whenFull {
            case .block:
                blocked.increment()
                throw SpoolFull(maximumBytes: options.maximumBytes)
            case .dropNewest:
                try database.transaction { try noteLoss(batches) }
                arrival.yield()
                return
            case .dropOldest:
                try dropOldest(until: options.maximumBytes - Int64(packed.count))
            }
        }
        try database.run("INSERT INTO delivery(lines, body) VALUES(?, ?)", .integer(Int64(lines)), .blob(packed))
        bytes += Int64(packed.count)
        peakBytes = max(peakBytes, bytes)
        deliveries += 1
        measure()
        arrival.yield()
    }

    private func dropOldest(until target: Int64) throws {
        var (freed, count): (Int64, Int64) = (0, 0)
        try database.transaction {
            while bytes - freed > max(0, target), let row = try oldest(after: inFlight) {
                do {
                    try noteLoss(try unpack(row.body))
                } catch is LogBatchCodecError {
                    try setAside(row.body, reason: "damaged", lines: row.lines)
                } catch is ZstdError {
                    try setAside(row.body, reason: "damaged", lines: row.lines)
                }
                try database.run("DELETE FROM delivery WHERE seq=?", .integer(row.sequence))
                freed += Int64(row.body.count)
                count += 1
            }
        }
        bytes -= freed
        deliveries -= count
    }

    private func noteLoss(_ batches: [LogBatch]) throws {
        for batch in batches where !batch.records.isEmpty {
            try noteGap(batch)
            let times = batch.records.map(\.time)
            dropped.increment(by: UInt64(batch.records.count))
            // The labels' bytes are their encoding in a batch without records.
            let key = LogBatchCodec.encode([LogBatch(stream: batch.stream, records: [], origin: nil)])
            try database.run(
                """
                INSERT INTO loss(stream, lines, first, last) VALUES(?1, ?2, ?3, ?4) ON CONFLICT(stream) DO UPDATE SET
                    lines = lines + ?2, first = min(first, ?3), last = max(last, ?4)
                """, .blob(key), .integer(Int64(batch.records.count)), .integer(times.min() ?? 0), .integer(times.max() ?? 0))
        }
    }

    private func oldest(after sequence: Int64 = 0) throws -> (sequence: Int64, lines: Int, body: [UInt8])? {
        let statement = try database.prepare("SELECT seq, lines, body FROM delivery WHERE seq > ? ORDER BY seq LIMIT 1")
        defer { statement.reset() }
        try statement.bind([.integer(sequence)])
        guard try statement.step() else { return nil }
        return (statement.integer(0), Int(statement.integer(1)), statement.blob(2))
    }

    private func unpack(_ body: [UInt8]) throws -> [LogBatch] {
        try LogBatchCodec.decode(try decompressor.decompress(body, limit: Self.maximumDelivery))
    }

    private func measure() {
        waiting.value = Double(deliveries)
        waitingBytes.value = Double(bytes)
    }

    // MARK: Sending

    /// Sends until it is cancelled, with growing pauses while the aggregator is away.
    public func run() async {
        var backoff = Backoff(first: .milliseconds(500), limit: .seconds(30))
        // What an earlier process left is sent at once.
        arrival.yield()
        for await _ in arrivals {
            var hasMore = true
            while hasMore, !Task.isCancelled {
                do {
                    hasMore = try await forward()
                    backoff.reset()
                } catch let busy as LogBusy {
                    failures.increment()
                    // Not all senders at the same moment.
                    try? await Task.sleep(for: min(busy.wait, .seconds(300)) * Double.random(in: 1...1.25))
                } catch {
                    failures.increment()
                    // Full jitter: any time up to the pause.
                    try? await Task.sleep(for: backoff.next() * Double.random(in: 0...1))
                }
            }
        }
    }

    /// Sends the oldest delivery, or the tale of a loss. Returns whether there was one. Only `run` may call it, or a test.
    @discardableResult
    public func forward() async throws -> Bool {
        if try await tellLoss() { return true }
        guard let row = try oldest() else { return false }
        let batches: [LogBatch]
        do {
            batches = try unpack(row.body)
        } catch {
            // A damaged row is set aside: what it held is lost and counted, what follows goes on.
            try setAside(row.body, reason: "damaged: \(error)", lines: row.lines)
            try remove(row)
            return true
        }
        inFlight = row.sequence
        defer { inFlight = 0 }
        try await send(batches)
        try remove(row)
        return true
    }

    /// Sends all that waits, for tests and before a stop.
    public func drain() async throws { while try await forward() {} }

    private func remove(_ row: (sequence: Int64, lines: Int, body: [UInt8])) throws {
        if try database.run("DELETE FROM delivery WHERE seq=?", .integer(row.sequence)) > 0 {
            bytes -= Int64(row.body.count)
            deliveries -= 1
        }
        measure()
    }

    /// Sends; what is refused is halved until the record is found that is to blame.
    private func send(_ batches: [LogBatch]) async throws {
        do {
            let whole = try batches.map { try spanningGaps($0) }
            try await sink.append(whole)
            for batch in whole { try forgetGaps(batch) }
        } catch let refusal as LogRefusal {
            if batches.count > 1 {
                try await send(Array(batches[..<(batches.count / 2)]))
                try await send(Array(batches[(batches.count / 2)...]))
            } else if let batch = batches.first, batch.records.count > 1 {
                let (left, right) = Self.halved(batch)
                try await send([left])
                try await send([right])
            } else {
                try setAside(compressor.compress(LogBatchCodec.encode(batches)), reason: refusal.reason, lines: batches.first?.records.count ?? 0)
                if let batch = batches.first { try noteGap(batch) }
            }
        }
    }

    static func halved(_ batch: LogBatch) -> (LogBatch, LogBatch) {
        let middle = batch.records.count / 2
        var (left, right) = (batch, batch)
        left.records = Array(batch.records[..<middle])
        right.records = Array(batch.records[middle...])
        guard batch.ends.count == batch.records.count else { return (left, right) }
        left.ends = Array(batch.ends[..<middle])
        right.ends = Array(batch.ends[middle...])
        left.origin?.end = batch.ends[middle - 1]
        right.origin?.start = batch.ends[middle - 1]
        return (left, right)
    }

    private func setAside(_ body: [UInt8], reason: String, lines: Int) throws {
        refused.increment(by: UInt64(lines))
        try database.run("INSERT INTO refused(reason, body) VALUES(?, ?)", .text(reason), .blob(body))
        try database.run("DELETE FROM refused WHERE id <= (SELECT max(id) FROM refused) - ?", .integer(Int64(Self.maximumRefused)))
    }

    /// What was refused for good, newest last: the reason and the batches, of which a damaged one has none that can be read.
    public func refusals() throws -> [(reason: String, batches: [LogBatch])] {
        let statement = try database.prepare("SELECT reason, body FROM refused ORDER BY id")
        defer { statement.reset() }
        var result: [(String, [UInt8])] = []
        while try statement.step() { result.append((statement.text(0), statement.blob(1))) }
        return result.map { ($0.0, (try? unpack($0.1)) ?? []) }
    }

    private func tellLoss() async throws -> Bool {
        let statement = try database.prepare("SELECT id, stream, lines, first, last FROM loss ORDER BY id LIMIT 1")
        guard try statement.step() else {
            statement.reset()
            return false
        }
        let (id, key, lines) = (statement.integer(0), statement.blob(1), statement.integer(2))
        let (first, last) = (statement.integer(3), statement.integer(4))
        statement.reset()
        guard let stream = try LogBatchCodec.decode(key).first?.stream else { return false }
        let (from, to) = (CivilTime(nanosecondsSinceEpoch: first).rfc3339(fractionDigits: 3), CivilTime(nanosecondsSinceEpoch: last).rfc3339(fractionDigits: 3))
        let record = LogRecord(
            time: last, body: Array("\(lines) lines dropped from \(from) to \(to) by rule spool".utf8),
            fields: ["binnacle": "loss", "rule": "spool", "lines": "\(lines)"])
        // Its number and count make it unique: a loss that grew while this was on its way is told by its rest.
        try await sink.append([
            LogBatch(stream: stream, records: [record], origin: .init(node: node, file: "spool-loss/\(id)/\(first)/\(lines)", start: 0, end: 1), ends: [1])
        ])
        try database.transaction {
            if try database.run("DELETE FROM loss WHERE id=? AND lines=?", .integer(id), .integer(lines)) == 0 {
                try database.run("UPDATE loss SET lines = lines - ?, first = ? WHERE id=?", .integer(lines), .integer(last), .integer(id))
            }
        }
        return true
    }
}
