import ChunkCodec
import SQLite

/// A row of a day file's table of parts, without the part.
struct PartRow: Sendable, Hashable {
    /// A later part has a larger number, and counts where two say different things.
    var id: Int64 = 0
    /// The span of two-hour windows that it belongs to.
    var firstWindow: Int64
    var lastWindow: Int64
    /// 0: written by a flush. 1: sealed, the only part of its windows for its columns. -1: damaged and left out of answers.
    var level: Int64
    var firstTime: Int64
    var lastTime: Int64
    var firstSeries: UInt64
    var lastSeries: UInt64
    var columns: Int
    var samples: Int
    /// Times of its longest column.
    var rows: Int
    var bytes: Int
    /// The checksum of its directory, which has those of the body's pages in it: with the rest of the row it tells the
    /// part from any that may later get the same number. 0 for a part that was not read from a file.
    var checksum: UInt32 = 0
}

/// `series-YYYY-MM-DD.db`: the parts of one UTC day, and how far into the log they go. Files of rollups have the same form, and so has
/// `series-YYYY-MM.db`, of days that were old when they came.
final class DayFile {
    static let schema = """
        CREATE TABLE part(id INTEGER PRIMARY KEY, first_window INTEGER NOT NULL, last_window INTEGER NOT NULL, level INTEGER NOT NULL,
                          first_time INTEGER NOT NULL, last_time INTEGER NOT NULL, first_series INTEGER NOT NULL, last_series INTEGER NOT NULL,
                          columns INTEGER NOT NULL, samples INTEGER NOT NULL, rows INTEGER NOT NULL, directory BLOB NOT NULL, body BLOB NOT NULL) STRICT;
        CREATE TABLE flushed(only INTEGER PRIMARY KEY CHECK(only = 1), seq INTEGER NOT NULL) STRICT;
        CREATE TABLE histogram(series INTEGER NOT NULL, time INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY(series, time)) STRICT, WITHOUT ROWID;
        CREATE TABLE state(key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        """

    private static let columns =
        "id, first_window, last_window, level, first_time, last_time, first_series, last_series, columns, samples, rows, "
        + "length(directory) + length(body), substr(directory, -4)"

    let path: String
    let database: Database
    private let bodies: BlobReader
    private var isReading = false
    private var knownVersion: Int64?
    private var knownParts: [PartRow] = []
    /// False if there were no native histograms when `cachedParts` last looked: most files have none, and a query need not ask then.
    private(set) var mayHaveHistograms = true

    /// Of files with parts: 4 has parts of version 3, which older programs do not read.
    static let formatVersion: Int64 = 4

    /// A part's last page is half empty on average, and each table takes one: of a small file that is most.
    private static let pageBytes = 2048

    /// Opens for writing; makes the file if it is missing. `raised`: versions that are read, and raised to this program's.
    init(writing path: String, raised: ClosedRange<Int64> = 2...3) throws {
        self.path = path
        database = try StoreFile.open(path, schema: DayFile.schema, version: DayFile.formatVersion, raised: raised, pageSize: DayFile.pageBytes)
        bodies = BlobReader(database, table: "part", column: "body")
    }

    init(reading path: String) throws {
        self.path = path
        database = try Database(path: path, durability: .readOnly)
        bodies = BlobReader(database, table: "part", column: "body")
    }

    func transaction<Result>(_ body: () throws -> Result) throws -> Result { try database.transaction(body) }

    /// A transaction that says what is there in another form: power loss may undo it whole, and then the former form is there, so nobody
    /// waits for the disk. What is committed durably later takes it along, for the log of SQLite is one sequence.
    func rewriting<Result>(_ body: () throws -> Result) throws -> Result {
        try database.execute("PRAGMA synchronous=NORMAL")
        let outcome: Swift.Result<Result, any Error> = Swift.Result { try database.transaction(body) }
        // Before anything else: what is acknowledged next must be on the disk.
        try database.execute("PRAGMA synchronous=FULL")
        return try outcome.get()
    }

    /// Adds a part under a new number, above all others, or under the given one.
    func insert(_ part: PartRow, _ encoded: Part.Encoded, id: Int64? = nil) throws {
        try database.run(
            "INSERT INTO part(id, first_window, last_window, level, first_time, last_time, first_series, last_series, columns, samples, rows, "
                + "directory, body) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            SQLiteValue(id), .integer(part.firstWindow), .integer(part.lastWindow), .integer(part.level), .integer(part.firstTime), .integer(part.lastTime),
            .integer(Int64(part.firstSeries)), .integer(Int64(part.lastSeries)), .integer(Int64(part.columns)), .integer(Int64(part.samples)),
            .integer(Int64(part.rows)), .blob(encoded.directory), .blob(encoded.body))
    }

    /// The newest sample of the parts that are not damaged; nil if there is none.
    func newest() throws -> Int64? { try database.scalar("SELECT max(last_time) FROM part WHERE level >= 0")?.integer }

    func remove(part id: Int64) throws { try database.run("DELETE FROM part WHERE id=?", .integer(id)) }
    func setLevel(part id: Int64, _ level: Int64) throws { try database.run("UPDATE part SET level=? WHERE id=?", .integer(level), .integer(id)) }

    func setFlushed(through sequence: Int64) throws {
        try database.run("INSERT INTO flushed VALUES(1, ?) ON CONFLICT(only) DO UPDATE SET seq=excluded.seq", .integer(sequence))
    }

    /// All samples of this day in log rows up to this are in parts.
    func flushed() throws -> Int64 { try database.scalar("SELECT seq FROM flushed")?.integer ?? 0 }

    /// How often samples of the day were added or taken away, merges not counted: rollups tell by it whether they are of what there is.
    func changes(_ day: Day) throws -> Int64 { try state("changes-\(day.number)") ?? 0 }
    func noteChange(_ day: Day) throws { try setState("changes-\(day.number)", try changes(day) + 1) }

    /// The days of which the file has anything.
    func days(_ parts: [PartRow]) throws -> [Day] {
        var found = Set(parts.map { Day(of: $0.firstWindow * Day.windowMilliseconds) })
        let rows = try database.prepare("SELECT DISTINCT time / 86400000 FROM histogram")
        while try rows.step() { found.insert(Day(number: rows.integer(0))) }
        rows.reset()
        return found.sorted()
    }

    /// The parts of one day.
    func parts(_ day: Day) throws -> [PartRow] { try parts().filter { day.windows.contains($0.firstWindow) } }

    /// Takes all of a day out of a file that has others too, and gives the space back.
    func remove(_ day: Day) throws {
        try transaction {
            try database.run("DELETE FROM part WHERE first_window BETWEEN ? AND ?", .integer(day.windows.lowerBound), .integer(day.windows.upperBound))
            try database.run("DELETE FROM histogram WHERE time BETWEEN ? AND ?", .integer(day.start), .integer(day.end - 1))
            try database.run("DELETE FROM state WHERE key=?", .text("changes-\(day.number)"))
        }
        try database.execute("PRAGMA incremental_vacuum")
        try checkpoint()
    }

    func state(_ key: String) throws -> Int64? { try database.scalar("SELECT value FROM state WHERE key=?", .text(key))?.integer }
    func setState(_ key: String, _ value: Int64) throws {
        try database.run("INSERT OR REPLACE INTO state VALUES(?, ?)", .text(key), .integer(value))
    }

    /// All parts, the oldest first. Kept until another connection changes the file, if this one only reads.
    func parts() throws -> [PartRow] {
        let rows = try database.prepare("SELECT \(DayFile.columns) FROM part ORDER BY id")
        var result: [PartRow] = []
        while try rows.step() { result.append(DayFile.part(rows)) }
        return result
    }

    /// As `parts`, for a connection that only reads, inside `reading`. `onChange` is told when the list was read anew.
    func cachedParts(onChange: ([PartRow]) -> Void = { _ in }) throws -> [PartRow] {
        let version = try database.scalar("PRAGMA data_version")?.integer
        if version == nil || version != knownVersion {
            knownParts = try parts()
            mayHaveHistograms = try database.scalar("SELECT 1 FROM histogram LIMIT 1") != nil
            knownVersion = version
            onChange(knownParts)
        }
        return knownParts
    }

    /// A reader of the part; it must not be used after the transaction in which the part was found.
    func reader(_ part: PartRow, _ finish: Finish) throws -> PartReader {
        reader(part, try directory(part, finish), finish)
    }

    /// The same with a directory that was read before, and columns that were decoded before.
    func reader(_ part: PartRow, _ directory: PartDirectory, _ finish: Finish, known: [Int: [Double]] = [:]) -> PartReader {
        if isReading {
            return PartReader(directory, finish: finish, known: known) { [bodies] range in try bodies.read(part.id, range) }
        }
        return PartReader(directory, finish: finish, known: known) { [database] range in
            try database.blob(table: "part", column: "body", row: part.id, range)
        }
    }

    func directory(_ part: PartRow, _ finish: Finish) throws -> PartDirectory {
        guard let directory = try database.scalar("SELECT directory FROM part WHERE id=?", .integer(part.id))?.blob else {
            throw ChunkError.malformed("the part is gone")
        }
        return try PartDirectory(directory, finish: finish)
    }

    /// Runs `body` on one state of the file, whatever the writer does meanwhile.
    func reading<Result>(_ body: () throws -> Result) throws -> Result {
        try database.execute("BEGIN")
        isReading = true
        defer {
            isReading = false
            // It would keep the transaction open.
            bodies.close()
            try? database.execute("COMMIT")
        }
        return try body()
    }

    // MARK: Native histograms

    func insert(histogram body: [UInt8], series: SeriesID, time: Int64) throws {
        try database.run("INSERT OR REPLACE INTO histogram VALUES(?, ?, ?)", .integer(Int64(series)), .integer(time), .blob(body))
    }

    func histograms(series: SeriesID, from: Int64, through: Int64) throws -> [(time: Int64, body: [UInt8])] {
        let rows = try database.prepare("SELECT time, body FROM histogram WHERE series=? AND time>=? AND time<=? ORDER BY time")
        try rows.bind([.integer(Int64(series)), .integer(from), .integer(through)])
        var result: [(time: Int64, body: [UInt8])] = []
        while try rows.step() { result.append((rows.integer(0), rows.blob(1))) }
        rows.reset()
        return result
    }

    /// Writes the file anew without holes, when the day will hardly change any more.
    func vacuum() throws {
        try database.execute("VACUUM")
        try database.checkpoint(truncating: true)
    }

    func checkpoint() throws { try database.checkpoint(truncating: true) }

    private static func part(_ row: Statement) -> PartRow {
        let checksum = row.blob(12).reversed().reduce(0) { $0 << 8 | UInt32($1) }
        return PartRow(
            id: row.integer(0), firstWindow: row.integer(1), lastWindow: row.integer(2), level: row.integer(3), firstTime: row.integer(4),
            lastTime: row.integer(5), firstSeries: UInt64(row.integer(6)), lastSeries: UInt64(row.integer(7)), columns: Int(row.integer(8)),
            samples: Int(row.integer(9)), rows: Int(row.integer(10)), bytes: Int(row.integer(11)), checksum: checksum)
    }
}
