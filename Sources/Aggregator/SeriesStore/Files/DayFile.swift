import SQLite

/// A row of a day file's table of parts, without the part.
struct PartRow: Sendable {
    var id: Int64
    var source: SourceID
    var window: Int64
    /// 0: written by a flush. 1: sealed, the only part of its window for its columns.
    var level: Int64
    var firstTime: Int64
    var lastTime: Int64
    var rows: Int
    var samples: Int
    var firstSeries: SeriesID
    var lastSeries: SeriesID
    var bytes: Int
}

/// `series-YYYY-MM-DD.db`: the parts of one UTC day, and how far into the log each source's are.
final class DayFile {
    static let schema = """
        CREATE TABLE part(id INTEGER PRIMARY KEY, source INTEGER NOT NULL, window INTEGER NOT NULL, level INTEGER NOT NULL,
                          first_time INTEGER NOT NULL, last_time INTEGER NOT NULL, rows INTEGER NOT NULL, samples INTEGER NOT NULL,
                          first_series INTEGER NOT NULL, last_series INTEGER NOT NULL, bytes INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
        CREATE INDEX part_source ON part(source, first_time, last_time);
        CREATE TABLE flushed(source INTEGER PRIMARY KEY, seq INTEGER NOT NULL) STRICT;
        """

    private static let columns = "id, source, window, level, first_time, last_time, rows, samples, first_series, last_series, bytes"

    let path: String
    private let database: Database

    /// Opens for writing; makes the file if it is missing.
    init(writing path: String) throws {
        self.path = path
        database = try StoreFile.open(path, schema: DayFile.schema)
    }

    init(reading path: String) throws {
        self.path = path
        database = try Database(path: path, durability: .readOnly)
    }

    func transaction<Result>(_ body: () throws -> Result) throws -> Result { try database.transaction(body) }

    func insert(_ part: PartRow, body: [UInt8]) throws {
        try database.run(
            "INSERT INTO part(source, window, level, first_time, last_time, rows, samples, first_series, last_series, bytes, body) "
                + "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            .integer(Int64(part.source)), .integer(part.window), .integer(part.level), .integer(part.firstTime), .integer(part.lastTime),
            .integer(Int64(part.rows)), .integer(Int64(part.samples)), .integer(Int64(part.firstSeries)), .integer(Int64(part.lastSeries)),
            .integer(Int64(body.count)), .blob(body))
    }

    func remove(part id: Int64) throws { try database.run("DELETE FROM part WHERE id=?", .integer(id)) }
    func seal(part id: Int64) throws { try database.run("UPDATE part SET level=1 WHERE id=?", .integer(id)) }

    func setFlushed(_ source: SourceID, through sequence: Int64) throws {
        try database.run("INSERT INTO flushed VALUES(?, ?) ON CONFLICT(source) DO UPDATE SET seq=excluded.seq", .integer(Int64(source)), .integer(sequence))
    }

    func flushed() throws -> [SourceID: Int64] {
        var result: [SourceID: Int64] = [:]
        let rows = try database.prepare("SELECT source, seq FROM flushed")
        while try rows.step() { result[SourceID(truncatingIfNeeded: rows.integer(0))] = rows.integer(1) }
        return result
    }

    /// The parts of a source that touch the span of times and of series, by their first times.
    func parts(source: SourceID, from: Int64, through: Int64, series: ClosedRange<SeriesID> = 0...SeriesID.max) throws -> [PartRow] {
        let rows = try database.prepare(
            "SELECT \(DayFile.columns) FROM part WHERE source=? AND first_time<=? AND last_time>=? AND first_series<=? AND last_series>=? "
                + "ORDER BY first_time, id")
        try rows.bind([
            .integer(Int64(source)), .integer(through), .integer(from), .integer(Int64(series.upperBound)), .integer(Int64(series.lowerBound)),
        ])
        var result: [PartRow] = []
        while try rows.step() { result.append(DayFile.part(rows)) }
        return result
    }

    func parts(source: SourceID, window: Int64) throws -> [PartRow] {
        try parts(source: source, from: window * Day.windowMilliseconds, through: (window + 1) * Day.windowMilliseconds - 1).filter { $0.window == window }
    }

    /// The windows that a flush wrote into since they were sealed.
    func unsealed() throws -> [(source: SourceID, window: Int64)] {
        let rows = try database.prepare("SELECT DISTINCT source, window FROM part WHERE level=0")
        var result: [(SourceID, Int64)] = []
        while try rows.step() { result.append((SourceID(truncatingIfNeeded: rows.integer(0)), rows.integer(1))) }
        return result
    }

    /// The newest time of each source.
    func lastTimes() throws -> [SourceID: Int64] {
        let rows = try database.prepare("SELECT source, max(last_time) FROM part GROUP BY source")
        var result: [SourceID: Int64] = [:]
        while try rows.step() { result[SourceID(truncatingIfNeeded: rows.integer(0))] = rows.integer(1) }
        return result
    }

    /// Samples and bytes of all parts.
    func totals() throws -> (samples: Int, bytes: Int) {
        let rows = try database.prepare("SELECT coalesce(sum(samples), 0), coalesce(sum(bytes), 0) FROM part")
        guard try rows.step() else { return (0, 0) }
        defer { rows.reset() }
        return (Int(rows.integer(0)), Int(rows.integer(1)))
    }

    /// The bytes of a part; nil if it is gone.
    func body(part id: Int64) throws -> [UInt8]? { try database.scalar("SELECT body FROM part WHERE id=?", .integer(id))?.blob }

    /// Runs `body` on one state of the file, whatever the writer does meanwhile.
    func reading<Result>(_ body: () throws -> Result) throws -> Result {
        try database.execute("BEGIN")
        defer { try? database.execute("COMMIT") }
        return try body()
    }

    /// Gives free pages back to the file system, when the day will hardly change any more.
    func finish() throws {
        try database.execute("PRAGMA incremental_vacuum")
        try database.checkpoint(truncating: true)
    }

    func checkpoint() throws { try database.checkpoint(truncating: true) }

    private static func part(_ row: Statement) -> PartRow {
        PartRow(
            id: row.integer(0), source: SourceID(truncatingIfNeeded: row.integer(1)), window: row.integer(2), level: row.integer(3),
            firstTime: row.integer(4), lastTime: row.integer(5), rows: Int(row.integer(6)), samples: Int(row.integer(7)),
            firstSeries: SeriesID(truncatingIfNeeded: row.integer(8)), lastSeries: SeriesID(truncatingIfNeeded: row.integer(9)), bytes: Int(row.integer(10)))
    }
}
