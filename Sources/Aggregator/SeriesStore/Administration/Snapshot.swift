import Glibc
import Runtime
import SQLite
import Synchronization
import Telemetry

/// A copy of a store as it was at one moment, made while it runs.
///
/// The log is copied first and the catalog last: whatever is flushed in between is then in the log's copy, in the
/// day's, or in both, and the catalog knows all series of either.
enum Snapshot {
    /// Copies into a directory that is made, or empty. Returns the bytes written.
    static func make(of directory: String, in target: String, _ progress: (String) -> Void) throws -> Int {
        let fileSystem = HostFileSystem()
        try fileSystem.makeDirectory(target, mode: 0o750)
        guard try fileSystem.list(target).isEmpty else {
            throw SeriesStoreError.notWritable(path: target, reason: "it holds files already; choose an empty directory")
        }
        let names = try fileSystem.list(directory).filter { $0.hasSuffix(".db") && $0 != "head.db" && $0 != "catalog.db" }
        var bytes = 0
        for name in ["head.db"] + names + ["catalog.db"] {
            guard fileSystem.exists("\(directory)/\(name)") else { continue }
            progress(name)
            do {
                try copy("\(directory)/\(name)", "\(target)/\(name)")
            } catch {
                // The retention may remove a day meanwhile.
                guard fileSystem.exists("\(directory)/\(name)") else { continue }
                throw error
            }
            bytes += Int(try fileSystem.status("\(target)/\(name)").size)
        }
        try sync(target)
        return bytes
    }

    private static func copy(_ source: String, _ target: String) throws {
        let database = try Database(path: source, durability: .readOnly)
        try database.run("VACUUM INTO ?", .text(target))
        try sync(target)
    }

    private static func sync(_ path: String) throws {
        let file = try HostFile(path, flags: O_RDONLY)
        try file.sync()
    }
}

extension SeriesStore {
    /// Copies the store as it is now into `target`, an empty or missing directory, while it goes on. The copy is opened like any store.
    @discardableResult
    public func snapshot(to target: String, progress: @Sendable (String) -> Void = { _ in }) async throws -> Int {
        try await reader.snapshot(to: target, progress)
    }

    /// Checks a snapshot and copies it into `directory`, which must be empty or missing and of no running store.
    ///
    /// Throws if the snapshot is damaged, with all that is wrong, and then leaves nothing behind.
    public static func restore(_ snapshot: String, to directory: String, progress: (String) -> Void = { _ in }) throws {
        let problems = try StoreCheck(directory: snapshot).run().flatMap { report in report.problems.map { "\(report.name): \($0)" } }
        guard problems.isEmpty else {
            throw SeriesStoreError.corrupt(path: snapshot, reason: problems.prefix(8).joined(separator: "; "))
        }
        do {
            _ = try Snapshot.make(of: snapshot, in: directory, progress)
        } catch let error as SeriesStoreError {
            throw error
        } catch {
            try? HostFileSystem().removeTree(directory)
            throw SeriesStoreError(any: error)
        }
    }

    /// Compares everything on disk with its checksums and rules, while the store goes on. A report for each file.
    public func check() async throws -> [FileReport] { try await reader.check() }

    /// Where the bytes go, by metric and codec.
    public func stats() async throws -> StoreStats { try await reader.stats() }

    /// Which metrics and labels have many series, in the span, by whole hours; `limit` of each.
    public func cardinality(from: Timestamp, through: Timestamp, limit: Int = 10) async -> CardinalityStats {
        await reader.cardinality(limit: limit, from: from.milliseconds, through: through.milliseconds)
    }

    /// Type, help and unit of the metrics, by name.
    public func metadata() async throws -> [MetricMetadata] { try await writer.metadata() }

    /// Exemplars of the series in the span: the newest of all, up to the configured number, are kept.
    public func exemplars(matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [(labels: Labels, exemplars: [SeriesBatch.Exemplar])] {
        try await writer.exemplars(matchers, from: from.milliseconds, through: through.milliseconds)
    }

    /// Native histograms of the series in the span, as they were sent.
    public func histograms(matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [(labels: Labels, histograms: [SeriesBatch.Histogram])] {
        try await reader.histograms(matchers, from: from.milliseconds, through: through.milliseconds)
    }
}

extension Writer {
    func metadata() throws -> [MetricMetadata] { try catalog.metadata() }

    func exemplars(_ matchers: [Matcher], from: Int64, through: Int64) throws -> [(labels: Labels, exemplars: [SeriesBatch.Exemplar])] {
        let series = shared.index.withLock { index in index.select(matchers, hours: hours(from, max(from, through))).map { ($0, index.labels(of: $0)) } }
        return try series.compactMap { id, labels in
            let found = try catalog.exemplars(of: id, from: from, through: through)
            return found.isEmpty ? nil : (labels, found)
        }
    }
}

extension Reader {
    func snapshot(to target: String, _ progress: (String) -> Void) throws -> Int { try Snapshot.make(of: shared.directory, in: target, progress) }

    func check() throws -> [FileReport] { try StoreCheck(directory: shared.directory).run() }

    func histograms(_ matchers: [Matcher], from: Int64, through: Int64) throws -> [(labels: Labels, histograms: [SeriesBatch.Histogram])] {
        let series = shared.index.withLock { index in index.select(matchers, hours: hours(from, max(from, through))).map { ($0, index.labels(of: $0)) } }
        var found: [SeriesID: [SeriesBatch.Histogram]] = [:]
        for (day, name, generation) in shared.files(from: from, through: through) {
            guard let file = try file(day, name, generation) else { continue }
            try file.reading {
                guard try file.database.scalar("SELECT 1 FROM histogram LIMIT 1") != nil else { return }
                for (id, _) in series {
                    for (time, body) in try file.histograms(series: id, from: from, through: through) {
                        found[id, default: []].append(.init(timestamp: time, encoded: body))
                    }
                }
            }
        }
        return series.compactMap { id, labels in found[id].map { (labels, $0) } }
    }
}
