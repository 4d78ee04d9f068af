import ChunkCodec
import SQLite
import Telemetry
import Zstd

/// `catalog.db`: the labels of the series and between which hours each has samples; what the metrics are; exemplars.
///
/// Written at each flush, before the parts: a series that is newer than that is in the log. Series are kept by chunks
/// of 1024, compressed, which takes a few bytes each instead of the fifty of a row.
final class Catalog {
    static let schema = """
        CREATE TABLE symbols(first INTEGER PRIMARY KEY, count INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
        CREATE TABLE series(chunk INTEGER PRIMARY KEY, count INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
        CREATE TABLE metadata(metric BLOB PRIMARY KEY, type TEXT NOT NULL, help BLOB NOT NULL, unit BLOB NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE exemplar(id INTEGER PRIMARY KEY, series INTEGER NOT NULL, time INTEGER NOT NULL, value BLOB NOT NULL, labels BLOB NOT NULL) STRICT;
        CREATE UNIQUE INDEX exemplar_series ON exemplar(series, time);
        """

    let path: String
    let database: Database
    private let compressor = ZstdCompressor(level: 9)
    private let decompressor = ZstdDecompressor()
    /// Symbols and chunks that are in the file.
    private var storedSymbols = 0
    private var symbolRows = 0

    init(path: String) throws {
        self.path = path
        database = try StoreFile.open(path, schema: Catalog.schema, pageSize: 1024)
    }

    /// Only for looking at it.
    init(reading path: String) throws {
        self.path = path
        database = try Database(path: path, durability: .readOnly)
    }

    /// Reads all series. What cannot be read is left out and told of.
    func load() throws -> (index: SeriesIndex, warnings: [String]) {
        var index = SeriesIndex()
        var warnings: [String] = []
        let symbols = try database.prepare("SELECT first, count, body FROM symbols ORDER BY first")
        while try symbols.step() {
            symbolRows += 1
            // A gap keeps the numbers of what follows.
            while index.symbols.count < Int(symbols.integer(0)) { _ = index.symbols.add("\u{FFFD}missing-\(index.symbols.count)") }
            do {
                var reader = try unpacked(symbols.blob(2))
                for _ in 0..<symbols.integer(1) {
                    var text = try reader.section()
                    let bytes = try text.take(text.remaining).rest
                    _ = index.symbols.add(String(decoding: bytes, as: UTF8.self))
                }
            } catch {
                warnings.append("\(path): the label texts from \(symbols.integer(0)) on cannot be read, and their series are left out: \(error)")
            }
        }
        storedSymbols = index.symbols.count
        let series = try database.prepare("SELECT chunk, body FROM series ORDER BY chunk")
        while try series.step() {
            let number = Int(series.integer(0))
            while index.chunks.count < number { index.append(chunk: nil) }
            do {
                let reader = try unpacked(series.blob(1))
                index.append(chunk: try SeriesChunk(encoded: reader.rest, symbols: index.symbols.count))
            } catch {
                warnings.append("\(path): the series from \(number * SeriesChunk.size) on cannot be read and are left out: \(error)")
                index.append(chunk: nil)
            }
        }
        index.finishAppending()
        return (index, warnings)
    }

    /// Writes new symbols and the given chunks; a chunk that is nil is removed.
    func write(symbols: ArraySlice<String>, chunks: [Int: SeriesChunk?]) throws {
        guard !symbols.isEmpty || !chunks.isEmpty else { return }
        try database.transaction {
            if !symbols.isEmpty {
                try database.run(
                    "INSERT OR REPLACE INTO symbols VALUES(?, ?, ?)", .integer(Int64(symbols.startIndex)), .integer(Int64(symbols.count)),
                    .blob(packed(Catalog.encode(symbols))))
                symbolRows += 1
            }
            for (number, chunk) in chunks {
                if let chunk {
                    try database.run(
                        "INSERT OR REPLACE INTO series VALUES(?, ?, ?)", .integer(Int64(number)), .integer(Int64(chunk.count)), .blob(packed(chunk.encoded())))
                } else {
                    try database.run("DELETE FROM series WHERE chunk=?", .integer(Int64(number)))
                }
            }
        }
        storedSymbols = max(storedSymbols, symbols.endIndex)
    }

    /// The symbols that are not in the file yet.
    func newSymbols(of index: SeriesIndex) -> ArraySlice<String> { index.symbols.texts[min(storedSymbols, index.symbols.count)...] }

    /// Writes all symbols anew in few rows, if they have become many small ones, and gives free pages back.
    func compact(_ symbols: SymbolTable) throws {
        if symbolRows > 1 + symbols.count / 8192 {
            try database.transaction {
                try database.run("DELETE FROM symbols")
                for start in stride(from: 0, to: storedSymbols, by: 8192) {
                    let slice = symbols.texts[start..<min(storedSymbols, start + 8192)]
                    try database.run(
                        "INSERT INTO symbols VALUES(?, ?, ?)", .integer(Int64(start)), .integer(Int64(slice.count)), .blob(packed(Catalog.encode(slice))))
                }
            }
            symbolRows = 1 + storedSymbols / 8192
        }
        try database.execute("VACUUM")
        try checkpoint()
    }

    func checkpoint() throws { try database.checkpoint(truncating: true) }

    private static func encode(_ symbols: ArraySlice<String>) -> [UInt8] {
        var bytes: [UInt8] = []
        for symbol in symbols { bytes.appendSection(Array(symbol.utf8)) }
        return bytes
    }

    /// zstd, then the checksum of that.
    private func packed(_ bytes: [UInt8]) -> [UInt8] {
        var packed = compressor.compress(bytes)
        packed.appendFixed(CRC32C.checksum(packed))
        return packed
    }

    private func unpacked(_ bytes: [UInt8]) throws -> ByteReader {
        guard bytes.count >= 4 else { throw ChunkError.truncated(offset: bytes.count) }
        var tail = ByteReader(bytes, in: bytes.count - 4..<bytes.count)
        let stored = try tail.fixed32()
        let computed = CRC32C.checksum(bytes, in: 0..<bytes.count - 4)
        guard stored == computed else { throw ChunkError.checksum(stored: stored, computed: computed) }
        return ByteReader(try decompressor.decompress(Array(bytes.dropLast(4)), limit: 256 << 20))
    }
}
