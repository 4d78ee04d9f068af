import ChunkCodec
import SQLite
import Telemetry

/// Names and tables of a day file, `logs-YYYY-MM-DD.db`: the chunks of one UTC day, readable without any other file.
enum DayFile {
    static let format = 3
    static let nanosecondsPerDay: Int64 = 86_400_000_000_000

    /// Days since 1970 of a record's time.
    static func day(of time: Int64) -> Int { Int(floorDivide(time, nanosecondsPerDay)) }

    static func name(_ day: Int) -> String {
        "logs-\(CivilTime(secondsSinceEpoch: Int64(day) * 86_400).rfc3339().prefix(10)).db"
    }

    /// The day that a file's name says; nil if it is no day file's name.
    static func day(named name: String) -> Int? {
        guard name.hasPrefix("logs-"), name.hasSuffix(".db"), let time = CivilTime.parse("\(name.dropFirst(5).dropLast(3))T00:00:00Z"),
            case let day = Int(floorDivide(time.secondsSinceEpoch, 86_400)), Self.name(day) == name
        else { return nil }
        return day
    }

    /// The row of a page of a group of signatures.
    static func sliceID(group: Int64, _ page: Int) -> Int64 { group << 20 | Int64(page) }

    static func check(_ format: Int, _ path: String) throws(LogStoreError) {
        guard format != Self.format else { return }
        throw format > Self.format
            ? .newerFormat(path: path, format: format, known: Self.format) : .olderFormat(path: path, format: format, known: Self.format)
    }

    static func version(of database: Database) throws -> Int {
        Int(try database.scalar("SELECT value FROM kv WHERE key='format'")?.integer ?? 0)
    }
}

/// What the table of chunks says of one, with a checksum of its own: SQLite has none, and a wrong time would hide a chunk unseen.
struct ChunkRow {
    var minimumTime: Int64
    var maximumTime: Int64
    var count: Int
    var rawBytes: Int
    var severityMask: UInt8
    var streams: [Int]
    var died: Int64?

    var streamBytes: [UInt8] {
        var writer = ByteWriter()
        for stream in streams { writer.count(stream) }
        return writer.bytes
    }

    /// CRC32C of: signed times, varint rows and bytes, the mask, signed number of death (-1: alive), the streams.
    var checksum: UInt32 {
        var writer = ByteWriter()
        writer.signed(minimumTime)
        writer.signed(maximumTime)
        writer.count(count)
        writer.count(rawBytes)
        writer.byte(severityMask)
        writer.signed(died ?? -1)
        writer.append(streamBytes)
        return CRC32C.checksum(writer.bytes)
    }
}

extension ChunkRow {
    init(_ chunk: DayReader.Chunk) {
        self.init(
            minimumTime: chunk.minimumTime, maximumTime: chunk.maximumTime, count: chunk.count, rawBytes: chunk.rawBytes,
            severityMask: chunk.severityMask, streams: chunk.streams, died: nil)
    }
}

/// Appends chunks to a day file. Owned by the writer.
final class DayWriter {
    let database: Database

    init(path: String) throws {
        database = try Database(path: path, durability: .full, pageSize: 4096)
        // What is purged is overwritten, not only unlinked.
        try database.execute("PRAGMA secure_delete=ON")
        try database.execute(
            """
            CREATE TABLE IF NOT EXISTS kv(key TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS stream(id INTEGER PRIMARY KEY, labels BLOB NOT NULL);
            CREATE TABLE IF NOT EXISTS chunk(id INTEGER PRIMARY KEY, t0 INTEGER, t1 INTEGER, n INTEGER, raw INTEGER, stored INTEGER,
                severities INTEGER, streams BLOB, died INTEGER, crc INTEGER, level INTEGER);
            CREATE TABLE IF NOT EXISTS columns(chunk INTEGER PRIMARY KEY, body BLOB NOT NULL);
            CREATE TABLE IF NOT EXISTS text(chunk INTEGER PRIMARY KEY, body BLOB NOT NULL);
            CREATE TABLE IF NOT EXISTS segments(chunk INTEGER PRIMARY KEY, body BLOB NOT NULL);
            CREATE TABLE IF NOT EXISTS fields(chunk INTEGER PRIMARY KEY, body BLOB NOT NULL);
            CREATE TABLE IF NOT EXISTS signature(chunk INTEGER PRIMARY KEY, body BLOB NOT NULL);
            CREATE TABLE IF NOT EXISTS grouping(id INTEGER PRIMARY KEY, bits INTEGER, chunks BLOB, crc INTEGER);
            CREATE TABLE IF NOT EXISTS slice(id INTEGER PRIMARY KEY, body BLOB NOT NULL);
            CREATE TABLE IF NOT EXISTS counts(chunk INTEGER PRIMARY KEY, body BLOB NOT NULL);
            INSERT OR IGNORE INTO kv VALUES('format', \(DayFile.format));
            """)
        let format = try DayFile.version(of: database)
        try DayFile.check(format, path)
    }

    /// Adds chunks, and with them what they cover: all the day's records below `flushedSequence` are in the file from now on.
    /// Returns the number of the newest chunk.
    func append(_ chunks: [LogChunk], flushedSequence: Int64, labels: [Int: Labels]) throws -> Int64 {
        try database.transaction {
            for (number, labels) in labels {
                try database.run("INSERT OR IGNORE INTO stream VALUES(?, ?)", .integer(Int64(number)), .blob(labels.encoded))
            }
            for chunk in chunks { _ = try insert(chunk) }
            try database.run(
                "INSERT INTO kv VALUES('flushed_sequence', ?) ON CONFLICT DO UPDATE SET value=excluded.value", .integer(flushedSequence))
        }
        return try database.scalar("SELECT max(id) FROM chunk")?.integer ?? 0
    }

    /// Puts chunks in the place of others. The old ones stay readable to those who began before; `purge` takes them away.
    /// Returns the number of the newest chunk.
    func replace(_ old: [DayReader.Chunk], by chunks: [LogChunk]) throws -> Int64 {
        try database.transaction {
            // With nothing in their place, the number of their death must still be higher than what readers began with.
            var newest = (try database.scalar("SELECT max(id) FROM chunk")?.integer ?? 0) + 1
            for (index, chunk) in chunks.enumerated() {
                let id = try insert(chunk)
                newest = index == 0 ? id : min(newest, id)
            }
            if chunks.isEmpty {
                // A chunk of no records holds the number.
                let row = ChunkRow(minimumTime: 1, maximumTime: 0, count: 0, rawBytes: 0, severityMask: 0, streams: [], died: nil)
                try database.run("INSERT INTO chunk VALUES(?, 1, 0, 0, 0, 0, 0, x'', NULL, ?, 0)", .integer(newest), .integer(Int64(row.checksum)))
            }
            for chunk in old {
                var row = ChunkRow(chunk)
                row.died = newest
                try database.run("UPDATE chunk SET died=?, crc=? WHERE id=?", .integer(newest), .integer(Int64(row.checksum)), .integer(chunk.id))
            }
        }
        return try database.scalar("SELECT max(id) FROM chunk")?.integer ?? 0
    }

    /// Removes the chunks that died at or before the number, with their parts. Returns how many.
    func purge(diedBy number: Int64) throws -> Int {
        try database.transaction {
            let statement = try database.prepare("SELECT id FROM chunk WHERE died<=?")
            var ids: [Int64] = []
            try statement.bind([.integer(number)])
            while try statement.step() { ids.append(statement.integer(0)) }
            statement.reset()
            for id in ids {
                for table in ["columns", "text", "segments", "signature", "counts", "fields"] {
                    try database.run("DELETE FROM \(table) WHERE chunk=?", .integer(id))
                }
                try database.run("DELETE FROM chunk WHERE id=?", .integer(id))
            }
            try forget(ids)
            return ids.count
        }
    }

    func insert(_ chunk: LogChunk) throws -> Int64 {
        let row = ChunkRow(
            minimumTime: chunk.minimumTime, maximumTime: chunk.maximumTime, count: chunk.count, rawBytes: chunk.rawBytes,
            severityMask: chunk.severityMask, streams: chunk.streams, died: nil)
        try database.run(
            "INSERT INTO chunk(t0, t1, n, raw, stored, severities, streams, crc, level) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
            .integer(chunk.minimumTime), .integer(chunk.maximumTime), .integer(Int64(chunk.count)), .integer(Int64(chunk.rawBytes)),
            .integer(Int64(chunk.storedBytes)), .integer(Int64(chunk.severityMask)), .blob(row.streamBytes), .integer(Int64(row.checksum)),
            .integer(Int64(chunk.level)))
        let number = database.lastInsertedRow
        let id = SQLiteValue.integer(number)
        try database.run("INSERT INTO columns VALUES(?, ?)", id, .blob(chunk.columns))
        try database.run("INSERT INTO text VALUES(?, ?)", id, .blob(chunk.text.body))
        if !chunk.text.segments.isEmpty { try database.run("INSERT INTO segments VALUES(?, ?)", id, .blob(chunk.text.segments)) }
        if !chunk.fields.isEmpty { try database.run("INSERT INTO fields VALUES(?, ?)", id, .blob(chunk.fields)) }
        try database.run("INSERT INTO signature VALUES(?, ?)", id, .blob(chunk.signature))
        try database.run("INSERT INTO counts VALUES(?, ?)", id, .blob(chunk.counts))
        return number
    }

    /// Gives free pages back, and empties SQLite's own log: what was purged is in neither file any more.
    func shrink() throws {
        try database.execute("PRAGMA incremental_vacuum")
        try database.checkpoint(truncating: true)
    }

    /// Moves SQLite's own log into the file, so that the file alone is whole.
    func finish() throws { try database.checkpoint(truncating: true) }
}
