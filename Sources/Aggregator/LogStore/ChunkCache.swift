import Runtime
import Synchronization
import Zstd

/// Decoded chunks and open day files, each within a bound, so that paging and context do not unpack the same text again.
final class ChunkCache: Sendable {
    struct Key: Hashable {
        var day: Int
        var chunk: Int64
    }
    final class Columns: Sendable {
        let columns: LogColumns
        let starts: [Int]
        init(_ columns: LogColumns) {
            self.columns = columns
            starts = columns.starts
        }
        var memoryBytes: Int { columns.count * 41 + 200 }
    }
    private struct Entry {
        var columns: Columns?
        var text: [UInt8]?
        var used: UInt64
        var bytes: Int { (columns?.memoryBytes ?? 0) + (text?.count ?? 0) }
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

    func forget(day: Int) {
        state.withLock { state in
            state.readers[day] = nil
            for key in state.entries.keys where key.day == day { state.bytes -= state.entries.removeValue(forKey: key)?.bytes ?? 0 }
        }
    }

    func columns(_ key: Key) throws -> Columns {
        if let known = find(key, \.columns) { return known }
        var reader = ByteReader(try reader(key.day).part(.columns, of: key.chunk))
        let decompressor = ZstdDecompressor()
        var raw: [[UInt8]] = []
        for _ in 0..<5 { raw.append(try ColumnFrame.read(from: &reader, decompressor: decompressor)) }
        let columns = Columns(try LogColumns(decoding: raw))
        store(key) { $0.columns = columns }
        return columns
    }

    func text(_ key: Key, expected: Int) throws -> [UInt8] {
        if let known = find(key, \.text) { return known }
        let text = try TextFrame.decode(
            try reader(key.day).part(.text, of: key.chunk), expected: expected, decompressor: ZstdDecompressor())
        store(key) { $0.text = text }
        return text
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
