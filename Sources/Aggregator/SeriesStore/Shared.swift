import Runtime
import Synchronization
import Telemetry

/// What the writer, the readers and their callers share. Each lock is held for short steps only and never inside another.
final class Shared: Sendable {
    /// What there is of one day. The generation tells its file from a later one of the same name.
    struct DayTotals {
        var generation: Int
        /// Of the file: the day's own or its month's.
        var name: String
        var isMonthly = false
        var samples = 0
        var bytes = 0
    }
    struct Days {
        var totals: [Day: DayTotals] = [:]
        /// Days whose rollups are of all samples that the day's file has, or had when it was removed.
        var rolled: [RollupResolution: Set<Day>] = [:]
        var nextGeneration = 0

        /// How many days a month's file has, and its generation.
        private var months: [String: (days: Int, generation: Int)] = [:]

        mutating func add(_ day: Day, samples: Int, bytes: Int, isMonthly: Bool = false) {
            if totals[day] == nil {
                let name = isMonthly ? day.monthFileName : day.fileName
                let known = months[name]
                totals[day] = DayTotals(generation: known?.generation ?? nextGeneration, name: name, isMonthly: isMonthly)
                if isMonthly { months[name] = ((known?.days ?? 0) + 1, known?.generation ?? nextGeneration) }
                if known == nil { nextGeneration += 1 }
            }
            totals[day]!.samples += samples
            totals[day]!.bytes += bytes
        }

        /// Whether other days are left in its file.
        mutating func remove(_ day: Day) -> Bool {
            guard let gone = totals.removeValue(forKey: day), gone.isMonthly, let month = months[gone.name] else { return false }
            months[gone.name] = month.days > 1 ? (month.days - 1, month.generation) : nil
            return month.days > 1
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

    /// The file that the day is in, or would be: one that is there stays where it is.
    func fileName(_ day: Day) -> String {
        if let known = days.withLock({ $0.totals[day] }) { return known.name }
        return day.end < clock.now.milliseconds - configuration.monthlyAge.wholeMilliseconds ? day.monthFileName : day.fileName
    }

    /// Whether the day gets rollups when it has ended. Days that came old have few samples, and where these are kept for ever their rollups would take
    /// more room than they do and tell nothing else.
    func makesRollups(_ day: Day) -> Bool {
        let keepsAll =
            configuration.retention >= SeriesStoreConfiguration.unlimited && configuration.retentionRules.isEmpty && configuration.maxBytes == nil
        return configuration.makesRollups && !(keepsAll && Day.isMonthFile(fileName(day)))
    }

    /// The files that have samples in the span, the oldest first: a month's once, by its first day.
    func files(from: Int64, through: Int64) -> [(day: Day, name: String, generation: Int)] {
        let found = days.withLock { days in days.totals.filter { $0.key.start <= through && $0.key.end > from } }
        var names = Set<String>()
        return found.sorted { $0.key < $1.key }.compactMap { day, totals in
            names.insert(totals.name).inserted ? (day, totals.name, totals.generation) : nil
        }
    }

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
