import ChunkCodec
import Glibc
import Runtime
import SQLite
import Zstd

/// What all files of the store share: the stamp by which they are known, and how they are opened.
enum StoreFile {
    /// "BnSe": SQLite's application_id of our files.
    static let applicationID: Int64 = 0x426E_5365
    /// Of the log and the catalog.
    static let formatVersion: Int64 = 2

    /// Opens or makes a file with `schema`; refuses what another program or a newer Binnacle wrote. A file of a version in `raised` is
    /// one of the wanted version too, and is stamped so: an older program would not understand what is added to it.
    static func open(
        _ path: String, schema: String, version wanted: Int64 = formatVersion, raised: ClosedRange<Int64>? = nil, pageSize: Int = 4096
    ) throws -> Database {
        let database = try Database(path: path, durability: .full, pageSize: pageSize)
        let version = try database.scalar("PRAGMA user_version")?.integer ?? 0
        let application = try database.scalar("PRAGMA application_id")?.integer ?? 0
        if version > wanted { throw SeriesStoreError.newerFormat(path: path, version: version, supported: wanted) }
        if application == applicationID, let raised, raised.contains(version) {
            try database.execute("PRAGMA user_version=\(wanted)")
        } else if application == applicationID, version != 0, version < wanted {
            throw SeriesStoreError.olderFormat(path: path, version: version, supported: wanted)
        }
        guard application == applicationID || (application == 0 && version == 0) else {
            throw SeriesStoreError.corrupt(path: path, reason: "it is a SQLite file of another program")
        }
        if version == 0 {
            try database.transaction {
                try database.execute(schema)
                try database.execute("PRAGMA application_id=\(applicationID); PRAGMA user_version=\(wanted)")
            }
        }
        return database
    }

    /// Bytes of the files in a directory. One that goes while they are counted counts nothing.
    static func bytes(below directory: String) throws(FileError) -> Int {
        let fileSystem = HostFileSystem()
        var sum = 0
        for name in try fileSystem.list(directory) { sum += try bytes(of: "\(directory)/\(name)") ?? 0 }
        return sum
    }

    /// nil if there is no such file.
    static func bytes(of path: String) throws(FileError) -> Int? {
        do throws(FileError) {
            return Int(try HostFileSystem().status(path).size)
        } catch {
            if error.code == ENOENT { return nil }
            throw error
        }
    }
}

/// zstd as the column codecs' last step. One a thread: its contexts are reused.
func zstdFinish() -> Finish {
    // Level 3: contracts/platform.md measures 9 at a fifth of the speed for a few per cent.
    let compressor = ZstdCompressor(level: 3)
    let decompressor = ZstdDecompressor()
    return Finish(
        compress: { compressor.compress($0) },
        decompress: { try? decompressor.decompress($0, limit: $1) })
}

/// Undoes what the log's records were packed with.
func recordDecompressor() -> ZstdDecompressor { ZstdDecompressor() }
