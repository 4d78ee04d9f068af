import Exposition
import Gzip
import HTTP
import Runtime
import Synchronization
import Telemetry

/// Scrapes one target at its ticks until it is told that the target has gone. `ScrapeSchedule` says when, `ScrapePage`
/// what a page means; this only asks, waits and hands over.
final class ScrapeLoop: Sendable {
    private struct State {
        var status: TargetStatus
        var metadata: [String: ScrapeResult.Metadata] = [:]
        var hasGone = false
        /// Another loop goes on with the series.
        var isReplaced = false
        var isOver = false
    }

    let target: ScrapeTarget
    private let configuration: ScrapeConfiguration
    private let environment: ScrapeEnvironment
    private let schedule: ScrapeSchedule
    private let state: Mutex<State>

    init(_ target: ScrapeTarget, _ configuration: ScrapeConfiguration, _ environment: ScrapeEnvironment) {
        self.target = target
        self.configuration = configuration
        self.environment = environment
        schedule = ScrapeSchedule(interval: target.interval, hash: target.hash)
        state = Mutex(State(status: TargetStatus(pool: configuration.jobName, target: target)))
    }

    var isOver: Bool { state.withLock { $0.isOver } }
    var status: TargetStatus { state.withLock { $0.status } }
    var metadata: [TargetMetadata] { state.withLock { $0.metadata.values.map { TargetMetadata(target: target.labels, metadata: $0) } } }

    /// At its next tick the loop ends the target's series, and itself.
    func end() { state.withLock { $0.hasGone = true } }

    /// The same without ending the series: another loop has them from now on.
    func giveWay() {
        state.withLock { state in
            state.hasGone = true
            state.isReplaced = true
        }
    }

    /// The target is back; false if its series have ended already and it needs a loop anew.
    func resume() -> Bool {
        state.withLock { state in
            if state.isReplaced { return false }
            state.hasGone = false
            return !state.isOver
        }
    }

    func run() async throws {
        var page = ScrapePage(configuration, target: target.labels, seed: environment.seed)
        var report = TargetReport(target: target.labels)
        while true {
            let tick = schedule.tick(after: environment.clock.now.milliseconds)
            try await environment.sleep(.milliseconds(max(0, tick - environment.clock.now.milliseconds)))
            let timestamp = schedule.timestamp(tick: tick, now: environment.clock.now.milliseconds)
            let (isOver, isReplaced) = state.withLock { state in
                state.isOver = state.hasGone
                return (state.isOver, state.isReplaced)
            }
            if isOver {
                if isReplaced { return }
                page.fail()
                try await deliver(report.frame(page, values: nil, at: timestamp))
                return
            }
            try await scrape(&page, &report, timestamp)
            page.compact()
        }
    }

    /// One scrape. What the target does wrong is data (`up` is 0); only a sink that refuses is counted as loss.
    private func scrape(_ page: inout ScrapePage, _ report: inout TargetReport, _ timestamp: Int64) async throws {
        let start = environment.clock.nanoseconds
        var outcome = ScrapePage.Outcome()
        var failure: ScrapeFailure?
        var bodyBytes = 0
        do {
            let (body, format) = try await fetch()
            bodyBytes = body.count
            outcome = try page.read(body, format, at: timestamp)
        } catch {
            if error is CancellationError { throw error }
            failure = error as? ScrapeFailure ?? .transport("\(error)")
            if case .bodyTooLarge = failure { bodyBytes = -1 }
            page.fail()
        }
        let duration = Duration.nanoseconds(max(0, environment.clock.nanoseconds - start))
        let values = TargetReport.Values(
            isUp: failure == nil, seconds: duration.inSeconds, scraped: outcome.scraped, kept: outcome.kept, added: outcome.added,
            timeoutSeconds: target.timeout.inSeconds, sampleLimit: configuration.sampleLimit, bodyBytes: bodyBytes)
        var result = report.frame(page, values: values, at: timestamp)
        result.timed = outcome.timed
        result.exemplars = outcome.exemplars
        result.histograms = outcome.histograms
        result.metadata = outcome.metadata
        environment.metrics.scrapes.increment()
        environment.metrics.samples.increment(by: UInt64(outcome.kept))
        environment.metrics.duplicates.increment(by: UInt64(outcome.duplicates))
        if failure != nil { environment.metrics.failures.increment() }
        let metadata = page.metadata
        state.withLock { state in
            state.status.health = failure == nil ? .up : .down
            state.status.lastError = failure?.description ?? ""
            state.status.lastScrape = Timestamp(milliseconds: timestamp)
            state.status.lastDuration = duration
            state.status.samples = outcome.kept
            state.metadata = metadata
        }
        try await deliver(result)
    }

    private func deliver(_ result: ScrapeResult) async throws {
        do {
            try await environment.sink.append(result)
        } catch {
            if error is CancellationError { throw error }
            environment.metrics.lost.increment(by: UInt64(result.frame.values.count { !$0.isAbsent } + result.timed.count))
            environment.report("scrape: samples of \(target.url) could not be stored: \(error)")
        }
    }

    private func fetch() async throws -> (body: [UInt8], format: PageFormat) {
        let request = try ScrapeHeaders.request(target, configuration, read: environment.readFile)
        let answer = try await environment.transport.get(request)
        guard answer.status == 200 else { throw ScrapeFailure.status(answer.status) }
        var body = answer.body
        if answer.fields["Content-Encoding"]?.lowercased() == "gzip" {
            do {
                body = try Gzip.decompress(body, limit: configuration.bodyBytesLimit)
            } catch {
                if case .tooLarge = error { throw ScrapeFailure.bodyTooLarge(limit: configuration.bodyBytesLimit) }
                throw ScrapeFailure.page("it is damaged gzip")
            }
        }
        guard body.count <= configuration.bodyBytesLimit else { throw ScrapeFailure.bodyTooLarge(limit: configuration.bodyBytesLimit) }
        let type = answer.fields["Content-Type"]
        guard let format = PageFormat(contentType: type) ?? configuration.fallbackProtocol else { throw ScrapeFailure.contentType(type ?? "") }
        return (body, format)
    }
}

/// What all loops share.
struct ScrapeEnvironment: Sendable {
    let clock: any WallClock
    let sleep: @Sendable (Duration) async throws -> Void
    let transport: any ScrapeTransport
    let sink: any ScrapeSink
    let metrics: ScrapeMetrics
    let readFile: @Sendable (String) throws -> [UInt8]
    let report: @Sendable (String) -> Void
    let seed: UInt64
}

struct ScrapeMetrics: Sendable {
    let scrapes: Counter
    let failures: Counter
    let samples: Counter
    let duplicates: Counter
    let lost: Counter
    let refusedTargets: Counter

    init(_ registry: MetricRegistry) {
        scrapes = registry.counter("binnacle_scrapes_total", "Scrapes of targets.")
        failures = registry.counter("binnacle_scrape_failures_total", "Scrapes that gave nothing.")
        samples = registry.counter("binnacle_scraped_samples_total", "Samples of targets, after relabelling.")
        duplicates = registry.counter("binnacle_scrape_duplicate_samples_total", "Samples whose series came twice in one page.")
        lost = registry.counter("binnacle_scrape_lost_samples_total", "Samples that the store did not take.")
        refusedTargets = registry.counter("binnacle_scrape_refused_targets_total", "Targets left out: over a limit, or with labels that make no address.")
    }
}
