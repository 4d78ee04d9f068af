import CShims
import Glibc
public import Runtime
import Telemetry

/// What of the journal is followed.
public struct JournalOptions: Sendable {
    /// Only these units; all if empty.
    public var units: [String] = []
    /// A directory of journal files instead of the machine's.
    public var directory: String?
    public var labels: [String: String] = [:]
    public init() {}
}

/// Follows the systemd journal by a `journalctl` of its own, and remembers its cursor once the sink has the entries.
public actor JournalTailer {
    private let options: JournalOptions
    private let node: String
    private let program: String
    private let sink: any LogSink
    private let state: Checkpoints
    private let clock: any WallClock
    private var filter: RecordFilter
    private let filterMetrics: RecordFilterMetrics
    private let trouble: Trouble
    private let records: Counter
    private let restarts: Counter
    /// By stream, what its next batch begins with.
    private var sent: [String: Int64] = [:]
    private var partials: [Labels: LogRecord] = [:]
    private static let maximumStreams = 10_000
    private static let maximumBody = 1 << 20

    /// `state` is a file for the cursor.
    public init(
        _ options: JournalOptions, node: String, state path: String, program: String = "/usr/bin/journalctl",
        configuration: LogTailConfiguration = LogTailConfiguration(),
        sink: any LogSink, metrics registry: MetricRegistry, trouble: Trouble = Trouble(), clock: any WallClock = SystemClock()
    ) throws {
        self.options = options
        self.node = node
        self.program = program
        self.sink = sink
        self.clock = clock
        self.trouble = trouble
        filter = RecordFilter { configuration.options(labels: $0, annotations: [:]).options }
        filterMetrics = RecordFilterMetrics(registry)
        state = try Checkpoints(path: path)
        records = registry.counter("binnacle_log_journal_records_total", "Entries of the journal handed over and acknowledged.")
        restarts = registry.counter("binnacle_log_journal_restarts_total", "Times that journalctl ended and was started again.")
    }

    func arguments(cursor: String?) -> [String] {
        var arguments = [program, "-o", "export", "--follow", "--no-pager", "--quiet"]
        if let cursor { arguments.append("--after-cursor=\(cursor)") } else { arguments.append("--lines=all") }
        arguments += options.units.map { "--unit=\($0)" }
        if let directory = options.directory { arguments.append("--directory=\(directory)") }
        return arguments
    }

    /// Follows until it is cancelled.
    public func run() async {
        var backoff = Backoff(first: .seconds(1), limit: .seconds(60))
        while !Task.isCancelled {
            let began = ContinuousClock.now
            await follow()
            guard !Task.isCancelled else { return }
            let lived = ContinuousClock.now - began
            if lived > .seconds(60) {
                backoff.reset()
            } else {
                trouble.set("journal", "\(program) ends at once; is it there, and may this user read the journal?")
            }
            restarts.increment()
            try? await Task.sleep(for: backoff.next())
        }
    }

    /// One life of the child.
    private func follow() async {
        let cursor = (try? state.value("cursor")) ?? nil
        guard let child = ChildProcess(arguments(cursor: cursor)) else { return }
        var parser = ExportParser()
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        partials = [:]
        while !Task.isCancelled {
            switch child.read(into: &buffer) {
            case .some(0): return
            case .some(let count):
                trouble.set("journal", nil)
                let entries = parser.feed(buffer[..<count])
                // What the sink refuses is held here: the child waits at its full pipe.
                var backoff = Backoff(first: .milliseconds(500), limit: .seconds(30))
                while !Task.isCancelled {
                    do {
                        try await deliver(entries)
                        break
                    } catch {
                        try? await Task.sleep(for: backoff.next() * Double.random(in: 0.5...1))
                    }
                }
            case .none:
                try? await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    /// Hands entries over and moves the cursor behind them.
    func deliver(_ entries: [ExportParser.Entry]) async throws {
        let parsed = entries.compactMap { JournalRecord($0, node: node, labels: options.labels) }
        guard let last = parsed.last else { return }
        let before = (sent, partials, filter)
        let batches = batches(parsed)
        do {
            if !batches.isEmpty { try await sink.append(batches) }
        } catch {
            (sent, partials, filter) = before
            throw error
        }
        records.increment(by: UInt64(parsed.count))
        // While a part waits for its next, reading would have to begin again before it; what is then read twice the store knows by
        // its numbers, and so it does if the cursor cannot be saved.
        if partials.isEmpty { try? state.set("cursor", last.cursor) }
    }

    private func batches(_ parsed: [JournalRecord]) -> [LogBatch] {
        var batches: [String: LogBatch] = [:]
        var order: [String] = []
        for var entry in parsed {
            guard let whole = joined(entry), let record = filter.pass(whole, of: entry.stream, now: clock.nanoseconds, filterMetrics) else { continue }
            entry.record = record
            // Each stream of each journal file is an origin; entries count as bytes do elsewhere.
            let file = entry.sequence.map { "journal/\($0.id)/\(entry.stream)" } ?? "journal/\(entry.stream)"
            let end = entry.sequence.map { $0.number + 1 }
            // A number that goes back cannot be told from one that was sent before: it goes without an origin.
            let isOrdered = end.map { $0 > (batches[file]?.origin?.end ?? sent[file] ?? 0) } ?? false
            let key = isOrdered ? file : "\(file) unordered"
            if batches[key] == nil {
                order.append(key)
                batches[key] = LogBatch(
                    stream: entry.stream, records: [], origin: isOrdered ? .init(node: node, file: file, start: sent[file] ?? 0, end: 0) : nil)
            }
            batches[key]?.records.append(entry.record)
            if isOrdered, let end {
                batches[key]?.ends.append(end)
                batches[key]?.origin?.end = end
            }
        }
        for (key, batch) in batches { if let end = batch.origin?.end { sent[key] = end } }
        if sent.count > Self.maximumStreams { sent = [:] }
        return order.compactMap { batches[$0] }
    }

    /// The record with the parts before it; nil while more follows.
    private func joined(_ entry: JournalRecord) -> LogRecord? {
        guard entry.isPartial || partials[entry.stream] != nil else { return entry.record }
        var record = partials.removeValue(forKey: entry.stream) ?? entry.record
        if record != entry.record { record.body += entry.record.body }
        if record.body.count >= Self.maximumBody { record.fields["truncated"] = "true" }
        guard entry.isPartial, record.body.count < Self.maximumBody, partials.count < Self.maximumStreams else { return record }
        partials[entry.stream] = record
        return nil
    }
}

/// A program whose output is read; it is killed with the object.
final class ChildProcess {
    private let process: pid_t
    private let output: Int32

    /// nil if it cannot be started.
    init?(_ arguments: [String]) {
        var ends: [Int32] = [-1, -1]
        guard unsafe ends.withUnsafeMutableBufferPointer({ unsafe pipe($0.baseAddress!) }) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var pointers = unsafe arguments.map { unsafe strdup($0) } + [nil]
        // The child has its own copies once it runs.
        defer { for index in unsafe pointers.indices { unsafe free(pointers[index]) } }
        let started = unsafe pointers.withUnsafeMutableBufferPointer { unsafe binnacle_spawn($0.baseAddress!, -1, ends[1], -1) }
        Glibc.close(ends[1])
        guard started > 0 else {
            Glibc.close(ends[0])
            return nil
        }
        process = started
        output = ends[0]
        _ = fcntl(output, F_SETFL, O_NONBLOCK)
    }

    deinit {
        Glibc.close(output)
        kill(process, SIGTERM)
        var status: Int32 = 0
        // It ends at once by the signal; a pipe without reader would end it too.
        unsafe waitpid(process, &status, 0)
    }

    /// How many bytes were read; 0 at the end, nil if there are none now.
    func read(into buffer: inout [UInt8]) -> Int? {
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(output, $0.baseAddress, $0.count) }
        if count >= 0 { return count }
        return errno == EAGAIN || errno == EINTR ? nil : 0
    }
}
