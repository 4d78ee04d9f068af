import Runtime
import SQLite
import Telemetry

/// From memory to day files.
extension LogWriter {
    func startFlush(_ day: Int) {
        guard flushes[day] == nil else { return }
        // A failure is counted, and the next flush or `flushAll` meets it again.
        let task = Task { try await self.flushNow(day) }
        flushes[day] = task
    }

    /// Writes all heads to their day files.
    func flushAll() async throws {
        for day in view.snapshot().filter({ !$0.value.head.isEmpty || !$0.value.sealed.isEmpty }).keys.sorted() {
            if let running = flushes[day] { _ = await running.result }
            startFlush(day)
            try await flushes[day]?.value
        }
    }

    private func flushNow(_ day: Int) async throws {
        defer { flushes[day] = nil }
        let blocks = view.seal(day)
        // Nothing is awaited between a commit and its publication, so the head holds all the day's records below this.
        let flushedSequence = wal.nextSequence
        guard !blocks.isEmpty else { return }
        do {
            let ranks = catalogue.ranks(of: Set(blocks.map(\.stream)))
            // A head that filled within a minute is packed quickly; a quieter one has time for a better ratio.
            let isBusy = options.clock.nanoseconds - (blocks.first?.committed ?? 0) < 60_000_000_000
            let chunks = await Self.encode(blocks, ranks, ChunkEncoder(targetBytes: options.chunkBytes, level: isBusy ? 1 : CompactionPlan.level))
            guard !isClosed else { throw LogStoreError.closed }
            let labels = catalogue.labels(of: Set(blocks.map(\.stream)))
            let newest = try writer(day).append(chunks, flushedSequence: flushedSequence, labels: labels)
            view.flushed(day, newestChunk: newest)
            metrics.flushes.increment()
            metrics.flushedRawBytes.increment(by: UInt64(chunks.reduce(0) { $0 + $1.rawBytes }))
            metrics.flushedStoredBytes.increment(by: UInt64(chunks.reduce(0) { $0 + $1.storedBytes }))
            // Should this fail, the rows are passed over when the log is replayed, and the next trim takes them.
            try wal.trim(day: day, below: flushedSequence)
        } catch {
            metrics.flushFailures.increment()
            throw Self.storageError(error)
        }
    }

    @concurrent private nonisolated static func encode(_ blocks: [LogBlock], _ ranks: [Int: Int], _ encoder: ChunkEncoder) async -> [LogChunk] {
        encoder.encode(blocks, rank: ranks)
    }

    func writer(_ day: Int) throws -> DayWriter {
        if let known = writers[day] { return known }
        if writers.count >= Self.maximumWriters, let oldest = writers.keys.min() { writers[oldest] = nil }
        let made = try DayWriter(path: options.path(day))
        writers[day] = made
        return made
    }
}
