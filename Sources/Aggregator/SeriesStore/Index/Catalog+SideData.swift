import ChunkCodec
import SQLite
import Telemetry

/// What the metrics are, and exemplars: a few rows each, bounded.
extension Catalog {
    /// Metrics of which metadata are kept.
    private static let maxMetadata = 100_000

    func store(metadata: [MetricMetadata], exemplars: [(series: SeriesID, item: SeriesBatch.Exemplar)], maxExemplars: Int) throws {
        try database.transaction {
            for item in metadata {
                let known = try database.scalar(
                    "SELECT count(*) FROM metadata WHERE metric=? AND type=? AND help=? AND unit=?", .blob(Array(item.metric.utf8)), .text(item.type),
                    .blob(Array(item.help.utf8)), .blob(Array(item.unit.utf8)))?.integer
                if known == 1 { continue }
                guard try (database.scalar("SELECT count(*) FROM metadata")?.integer ?? 0) < Catalog.maxMetadata else { break }
                try database.run(
                    "INSERT OR REPLACE INTO metadata VALUES(?, ?, ?, ?)", .blob(Array(item.metric.utf8)), .text(item.type), .blob(Array(item.help.utf8)),
                    .blob(Array(item.unit.utf8)))
            }
            for (series, item) in exemplars {
                var value: [UInt8] = []
                value.appendFixed(item.value.bitPattern)
                var labels: [UInt8] = []
                for label in item.labels.list {
                    labels.appendSection(Array(label.name.utf8))
                    labels.appendSection(Array(label.value.utf8))
                }
                try database.run(
                    "INSERT OR REPLACE INTO exemplar(series, time, value, labels) VALUES(?, ?, ?, ?)", .integer(Int64(series)),
                    .integer(item.timestamp), .blob(value), .blob(labels))
            }
            // The oldest give way, as in Prometheus' ring.
            if !exemplars.isEmpty { try database.run("DELETE FROM exemplar WHERE id <= (SELECT max(id) FROM exemplar) - ?", .integer(Int64(maxExemplars))) }
        }
    }

    func metadata() throws -> [MetricMetadata] {
        let rows = try database.prepare("SELECT metric, type, help, unit FROM metadata ORDER BY metric")
        var result: [MetricMetadata] = []
        func text(_ column: Int) -> String { String(decoding: rows.blob(column), as: UTF8.self) }
        while try rows.step() { result.append(MetricMetadata(metric: text(0), type: rows.text(1), help: text(2), unit: text(3))) }
        rows.reset()
        return result
    }

    func exemplars(of series: SeriesID, from: Int64, through: Int64) throws -> [SeriesBatch.Exemplar] {
        let rows = try database.prepare("SELECT time, value, labels FROM exemplar WHERE series=? AND time>=? AND time<=? ORDER BY time")
        try rows.bind([.integer(Int64(series)), .integer(from), .integer(through)])
        var result: [SeriesBatch.Exemplar] = []
        while try rows.step() {
            var value = ByteReader(rows.blob(1))
            var reader = ByteReader(rows.blob(2))
            var list: [Labels.Label] = []
            while !reader.isAtEnd {
                let name = String(decoding: try reader.section().rest, as: UTF8.self)
                list.append(Labels.Label(name, String(decoding: try reader.section().rest, as: UTF8.self)))
            }
            result.append(
                SeriesBatch.Exemplar(
                    labels: Labels(sortedUnchecked: list), timestamp: rows.integer(0), value: Double(bitPattern: try value.fixed64())))
        }
        rows.reset()
        return result
    }

    func removeExemplars(of series: Set<SeriesID>, from: Int64, through: Int64) throws {
        try database.transaction {
            for id in series {
                try database.run("DELETE FROM exemplar WHERE series=? AND time>=? AND time<=?", .integer(Int64(id)), .integer(from), .integer(through))
            }
        }
    }
}
