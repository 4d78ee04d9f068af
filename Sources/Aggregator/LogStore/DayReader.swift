import SQLite
import Synchronization
import Telemetry

/// Reads one day file. Its one connection is lent for the length of a SQLite call; decoding happens outside.
final class DayReader: Sendable {
    struct Chunk: Sendable {
        var id: Int64
        var minimumTime: Int64
        var maximumTime: Int64
        var severityMask: UInt8
        var streams: [Int]
        var rawBytes: Int
    }

    /// What the store learns of a day when it opens.
    struct Summary: Sendable {
        var streams: [(number: Int, labels: Labels)]
        var newestChunk: Int64
        var flushedSequence: Int64
    }

    private let database: Mutex<Database>

    init(path: String) throws {
        let opened = try Database(path: path, durability: .readOnly)
        let format = try DayFile.version(of: opened)
        guard format <= DayFile.format else { throw LogStoreError.newerFormat(path: path, format: format, known: DayFile.format) }
        database = Mutex(opened)
    }

    func summary() throws -> Summary {
        try database.withLock { database in
            let statement = try database.prepare("SELECT id, labels FROM stream")
            defer { statement.reset() }
            var streams: [(number: Int, labels: Labels)] = []
            while try statement.step() { streams.append((Int(statement.integer(0)), try Labels(encoded: statement.blob(1)))) }
            return Summary(
                streams: streams, newestChunk: try database.scalar("SELECT max(id) FROM chunk")?.integer ?? 0,
                flushedSequence: try database.scalar("SELECT value FROM kv WHERE key='flushed_sequence'")?.integer ?? 0)
        }
    }

    /// The chunks up to `newest` that overlap a span of time.
    func chunks(from: Int64, through: Int64, newest: Int64) throws -> [Chunk] {
        try database.withLock { database in
            let statement = try database.prepare(
                "SELECT id, t0, t1, severities, streams, raw FROM chunk WHERE t1>=? AND t0<=? AND id<=?")
            defer { statement.reset() }
            try statement.bind([.integer(from), .integer(through), .integer(newest)])
            var chunks: [Chunk] = []
            while try statement.step() {
                var reader = ByteReader(statement.blob(4))
                var streams: [Int] = []
                while !reader.isAtEnd { streams.append(try reader.count(upTo: Int(Int32.max))) }
                chunks.append(
                    Chunk(
                        id: statement.integer(0), minimumTime: statement.integer(1), maximumTime: statement.integer(2),
                        severityMask: UInt8(truncatingIfNeeded: statement.integer(3)), streams: streams, rawBytes: Int(statement.integer(5))))
            }
            return chunks
        }
    }

    enum Part: String, Sendable { case columns, text, signature, counts }

    /// A chunk's stored bytes; empty if the chunk has none.
    func part(_ part: Part, of chunk: Int64) throws -> [UInt8] {
        try database.withLock { database in
            try database.scalar("SELECT body FROM \(part.rawValue) WHERE chunk=?", .integer(chunk))?.blob ?? []
        }
    }

    /// Lends the connection; for tests and measurements.
    func withDatabase<Result: Sendable>(_ body: (Database) throws -> Result) throws -> Result { try database.withLock { try body($0) } }
}
