import SQLite
import Telemetry

/// Names and tables of a day file, `logs-YYYY-MM-DD.db`: the chunks of one UTC day, readable without any other file.
enum DayFile {
    static let format = 1
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

    static func version(of database: Database) throws -> Int {
        Int(try database.scalar("SELECT value FROM kv WHERE key='format'")?.integer ?? 0)
    }
}

/// Appends chunks to a day file. Owned by the writer.
final class DayWriter {
    private let database: Database

    init(path: String) throws {
        database = try Database(path: path, durability: .full, pageSize: 16_384)
        try database.execute(
            """
            CREATE TABLE IF NOT EXISTS kv(key TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS stream(id INTEGER PRIMARY KEY, labels BLOB NOT NULL);
            CREATE TABLE IF NOT EXISTS chunk(id INTEGER PRIMARY KEY, t0 INTEGER, t1 INTEGER, n INTEGER, raw INTEGER, stored INTEGER,
                severities INTEGER, streams BLOB);
            CREATE TABLE IF NOT EXISTS columns(chunk INTEGER PRIMARY KEY, body BLOB NOT NULL);
            CREATE TABLE IF NOT EXISTS text(chunk INTEGER PRIMARY KEY, body BLOB NOT NULL);
            CREATE TABLE IF NOT EXISTS signature(chunk INTEGER PRIMARY KEY, body BLOB NOT NULL);
            CREATE TABLE IF NOT EXISTS counts(chunk INTEGER PRIMARY KEY, body BLOB NOT NULL);
            INSERT OR IGNORE INTO kv VALUES('format', \(DayFile.format));
            """)
        let format = try DayFile.version(of: database)
        guard format <= DayFile.format else { throw LogStoreError.newerFormat(path: path, format: format, known: DayFile.format) }
    }

    /// Adds chunks, and with them what they cover: all the day's records below `flushedSequence` are in the file from now on.
    /// Returns the number of the newest chunk.
    func append(_ chunks: [LogChunk], flushedSequence: Int64, labels: [Int: Labels]) throws -> Int64 {
        try database.transaction {
            for (number, labels) in labels {
                try database.run("INSERT OR IGNORE INTO stream VALUES(?, ?)", .integer(Int64(number)), .blob(labels.encoded))
            }
            for chunk in chunks {
                var streams = ByteWriter()
                for stream in chunk.streams { streams.count(stream) }
                try database.run(
                    "INSERT INTO chunk(t0, t1, n, raw, stored, severities, streams) VALUES(?, ?, ?, ?, ?, ?, ?)",
                    .integer(chunk.minimumTime), .integer(chunk.maximumTime), .integer(Int64(chunk.count)), .integer(Int64(chunk.rawBytes)),
                    .integer(Int64(chunk.storedBytes)), .integer(Int64(chunk.severityMask)), .blob(streams.bytes))
                let id = SQLiteValue.integer(database.lastInsertedRow)
                try database.run("INSERT INTO columns VALUES(?, ?)", id, .blob(chunk.columns))
                try database.run("INSERT INTO text VALUES(?, ?)", id, .blob(chunk.text))
                try database.run("INSERT INTO signature VALUES(?, ?)", id, .blob(chunk.signature))
                try database.run("INSERT INTO counts VALUES(?, ?)", id, .blob(chunk.counts))
            }
            try database.run(
                "INSERT INTO kv VALUES('flushed_sequence', ?) ON CONFLICT DO UPDATE SET value=excluded.value", .integer(flushedSequence))
        }
        return try database.scalar("SELECT max(id) FROM chunk")?.integer ?? 0
    }

    /// Moves SQLite's own log into the file, so that the file alone is whole.
    func finish() throws { try database.checkpoint(truncating: true) }
}
