import SQLite

/// How far each file was read and acknowledged, in a SQLite file of the tailer's own.
///
/// It may lose its last seconds at power loss: what is then sent again the store knows by its offsets.
final class Checkpoints {
    struct Row: Hashable {
        /// The container's directory below the root.
        var container: String
        var name: String
        var identity: FileIdentity
        /// How often the same file with the same beginning was started anew.
        var generation: Int
        var offset: Int64
    }

    private let database: Database
    static let format = 1

    init(path: String) throws {
        database = try Database(path: path, durability: .normal)
        try database.execute(
            """
            CREATE TABLE IF NOT EXISTS kv(key TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS file(container TEXT, name TEXT, device INTEGER, inode INTEGER, fingerprint INTEGER, generation INTEGER,
                offset INTEGER, PRIMARY KEY(container, inode, fingerprint)) WITHOUT ROWID;
            INSERT OR IGNORE INTO kv VALUES('format', \(Self.format));
            """)
        let format = Int(try database.scalar("SELECT value FROM kv WHERE key='format'")?.integer ?? 0)
        guard format <= Self.format else { throw LogTailError.newerFormat(path: path, format: format, known: Self.format) }
    }

    func all() throws -> [Row] {
        let statement = try database.prepare("SELECT container, name, device, inode, fingerprint, generation, offset FROM file")
        defer { statement.reset() }
        var rows: [Row] = []
        while try statement.step() {
            let identity = FileIdentity(
                device: UInt64(bitPattern: statement.integer(2)), inode: UInt64(bitPattern: statement.integer(3)),
                fingerprint: UInt64(bitPattern: statement.integer(4)))
            rows.append(
                Row(
                    container: statement.text(0), name: statement.text(1), identity: identity, generation: Int(statement.integer(5)),
                    offset: statement.integer(6)))
        }
        return rows
    }

    func update(saving saved: [Row], removing removed: [Row]) throws {
        guard !saved.isEmpty || !removed.isEmpty else { return }
        try database.transaction {
            for row in removed {
                try database.run(
                    "DELETE FROM file WHERE container=? AND inode=? AND fingerprint=?", .text(row.container),
                    .integer(Int64(bitPattern: row.identity.inode)), .integer(Int64(bitPattern: row.identity.fingerprint)))
            }
            for row in saved {
                try database.run(
                    "INSERT OR REPLACE INTO file VALUES(?, ?, ?, ?, ?, ?, ?)", .text(row.container), .text(row.name),
                    .integer(Int64(bitPattern: row.identity.device)), .integer(Int64(bitPattern: row.identity.inode)),
                    .integer(Int64(bitPattern: row.identity.fingerprint)), .integer(Int64(row.generation)), .integer(row.offset))
            }
        }
    }
}

/// Why the tailer cannot start.
public enum LogTailError: Error, Sendable, CustomStringConvertible {
    case newerFormat(path: String, format: Int, known: Int)

    public var description: String {
        switch self {
        case .newerFormat(let path, let format, let known):
            "\(path) has format \(format), and this version reads up to \(known); use the newer binnacle that wrote it, or move the file away"
        }
    }
}
