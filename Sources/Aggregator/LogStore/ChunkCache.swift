import LogQL
import Runtime
import Synchronization

/// Decoded chunks and open day files, each within a bound, so that paging and context do not unpack the same text again.
final class ChunkCache: Sendable {
    struct Key: Hashable {
        var day: Int
        var chunk: Int64
    }
    private struct Entry {
        var columns: LogColumns?
        var text: LogText?
        var partialReads = 0
        var used: UInt64
        var bytes: Int { (columns.map { $0.count * 25 + 200 } ?? 0) + (text.map { $0.bytes.count + $0.starts.count * 16 } ?? 0) }
    }
    private struct State {
        var entries: [Key: Entry] = [:]
        var bytes = 0
        var tick: UInt64 = 0
        var readers: [Int: (reader: DayReader, used: UInt64)] = [:]
    }

    private let state = Mutex(State())
    private let directory: String
    private let maximumBytes: Int
    private static let maximumReaders = 16
    private let hits: Counter
    private let misses: Counter

    init(directory: String, maximumBytes: Int, metrics: MetricRegistry) {
        self.directory = directory
        self.maximumBytes = maximumBytes
        hits = metrics.counter("binnacle_log_store_cache_hits_total", "Decoded parts of chunks found in memory.")
        misses = metrics.counter("binnacle_log_store_cache_misses_total", "Parts of chunks read and unpacked.")
    }

    var memoryBytes: Int { state.withLock { $0.bytes } }

    /// The day's reader, opened if need be.
    func reader(_ day: Int) throws -> DayReader {
        if let known = state.withLock({ state -> DayReader? in
            state.tick += 1
            state.readers[day]?.used = state.tick
            return state.readers[day]?.reader
        }) {
            return known
        }
        let opened = try DayReader(path: "\(directory)/\(DayFile.name(day))")
        return state.withLock { state in
            if let other = state.readers[day] { return other.reader }
            if state.readers.count >= Self.maximumReaders, let oldest = state.readers.min(by: { $0.value.used < $1.value.used }) {
                state.readers[oldest.key] = nil
            }
            state.readers[day] = (opened, state.tick)
            return opened
        }
    }

    /// Drops a day's decoded chunks; its file stays open.
    func forgetChunks(day: Int) {
        state.withLock { state in
            for key in state.entries.keys where key.day == day { state.bytes -= state.entries.removeValue(forKey: key)?.bytes ?? 0 }
        }
    }

    func forget(day: Int) {
        state.withLock { state in
            state.readers[day] = nil
            for key in state.entries.keys where key.day == day { state.bytes -= state.entries.removeValue(forKey: key)?.bytes ?? 0 }
        }
    }

    func columns(_ key: Key) throws -> LogColumns {
        if let known = find(key, \.columns) { return known }
        let day = try reader(key.day)
        var reader = ByteReader(try day.part(.columns, of: key.chunk))
        var raw: [[UInt8]] = []
        for _ in 0..<4 { raw.append(try ColumnFrame.read(from: &reader)) }
        var columns = try LogColumns(decodingChunk: raw)
        columns.fields = try FieldFrame.decode(try day.part(.fields, of: key.chunk), times: columns.times)
        store(key) { $0.columns = columns }
        return columns
    }

    /// - Parameter expected: the bytes of the text with its line feeds.
    func text(_ key: Key, expected: Int) throws -> LogText {
        if let known = find(key, \.text) { return known }
        let times = try columns(key).times
        let opened = try opened(key)
        let text = try TextFrame.render(try opened.loader.load(opened.node, count: times.count), times: times, expected: expected)
        store(key) { $0.text = text }
        return text
    }

    func hasColumns(_ key: Key) -> Bool { state.withLock { $0.entries[key]?.columns != nil } }

    /// The rows' times, for whoever may not throw otherwise.
    func times(_ key: Key) throws(CodingError) -> [Int64] {
        do { return try columns(key).times } catch { throw CodingError("\(error)") }
    }

    func hasText(_ key: Key) -> Bool { state.withLock { $0.entries[key]?.text != nil } }

    /// Some rows' lines, in the order of the rows. Few rows of a chunk are written out alone, unless it is asked again and again.
    func text(_ key: Key, rows: [Int], expected: Int) throws -> LogText {
        let times = try columns(key).times
        guard rows.count * 4 < times.count, find(key, \.text) == nil, partialRead(key) else { return try text(key, expected: expected).picking(rows) }
        return try TextFrame.render(try opened(key), only: rows, times: times)
    }

    /// Whether the chunk has not been read in part so often that its whole text had better be kept.
    private func partialRead(_ key: Key) -> Bool {
        state.withLock { state in
            guard let entry = state.entries[key] else { return true }
            state.entries[key]?.partialReads += 1
            return entry.partialReads < 16
        }
    }

    /// A chunk's text before its columns are loaded.
    func opened(_ key: Key) throws -> TextFrame.Opened {
        let day = try reader(key.day)
        return try TextFrame.open(try day.part(.text, of: key.chunk)) { try day.segments($0, of: key.chunk) }
    }

    private func find<Value: Sendable>(_ key: Key, _ path: KeyPath<Entry, Value?>) -> Value? {
        let value = state.withLock { state -> Value? in
            guard state.entries[key] != nil else { return nil }
            state.tick += 1
            state.entries[key]?.used = state.tick
            return state.entries[key]?[keyPath: path]
        }
        (value == nil ? misses : hits).increment()
        return value
    }

    private func store(_ key: Key, _ change: (inout Entry) -> Void) {
        state.withLock { state in
            state.tick += 1
            var entry = state.entries[key] ?? Entry(used: state.tick)
            state.bytes -= entry.bytes
            change(&entry)
            entry.used = state.tick
            // A chunk larger than the whole cache is not kept.
            guard entry.bytes <= maximumBytes else {
                state.entries[key] = nil
                return
            }
            state.entries[key] = entry
            state.bytes += entry.bytes
            // There are at most a few hundred entries, so a scan for the oldest is cheap.
            while state.bytes > maximumBytes, let oldest = state.entries.min(by: { $0.value.used < $1.value.used }) {
                state.bytes -= oldest.value.bytes
                state.entries[oldest.key] = nil
            }
        }
    }
}

extension LogText {
    /// Some rows, over the same bytes.
    func picking(_ rows: [Int]) -> LogText { LogText(bytes: bytes, starts: rows.map { starts[$0] }, ends: rows.map { ends[$0] }) }
}
