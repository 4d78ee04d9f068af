import SQLite

/// How far each file was read and acknowledged, in a SQLite file of the tailer's own.
///
/// It may lose its last seconds at power loss: what is then sent again the store knows by its offsets.
final class Checkpoints {
    struct Row: Hashable {
        /// The source's key.
        var source: String
        var name: String
        var identity: FileIdentity
        /// How often the same file with the same beginning was started anew.
        var generation: Int
        var offset: Int64
        /// What the store knows the file by.
        var origin: String
        /// Its first bytes, at most 256.
        var beginning: [UInt8] = []
        /// Of a compressed file that was read to its end, its size as it lies there; else 0.
        var packedSize: Int64 = 0
    }

    private let database: Database
    static let format = 2

    init(path: String) throws {
        database = try Database(path: path, durability: .normal)
        try database.execute(
            """
            CREATE TABLE IF NOT EXISTS kv(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS file(container TEXT, name TEXT, device INTEGER, inode INTEGER, fingerprint INTEGER, generation INTEGER,
                offset INTEGER, PRIMARY KEY(container, inode, fingerprint)) WITHOUT ROWID;
            INSERT OR IGNORE INTO kv VALUES('format', 1);
            """)
        let format = Int(try database.scalar("SELECT value FROM kv WHERE key='format'")?.integer ?? 0)
        guard format <= Self.format else { throw LogTailError.newerFormat(path: path, format: format, known: Self.format) }
        if format < 2 {
            try database.transaction {
                try database.execute(
                    """
                    ALTER TABLE file ADD COLUMN origin TEXT NOT NULL DEFAULT '';
                    ALTER TABLE file ADD COLUMN beginning BLOB NOT NULL DEFAULT x'';
                    ALTER TABLE file ADD COLUMN packed_size INTEGER NOT NULL DEFAULT 0;
                    UPDATE kv SET value=2 WHERE key='format';
                    """)
            }
        }
    }

    func all() throws -> [Row] {
        let statement = try database.prepare(
            "SELECT container, name, device, inode, fingerprint, generation, offset, origin, beginning, packed_size FROM file")
        defer { statement.reset() }
        var rows: [Row] = []
        while try statement.step() {
            let identity = FileIdentity(
                device: UInt64(bitPattern: statement.integer(2)), inode: UInt64(bitPattern: statement.integer(3)),
                fingerprint: UInt64(bitPattern: statement.integer(4)))
            rows.append(
                Row(
                    source: statement.text(0), name: statement.text(1), identity: identity, generation: Int(statement.integer(5)),
                    offset: statement.integer(6), origin: statement.text(7), beginning: statement.blob(8), packedSize: statement.integer(9)))
        }
        return rows
    }

    func update(saving saved: [Row], removing removed: [Row]) throws {
        guard !saved.isEmpty || !removed.isEmpty else { return }
        try database.transaction {
            for row in removed {
                try database.run(
                    "DELETE FROM file WHERE container=? AND inode=? AND fingerprint=?", .text(row.source),
                    .integer(Int64(bitPattern: row.identity.inode)), .integer(Int64(bitPattern: row.identity.fingerprint)))
            }
            for row in saved {
                try database.run(
                    "INSERT OR REPLACE INTO file VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", .text(row.source), .text(row.name),
                    .integer(Int64(bitPattern: row.identity.device)), .integer(Int64(bitPattern: row.identity.inode)),
                    .integer(Int64(bitPattern: row.identity.fingerprint)), .integer(Int64(row.generation)), .integer(row.offset), .text(row.origin),
                    .blob(row.beginning), .integer(row.packedSize))
            }
        }
    }

    // MARK: Single values

    func value(_ key: String) throws -> String? { try database.scalar("SELECT value FROM kv WHERE key=?", .text(key))?.text }

    func set(_ key: String, _ value: String) throws { try database.run("INSERT OR REPLACE INTO kv VALUES(?, ?)", .text(key), .text(value)) }

    /// The next of the names that tell files of unstamped lines apart; never given twice, nor by the checkpoints of another
    /// machine of the same name, or by ones that took the place of these.
    func nextSequence() throws -> String {
        try database.run("INSERT OR IGNORE INTO kv VALUES('identity', ?)", .text(String(UInt64.random(in: 0...UInt64.max), radix: 36)))
        try database.run("INSERT INTO kv VALUES('sequence', 1) ON CONFLICT(key) DO UPDATE SET value = value + 1")
        let number = try database.scalar("SELECT value FROM kv WHERE key='sequence'")?.integer ?? 0
        return "\(number).\(try value("identity") ?? "")"
    }
}

/// Why the tailer cannot start.
public enum LogTailError: Error, Sendable, CustomStringConvertible {
    case newerFormat(path: String, format: Int, known: Int)
    case badKey(path: String, problem: String, remedy: String)

    public var description: String {
        switch self {
        case .newerFormat(let path, let format, let known):
            "\(path) has format \(format), and this version reads up to \(known); use the newer binnacle that wrote it, or move the file away"
        case .badKey(let path, let problem, let remedy): "\(path), the key for the marks of secrets, cannot be used: \(problem); \(remedy)"
        }
    }
}
