import Logging
import Runtime
import Scraping
import SeriesStore
import ServiceLifecycle
import Telemetry
import UnixSignals

/// The scraper of this process, from the file that the person names and, in a cluster, the annotations' convention; and its reloads.
struct Scrapes: Sendable {
    let scraper: Scraper
    private let file: String?
    private let isInCluster: Bool
    private let clock: any WallClock
    private let log: Logger
    private let succeeded, succeededAt: Gauge

    init(file: String?, cluster: (any AnnotatedSource)?, store: SeriesStore, clock: any WallClock, registry: MetricRegistry, log: Logger) throws {
        self.file = file
        self.clock = clock
        self.log = log
        isInCluster = cluster != nil
        var generator = SystemRandomNumberGenerator()
        let (configurations, ignored): ([ScrapeConfiguration], [String])
        do {
            (configurations, ignored) = try Scrapes.read(file, isInCluster: isInCluster)
        } catch {
            throw CommandFailure(message: "\(error)", hint: "docs/how-to/scraping.md has what the file may hold", exitCode: 2)
        }
        for section in ignored { Output.error("warning: \(file ?? ""): \(section) is not read here") }
        scraper = Scraper(
            configurations, transport: NetworkScrapes(), sink: StoredScrapes(store: store), cluster: cluster, metrics: registry,
            seed: generator.next(), report: { log.warning("\($0)") })
        succeeded = registry.gauge("binnacle_scrape_config_last_reload_successful", "1 if the file of scrapes was right when last read.")
        succeededAt = registry.gauge("binnacle_scrape_config_last_reload_success_timestamp_seconds", "When it was last right, in Unix seconds.")
        succeeded.value = 1
        succeededAt.value = clock.now.seconds
    }

    private static func read(_ file: String?, isInCluster: Bool) throws -> (configurations: [ScrapeConfiguration], ignored: [String]) {
        var configurations: [ScrapeConfiguration] = []
        var ignored: [String] = []
        if let file {
            let read = try ScrapeFile(try HostFileSystem().read(file), file: file)
            (configurations, ignored) = (read.configurations, read.ignored)
        }
        if isInCluster {
            for role in ScrapeConfiguration.Role.allCases {
                let annotated = try ScrapeConfiguration.annotated(role)
                // A file that has a job of this name replaces it.
                if !configurations.contains(where: { $0.jobName == annotated.jobName }) { configurations.append(annotated) }
            }
        }
        return (configurations, ignored)
    }

    /// Reads the file anew. If it is wrong, what was in force stays so, and the problem is returned.
    @discardableResult
    func reload() async -> String? {
        do {
            let (configurations, _) = try Scrapes.read(file, isInCluster: isInCluster)
            await scraper.replace(configurations)
            succeeded.value = 1
            succeededAt.value = clock.now.seconds
            if let file { log.notice("scrapes were reloaded", metadata: ["file": "\(file)", "jobs": "\(configurations.count)"]) }
            return nil
        } catch {
            succeeded.value = 0
            log.error("scrapes were not reloaded", metadata: ["error": "\(error)"])
            return "\(error)"
        }
    }

    /// Its lives, to be behind the store's.
    var parts: [any Service] {
        [
            Part(name: "scraper", body: { [scraper] in try await scraper.run() }),
            Part(name: "scrape reload signal", body: { for await _ in await UnixSignalsSequence(trapping: .sighup) { await self.reload() } }),
        ]
    }
}
