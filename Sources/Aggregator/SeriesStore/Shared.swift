import Runtime
import Synchronization
import Telemetry

/// What the writer, the readers and their callers share. Each lock is held for short steps only and never inside another.
final class Shared: Sendable {
    /// What is in one day file. The generation tells a file from a later one of the same name.
    struct DayTotals {
        var generation: Int
        var samples = 0
        var bytes = 0
    }
    struct Days {
        var totals: [Day: DayTotals] = [:]
        /// Days whose rollups are of all samples that the day's file has, or had when it was removed.
        var rolled: [RollupResolution: Set<Day>] = [:]
        var nextGeneration = 0

        mutating func add(_ day: Day, samples: Int, bytes: Int) {
            if totals[day] == nil {
                totals[day] = DayTotals(generation: nextGeneration)
                nextGeneration += 1
            }
            totals[day]!.samples += samples
            totals[day]!.bytes += bytes
        }

        /// The day's samples changed: its rollups are old.
        mutating func noteChange(_ day: Day) { for resolution in RollupResolution.allCases { rolled[resolution]?.remove(day) } }
    }

    let directory: String
    let configuration: SeriesStoreConfiguration
    let metrics: SeriesStoreMetrics
    let clock: any WallClock
    let index = Mutex(SeriesIndex())
    let head = Head()
    let days = Mutex(Days())
    let intake = Mutex(Intake())
    /// Parts that a reader found damaged, for the writer to mark.
    let damaged = Mutex<[Day: Set<Int64>]>([:])
    let cache: PartCache
    let labels: LabelsCache

    init(directory: String, configuration: SeriesStoreConfiguration, metrics: SeriesStoreMetrics, clock: any WallClock) {
        self.directory = directory
        self.configuration = configuration
        self.metrics = metrics
        self.clock = clock
        cache = PartCache(maxBytes: configuration.maxCacheBytes, metrics: metrics)
        labels = LabelsCache(maxSeries: configuration.maxCachedLabels)
    }

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    /// Puts a request in the queue; refuses beyond the bound.
    func enqueue(_ content: Intake.Content) throws(SeriesStoreError) -> UInt64 {
        let samples = content.sampleCount
        let limit = configuration.maxWaitingSamples
        let ticket: Result<UInt64, SeriesStoreError> = intake.withLock { intake in
            if intake.isClosed { return .failure(.closed) }
            // One request is always let in, however large, or it could never be.
            if intake.samples > 0, intake.samples + samples > limit { return .failure(.overloaded(waiting: intake.samples, limit: limit)) }
            intake.samples += samples
            intake.nextTicket += 1
            intake.requests.append(Intake.Request(ticket: intake.nextTicket, content: content))
            return .success(intake.nextTicket)
        }
        if case .failure(.overloaded) = ticket { metrics.overloads.increment() }
        return try ticket.get()
    }

    func takeWaiting() -> [Intake.Request] {
        intake.withLock { intake in
            let requests = intake.requests
            intake.requests = []
            intake.samples = 0
            return requests
        }
    }

    /// A reader could not read a part: it is left out of all answers from now on, and told of.
    func report(damaged part: Int64, in day: Day) {
        metrics.corruptParts.increment()
        damaged.withLock { _ = $0[day, default: []].insert(part) }
    }
}
