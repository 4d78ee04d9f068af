import ChunkCodec
import SQLite
import Telemetry

/// `catalog.db`: the numbers of series and sources, and between which hours each series has samples.
///
/// Texts are kept once, as symbols; a series is a list of their numbers. They are blobs, because a label may
/// hold a NUL, at which SQLite's text ends.
final class Catalog {
    static let schema = """
        CREATE TABLE symbol(id INTEGER PRIMARY KEY, text BLOB NOT NULL) STRICT;
        CREATE TABLE source(id INTEGER PRIMARY KEY, name BLOB NOT NULL) STRICT;
        CREATE TABLE series(id INTEGER PRIMARY KEY, labels BLOB NOT NULL, sources BLOB NOT NULL,
                            first_hour INTEGER NOT NULL, last_hour INTEGER NOT NULL) STRICT;
        """

    /// What a start reads.
    struct Contents {
        var index = SeriesIndex()
        var sources: [String: SourceID] = [:]
        var warnings: [String] = []
    }

    private let database: Database
    private var symbols: [String: Int64] = [:]
    private var nextSymbol: Int64 = 1
    private var nextSeries: Int64 = 1
    private var nextSource: Int64 = 1

    init(path: String) throws { database = try StoreFile.open(path, schema: Catalog.schema) }

    /// Reads all. A row that cannot be read is left out and told of.
    func load() throws -> Contents {
        var contents = Contents()
        var texts: [Int64: String] = [:]
        let symbolRows = try database.prepare("SELECT id, text FROM symbol")
        while try symbolRows.step() {
            let (id, text) = (symbolRows.integer(0), String(decoding: symbolRows.blob(1), as: UTF8.self))
            texts[id] = text
            symbols[text] = id
            nextSymbol = max(nextSymbol, id + 1)
        }
        let sourceRows = try database.prepare("SELECT id, name FROM source")
        while try sourceRows.step() {
            contents.sources[String(decoding: sourceRows.blob(1), as: UTF8.self)] = SourceID(truncatingIfNeeded: sourceRows.integer(0))
            nextSource = max(nextSource, sourceRows.integer(0) + 1)
        }
        let rows = try database.prepare("SELECT id, labels, sources, first_hour, last_hour FROM series ORDER BY id")
        while try rows.step() {
            let id = rows.integer(0)
            nextSeries = max(nextSeries, id + 1)
            do throws(ChunkError) {
                let labels = try Catalog.labels(rows.blob(1), texts)
                let sources = try Catalog.numbers(rows.blob(2)).map { SourceID(truncatingIfNeeded: $0) }
                contents.index.insert(
                    SeriesID(truncatingIfNeeded: id), .init(labels: labels, sources: sources, firstHour: rows.integer(3), lastHour: rows.integer(4)))
            } catch {
                contents.warnings.append("\(database.path): series \(id) cannot be read and is left out: \(error)")
            }
        }
        return contents
    }

    /// Gives out a number for each, durable when this returns. The series have no samples yet.
    func add(series: [(labels: Labels, source: SourceID, hour: Int64)]) throws -> [SeriesID] {
        let (symbolMark, seriesMark) = (nextSymbol, nextSeries)
        do {
            return try database.transaction {
                try series.map { series in
                    var numbers: [UInt8] = []
                    for label in series.labels.list {
                        numbers.appendVarint(Int(try symbol(label.name)))
                        numbers.appendVarint(Int(try symbol(label.value)))
                    }
                    let id = nextSeries
                    nextSeries += 1
                    try database.run(
                        "INSERT INTO series VALUES(?, ?, ?, ?, ?)", .integer(id), .blob(numbers), .blob(Catalog.bytes([series.source])),
                        .integer(series.hour), .integer(series.hour))
                    return SeriesID(truncatingIfNeeded: id)
                }
            }
        } catch {
            // The symbols of the rolled-back transaction are not in the file.
            symbols = symbols.filter { $0.value < symbolMark }
            (nextSymbol, nextSeries) = (symbolMark, seriesMark)
            throw error
        }
    }

    func add(sources names: [String]) throws -> [SourceID] {
        let mark = nextSource
        do {
            return try database.transaction {
                try names.map { name in
                    let id = nextSource
                    nextSource += 1
                    try database.run("INSERT INTO source VALUES(?, ?)", .integer(id), .blob(Array(name.utf8)))
                    return SourceID(truncatingIfNeeded: id)
                }
            }
        } catch {
            nextSource = mark
            throw error
        }
    }

    /// Writes what changed of known series.
    func update(_ entries: [(id: SeriesID, entry: SeriesIndex.Entry)]) throws {
        guard !entries.isEmpty else { return }
        try database.transaction {
            for (id, entry) in entries {
                try database.run(
                    "UPDATE series SET sources=?, first_hour=?, last_hour=? WHERE id=?", .blob(Catalog.bytes(entry.sources)),
                    .integer(entry.firstHour), .integer(entry.lastHour), .integer(Int64(id)))
            }
        }
    }

    /// Removes series and sources, but neither the newest (their numbers must not be given out again) nor symbols.
    func remove(series: Set<SeriesID>, sources: Set<SourceID>) throws {
        guard !series.isEmpty || !sources.isEmpty else { return }
        try database.transaction {
            for id in series where Int64(id) + 1 < nextSeries { try database.run("DELETE FROM series WHERE id=?", .integer(Int64(id))) }
            for id in sources where Int64(id) + 1 < nextSource { try database.run("DELETE FROM source WHERE id=?", .integer(Int64(id))) }
        }
    }

    func checkpoint() throws { try database.checkpoint(truncating: true) }

    private func symbol(_ text: String) throws -> Int64 {
        if let known = symbols[text] { return known }
        let id = nextSymbol
        try database.run("INSERT INTO symbol VALUES(?, ?)", .integer(id), .blob(Array(text.utf8)))
        nextSymbol += 1
        symbols[text] = id
        return id
    }

    private static func bytes(_ sources: [SourceID]) -> [UInt8] {
        var bytes: [UInt8] = []
        for source in sources { bytes.appendVarint(UInt64(source)) }
        return bytes
    }

    private static func numbers(_ bytes: [UInt8]) throws(ChunkError) -> [UInt64] {
        var reader = ByteReader(bytes)
        var numbers: [UInt64] = []
        while !reader.isAtEnd { numbers.append(try reader.varint()) }
        return numbers
    }

    private static func labels(_ bytes: [UInt8], _ texts: [Int64: String]) throws(ChunkError) -> Labels {
        let numbers = try numbers(bytes)
        guard numbers.count % 2 == 0 else { throw .malformed("a label without a value") }
        var list: [Labels.Label] = []
        for position in stride(from: 0, to: numbers.count, by: 2) {
            guard let name = texts[Int64(bitPattern: numbers[position])], let value = texts[Int64(bitPattern: numbers[position + 1])] else {
                throw .malformed("a label refers to a text that is not there")
            }
            list.append(Labels.Label(name, value))
        }
        return Labels(sortedUnchecked: list)
    }
}
