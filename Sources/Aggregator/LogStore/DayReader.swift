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
        /// Of text with its line feeds.
        var rawBytes: Int
        var count: Int
        /// How hard it was compressed: what had to be quick is compressed again when its day is over.
        var level = 0
        /// Whether a group of signatures has been asked about it already.
        var isProbed = false
        /// Its row in the table is damaged; only the number is known.
        var isDamaged = false
    }

    /// What the store learns of a day when it opens.
    struct Summary: Sendable {
        var streams: [(number: Int, labels: Labels)]
        var newestChunk: Int64
        var flushedSequence: Int64
    }

    private let database: Mutex<Database>
    private let groupList = Mutex<[SignatureGroup]?>(nil)
    private let listed = Mutex<(newest: Int64, chunks: [Chunk])?>(nil)

    init(path: String) throws {
        let opened = try Database(path: path, durability: .readOnly)
        let format = try DayFile.version(of: opened)
        try DayFile.check(format, path)
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

    /// The chunks that a reader sees who began when `newest` was the newest, as far as they overlap a span of time; and those
    /// of which not even that is known.
    func chunks(from: Int64, through: Int64, newest: Int64) throws -> [Chunk] {
        try list(newest).filter { $0.isDamaged || $0.maximumTime >= from && $0.minimumTime <= through }
    }

    /// The chunks that live now, as the file says.
    func living() throws -> [Chunk] {
        forgetGroups()
        let newest = try database.withLock { try $0.scalar("SELECT max(id) FROM chunk")?.integer ?? 0 }
        return try list(newest)
    }

    /// Read once for each state of the file.
    private func list(_ newest: Int64) throws -> [Chunk] {
        if let known = listed.withLock({ $0 }), known.newest == newest { return known.chunks }
        let chunks = try database.withLock { database in
            let statement = try database.prepare("SELECT id, t0, t1, severities, streams, raw, n, died, crc, level FROM chunk ORDER BY id")
            defer { statement.reset() }
            var chunks: [Chunk] = []
            while try statement.step() {
                guard statement.integer(0) <= newest else { continue }
                guard let (chunk, died) = Self.chunk(statement) else {
                    chunks.append(
                        Chunk(
                            id: statement.integer(0), minimumTime: .min, maximumTime: .max, severityMask: 0x7F, streams: [], rawBytes: 0, count: 1,
                            isDamaged: true))
                    continue
                }
                if died ?? .max > newest { chunks.append(chunk) }
            }
            return chunks
        }
        listed.withLock { $0 = (newest, chunks) }
        return chunks
    }

    /// nil if the row is damaged.
    private static func chunk(_ statement: Statement) -> (Chunk, died: Int64?)? {
        var reader = ByteReader(statement.blob(4))
        var streams: [Int] = []
        while !reader.isAtEnd {
            guard let stream = try? reader.count(upTo: Int(Int32.max)) else { return nil }
            streams.append(stream)
        }
        let died = statement.isNull(7) ? nil : statement.integer(7)
        let chunk = Chunk(
            id: statement.integer(0), minimumTime: statement.integer(1), maximumTime: statement.integer(2),
            severityMask: UInt8(truncatingIfNeeded: statement.integer(3)), streams: streams, rawBytes: Int(statement.integer(5)),
            count: Int(statement.integer(6)), level: Int(statement.integer(9)))
        guard chunk.rawBytes >= 0, chunk.count >= 0 else { return nil }
        var row = ChunkRow(chunk)
        row.died = died
        return Int64(row.checksum) == statement.integer(8) ? (chunk, died) : nil
    }

    enum Part: String, Sendable { case columns, text, signature, counts, fields }

    /// A chunk's stored bytes; empty if the chunk has none.
    func part(_ part: Part, of chunk: Int64) throws -> [UInt8] {
        try database.withLock { database in
            try database.scalar("SELECT body FROM \(part.rawValue) WHERE chunk=?", .integer(chunk))?.blob ?? []
        }
    }

    /// A part of the larger columns of a chunk's text; the rest is not read.
    func segments(_ range: Range<Int>, of chunk: Int64) throws -> [UInt8] {
        guard !range.isEmpty else { return [] }
        return try database.withLock { try $0.blob(table: "segments", column: "body", row: chunk, range) }
    }

    /// The signatures that stand side by side, each with its chunks, in no order. Those of other chunks stand alone.
    func groups() throws -> [SignatureGroup] {
        if let known = groupList.withLock({ $0 }) { return known }
        let groups = try database.withLock { database in
            let statement = try database.prepare("SELECT id, bits, chunks, crc FROM grouping")
            defer { statement.reset() }
            var groups: [SignatureGroup] = []
            // A damaged row rules nothing out.
            while try statement.step() {
                if let group = SignatureGroup(
                    id: statement.integer(0), bits: Int(statement.integer(1)), members: statement.blob(2), checksum: statement.integer(3))
                {
                    groups.append(group)
                }
            }
            return groups
        }
        groupList.withLock { $0 = groups }
        return groups
    }

    /// The groups in the file have changed.
    func forgetGroups() { groupList.withLock { $0 = nil } }

    /// A page of a group's rows; empty if it is not there (any more).
    func slice(_ page: Int, of group: Int64) throws -> [UInt8] {
        try database.withLock { database in
            try database.scalar("SELECT body FROM slice WHERE id=?", .integer(DayFile.sliceID(group: group, page)))?.blob ?? []
        }
    }

    /// The bytes that each kind of part takes.
    func storedBytes() throws -> [(kind: String, bytes: Int64)] {
        try database.withLock { database in
            try ["columns", "text", "segments", "fields", "signature", "slice", "counts"].map { table in
                (table, try database.scalar("SELECT sum(length(body)) FROM \(table)")?.integer ?? 0)
            }
        }
    }

    /// Lends the connection; for tests and measurements.
    func withDatabase<Result: Sendable>(_ body: (Database) throws -> Result) throws -> Result { try database.withLock { try body($0) } }
}
