import Runtime
import Synchronization
import Telemetry

/// What the writer, the readers and their callers share. Each lock is held for short steps only and never inside another.
final class Shared: Sendable {
    /// Batches that wait for the writer.
    struct Waiting {
        var batches: [Batch] = []
        var samples = 0
        var nextTicket: UInt64 = 0
        var isClosed = false
    }
    struct Batch: Sendable {
        var ticket: UInt64
        var frames: [SampleFrame]
    }
    /// What is in one day file. The generation tells a file from a later one of the same name.
    struct DayTotals {
        var generation: Int
        var samples = 0
        var bytes = 0
    }
    struct Days {
        var totals: [Day: DayTotals] = [:]
        var nextGeneration = 0

        mutating func add(_ day: Day, samples: Int, bytes: Int) {
            if totals[day] == nil {
                totals[day] = DayTotals(generation: nextGeneration)
                nextGeneration += 1
            }
            totals[day]!.samples += samples
            totals[day]!.bytes += bytes
        }
    }

    let directory: String
    let configuration: SeriesStoreConfiguration
    let metrics: SeriesStoreMetrics
    let clock: any WallClock
    let index = Mutex(SeriesIndex())
    let head = Head()
    let days = Mutex(Days())
    let waiting = Mutex(Waiting())

    init(directory: String, configuration: SeriesStoreConfiguration, metrics: SeriesStoreMetrics, clock: any WallClock) {
        self.directory = directory
        self.configuration = configuration
        self.metrics = metrics
        self.clock = clock
    }

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    /// Puts frames in the queue; refuses beyond the bound.
    func enqueue(_ frames: [SampleFrame]) throws(SeriesStoreError) -> UInt64 {
        let samples = frames.reduce(0) { $0 + $1.values.count }
        let limit = configuration.maxWaitingSamples
        let ticket: Result<UInt64, SeriesStoreError> = waiting.withLock { waiting in
            if waiting.isClosed { return .failure(.closed) }
            // One batch is always let in, however large, or it could never be.
            if waiting.samples > 0, waiting.samples + samples > limit { return .failure(.overloaded(waiting: waiting.samples, limit: limit)) }
            waiting.samples += samples
            waiting.nextTicket += 1
            waiting.batches.append(Batch(ticket: waiting.nextTicket, frames: frames))
            return .success(waiting.nextTicket)
        }
        if case .failure(.overloaded) = ticket { metrics.overloads.increment() }
        return try ticket.get()
    }

    func takeWaiting() -> [Batch] {
        waiting.withLock { waiting in
            let batches = waiting.batches
            waiting.batches = []
            waiting.samples = 0
            return batches
        }
    }
}
