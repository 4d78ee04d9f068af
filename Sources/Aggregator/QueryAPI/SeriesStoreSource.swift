import PromQL
import SeriesStore
import Synchronization
import Telemetry

/// The embedded store as the engine reads it: by columns, those with the same moments together.
extension SeriesStore: SampleSource {
    public func read(_ request: SampleRequest) async throws -> SampleAnswer {
        let gathered = Mutex(Gathered(limit: request.maximumSamples))
        do {
            let summary = try await forEachSeries(request.matchers, from: request.from, through: request.through) { column in
                try gathered.withLock { try $0.add(column) }
            }
            return SampleAnswer(blocks: gathered.withLock { $0.blocks }, warnings: summary.warnings, chunksDecoded: summary.parts)
        } catch SeriesStoreError.tooManySamples(let limit) {
            throw TooManySamples(limit: limit)
        }
    }

    private struct Gathered {
        let limit: Int
        var blocks: [SampleBlock] = []
        private var places: [Int: Int] = [:]
        private var samples = 0

        init(limit: Int) { self.limit = limit }

        mutating func add(_ column: SeriesColumn) throws(TooManySamples) {
            samples += column.values.count
            guard samples <= limit else { throw TooManySamples(limit: limit) }
            if let place = places[column.timesGroup] {
                blocks[place].labels.append(column.labels)
                blocks[place].columns.append(Array(column.values))
            } else {
                places[column.timesGroup] = blocks.count
                blocks.append(SampleBlock(timestamps: Array(column.timestamps), labels: [column.labels], columns: [Array(column.values)]))
            }
        }
    }
}
