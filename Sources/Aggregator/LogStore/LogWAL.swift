import LogQL
import SQLite
import Telemetry
import Zstd

/// `wal.db`: what was acknowledged and is not yet in a day file, the watermarks of the senders, and the streams' numbers.
///
/// One transaction holds a commit's records and the watermarks that they move, so a batch is stored and
/// remembered as stored, or neither. Owned by the writer.
final class LogWAL {
    static let format = 2

    struct MarkKey: Hashable {
        var node: String
        var file: String
    }

    let database: Database
    private let compressor = ZstdCompressor(level: -3)
    private(set) var nextSequence: Int64 = 1

    /// - Parameter isReadOnly: one state of the log is read, whatever its owner writes meanwhile, until `endReading`.
    init(path: String, isReadOnly: Bool = false) throws {
        database = try Database(path: path, durability: isReadOnly ? .readOnly : .full)
        if isReadOnly { try database.execute("BEGIN") } else { try database.execute(Self.schema) }
        let format = try database.scalar("SELECT value FROM kv WHERE key='format'")?.integer
        if let format, format != Int64(Self.format) {
            throw format > Int64(Self.format)
                ? LogStoreError.newerFormat(path: path, format: Int(format), known: Self.format)
                : LogStoreError.olderFormat(path: path, format: Int(format), known: Self.format)
        }
        if format == nil, !isReadOnly { try database.run("INSERT INTO kv VALUES('format', ?)", .integer(Int64(Self.format))) }
        nextSequence = try database.scalar("SELECT value FROM kv WHERE key='next_sequence'")?.integer ?? 1
    }

    /// Lets go of the state that a reader holds, so that its owner can cut the file again.
    func endReading() throws { try database.execute("COMMIT") }

    private static let schema =
        """
        CREATE TABLE IF NOT EXISTS kv(key TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS stream(id INTEGER PRIMARY KEY, labels BLOB NOT NULL);
        CREATE TABLE IF NOT EXISTS row(seq INTEGER PRIMARY KEY, day INTEGER NOT NULL, body BLOB NOT NULL);
        CREATE TABLE IF NOT EXISTS deletion(id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL, created INTEGER, bound INTEGER, done INTEGER,
            lines INTEGER);
        CREATE TABLE IF NOT EXISTS mark(node TEXT, file TEXT, touched INTEGER, ranges BLOB, PRIMARY KEY(node, file)) WITHOUT ROWID;
        """

    /// Never goes back: day files may know higher numbers than a log that was lost.
    func raiseNextSequence(to sequence: Int64) { nextSequence = max(nextSequence, sequence) }

    func streams() throws -> [(number: Int, labels: Labels)] {
        let statement = try database.prepare("SELECT id, labels FROM stream")
        defer { statement.reset() }
        var streams: [(number: Int, labels: Labels)] = []
        while try statement.step() { streams.append((Int(statement.integer(0)), try Labels(encoded: statement.blob(1)))) }
        return streams
    }

    /// Each stored block of a log, which another process may have open.
    static func read(_ path: String, _ body: (LogBlock) throws -> Void) throws {
        try replay(try Database(path: path, durability: .readOnly)) { try body($1) }
    }

    /// Each stored block in order of its sequence numbers.
    func replay(_ body: (_ day: Int, _ block: LogBlock) throws -> Void) throws { try Self.replay(database, body) }

    private static func replay(_ database: Database, _ body: (_ day: Int, _ block: LogBlock) throws -> Void) throws {
        let statement = try database.prepare("SELECT seq, day, body FROM row ORDER BY seq")
        defer { statement.reset() }
        while try statement.step() {
            let sequence = statement.integer(0)
            do {
                var reader = ByteReader(statement.blob(2))
                let committed = try reader.signed()
                var columns: [[UInt8]] = []
                for _ in 0..<6 { columns.append(try ColumnFrame.read(from: &reader)) }
                let text = try ColumnFrame.read(from: &reader)
                let decoded = try LogColumns(decoding: columns)
                guard decoded.textBytes == text.count else { throw CodingError("its text is \(text.count) bytes long, not \(decoded.textBytes)") }
                try body(Int(statement.integer(1)), LogBlock(columns: decoded, text: text, committed: committed))
            } catch let error as CodingError {
                throw LogStoreError.cannotOpen(path: database.path, reason: "row \(sequence) is damaged: \(error)")
            }
        }
    }

    func mark(_ key: MarkKey) throws -> Watermark {
        guard let bytes = try database.scalar("SELECT ranges FROM mark WHERE node=? AND file=?", .text(key.node), .text(key.file))?.blob else {
            return Watermark()
        }
        return try Watermark(bytes: bytes)
    }

    /// Stores blocks, new streams and moved watermarks in one durable transaction.
    func commit(
        blocks: [(day: Int, block: LogBlock)], streams: [(number: Int, labels: Labels)], marks: [MarkKey: Watermark], nextSequence: Int64,
        now: Int64
    ) throws {
        try database.transaction {
            for stream in streams {
                try database.run("INSERT INTO stream VALUES(?, ?)", .integer(Int64(stream.number)), .blob(stream.labels.encoded))
            }
            for (day, block) in blocks {
                try database.run(
                    "INSERT INTO row VALUES(?, ?, ?)", .integer(block.columns.sequences[0]), .integer(Int64(day)), .blob(encode(block)))
            }
            for (key, mark) in marks {
                try database.run(
                    "INSERT INTO mark VALUES(?, ?, ?, ?) ON CONFLICT DO UPDATE SET touched=excluded.touched, ranges=excluded.ranges",
                    .text(key.node), .text(key.file), .integer(now), .blob(mark.bytes))
            }
            try database.run(
                "INSERT INTO kv VALUES('next_sequence', ?) ON CONFLICT DO UPDATE SET value=excluded.value", .integer(nextSequence))
        }
        self.nextSequence = nextSequence
    }

    private func encode(_ block: LogBlock) -> [UInt8] {
        var writer = ByteWriter()
        writer.signed(block.committed)
        for column in block.columns.encoded() { ColumnFrame.append(column, to: &writer, compressor: compressor) }
        ColumnFrame.append(block.text.bytes, to: &writer, compressor: compressor)
        return writer.bytes
    }

    /// Forgets a day's records below `sequence`: the day file has them.
    func trim(day: Int, below sequence: Int64) throws {
        try database.run("DELETE FROM row WHERE day=? AND seq<?", .integer(Int64(day)), .integer(sequence))
    }

    func remove(streams: [Int]) throws {
        for number in streams { try database.run("DELETE FROM stream WHERE id=?", .integer(Int64(number))) }
    }

    /// Forgets the watermarks of files from which nothing came since `time`.
    func removeMarks(untouchedSince time: Int64) throws { try database.run("DELETE FROM mark WHERE touched<?", .integer(time)) }

    /// Forgets the marks of a sender's requests that are older than `time`, and the oldest beyond a number.
    func removeMarks(ofNode node: String, untouchedSince time: Int64, keeping limit: Int) throws {
        try database.run("DELETE FROM mark WHERE node=? AND touched<?", .text(node), .integer(time))
        guard let count = try database.scalar("SELECT count(*) FROM mark WHERE node=?", .text(node))?.integer, count > Int64(limit) else { return }
        try database.run(
            "DELETE FROM mark WHERE node=?1 AND file IN (SELECT file FROM mark WHERE node=?1 ORDER BY touched LIMIT ?2)", .text(node),
            .integer(count - Int64(limit)))
    }

    func markCount() throws -> Int { Int(try database.scalar("SELECT count(*) FROM mark")?.integer ?? 0) }

    /// Writes the file anew, so that nothing is left in it of what was removed.
    func scrub() throws {
        try database.execute("VACUUM")
        try checkpoint()
    }

    func checkpoint() throws { try database.checkpoint(truncating: true) }
}
