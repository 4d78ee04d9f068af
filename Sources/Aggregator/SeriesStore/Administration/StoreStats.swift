import ChunkCodec
import Runtime
import Synchronization
import Telemetry

/// Where the bytes of the store go, from the directories of its parts: nothing is decoded.
public struct StoreStats: Sendable {
    public struct Share: Sendable, Hashable {
        public var columns = 0
        public var samples = 0
        /// Of payloads, without directories and what SQLite adds.
        public var bytes = 0
        public var bytesPerSample: Double { samples == 0 ? 0 : Double(bytes) / Double(samples) }
    }

    /// By metric name.
    public var metrics: [String: Share] = [:]
    /// By name of the codec.
    public var codecs: [String: Share] = [:]
    public var parts = 0
    public var samples = 0
    public var directoryBytes = 0
    public var bodyBytes = 0
    public var fileBytes = 0
    /// Parts that cannot be read and are not counted, with the reason.
    public var unreadable: [String] = []

    /// Of the files in a directory, whether a store has them open or not; they are only read. What the log holds is not counted.
    /// Throws if the directory or its catalog cannot be read; parts that cannot be read are named.
    public static func read(_ directory: String) throws -> StoreStats {
        let names = try HostFileSystem().list(directory)
        var stats = StoreStats()
        stats.fileBytes = try StoreFile.bytes(below: directory)
        let index = try Catalog(reading: "\(directory)/catalog.db").load().index
        let finish = zstdFinish()
        for name in names where Day(fileName: name) != nil {
            let file = try DayFile(reading: "\(directory)/\(name)")
            try file.reading {
                for part in try file.parts() where part.level >= 0 {
                    try stats.add(part, file, finish) { id in index.isAlive(id) ? index.name(of: id) : "(unknown)" }
                }
            }
        }
        return stats
    }

    /// Counts one part in.
    mutating func add(_ part: PartRow, _ file: DayFile, _ finish: Finish, name: (SeriesID) -> String) throws {
        let reader: PartReader
        do {
            reader = try file.reader(part, finish)
        } catch let error as ChunkError {
            unreadable.append("\(file.path): part \(part.id): \(error)")
            return
        }
        parts += 1
        var payloads = 0
        for (position, id) in reader.ids.enumerated() {
            let (codec, bytes) = reader.coding(at: position)
            let share = Share(columns: 1, samples: reader.sampleCount(at: position), bytes: bytes)
            metrics[name(SeriesID(truncatingIfNeeded: id)), default: .init()] += share
            codecs[codec, default: .init()] += share
            samples += share.samples
            payloads += bytes
        }
        bodyBytes += payloads
        directoryBytes += max(0, part.bytes - payloads)
    }
}

/// How many series there are by metric, and how many values by label.
public struct CardinalityStats: Sendable, Hashable {
    public struct Count: Sendable, Hashable {
        public var name: String
        public var count: Int
        public init(name: String, count: Int) {
            self.name = name
            self.count = count
        }
    }

    public var series = 0
    public var labelPairs = 0
    public var seriesByMetric: [Count] = []
    public var valuesByLabel: [Count] = []
    public var seriesByPair: [Count] = []
    /// Bytes of the texts of each label's values, as they would be without being kept once.
    public var bytesByLabel: [Count] = []

    public init() {}
}

extension Reader {
    func stats() throws -> StoreStats {
        var stats = StoreStats()
        stats.fileBytes = try shared.fileBytes()
        let days = shared.days.withLock { $0.totals.mapValues(\.generation) }
        for (day, generation) in days.sorted(by: { $0.key < $1.key }) {
            guard let file = try file(day, generation) else { continue }
            try file.reading {
                for part in try file.cachedParts() where part.level >= 0 {
                    try stats.add(part, file, finish) { id in shared.index.withLock { $0.name(of: id) } }
                }
            }
        }
        return stats
    }

    func cardinality(limit: Int, from: Int64, through: Int64) -> CardinalityStats {
        shared.index.withLock { index in
            var stats = CardinalityStats()
            let span = hours(from, max(from, through))
            stats.series = index.select([], hours: span).count
            var pairs: [CardinalityStats.Count] = []
            for name in index.labelNames {
                let text = index.symbols[name]
                var values = 0
                var bytes = 0
                for value in index.values(of: name) {
                    let count = index.series(name, value).count { index.isWithin($0, span) }
                    guard count > 0 else { continue }
                    values += 1
                    bytes += count * index.symbols[value].utf8.count
                    if text == Labels.metricName { stats.seriesByMetric.append(.init(name: index.symbols[value], count: count)) }
                    pairs.append(.init(name: "\(text)=\(index.symbols[value])", count: count))
                }
                if values > 0 {
                    stats.valuesByLabel.append(.init(name: text, count: values))
                    stats.bytesByLabel.append(.init(name: text, count: bytes))
                }
            }
            stats.labelPairs = pairs.count
            func top(_ list: [CardinalityStats.Count]) -> [CardinalityStats.Count] {
                Array(list.sorted { ($1.count, $0.name) < ($0.count, $1.name) }.prefix(limit))
            }
            stats.seriesByMetric = top(stats.seriesByMetric)
            stats.valuesByLabel = top(stats.valuesByLabel)
            stats.bytesByLabel = top(stats.bytesByLabel)
            stats.seriesByPair = top(pairs)
            return stats
        }
    }
}

extension StoreStats.Share {
    static func += (left: inout Self, right: Self) {
        left.columns += right.columns
        left.samples += right.samples
        left.bytes += right.bytes
    }
}
