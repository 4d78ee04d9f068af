import Logging
import Runtime
import Scraping
import SeriesStore
import Telemetry

/// The scraper of this process, from the file that the person names and, in a cluster, the annotations' convention.
enum Scrapes {
    static func make(
        file: String?, cluster: (any AnnotatedSource)?, store: SeriesStore, registry: MetricRegistry, log: Logger
    ) throws -> Scraper {
        var configurations: [ScrapeConfiguration] = []
        if let file {
            do {
                let read = try ScrapeFile(try HostFileSystem().read(file), file: file)
                for section in read.ignored { Output.error("warning: \(file): \(section) is not read here") }
                configurations = read.configurations
            } catch {
                throw CommandFailure(message: "\(error)", hint: "docs/how-to/scraping.md has what the file may hold", exitCode: 2)
            }
        }
        if cluster != nil {
            for role in ScrapeConfiguration.Role.allCases {
                let annotated = try ScrapeConfiguration.annotated(role)
                // A file that has a job of this name replaces it.
                if !configurations.contains(where: { $0.jobName == annotated.jobName }) { configurations.append(annotated) }
            }
        }
        var generator = SystemRandomNumberGenerator()
        return Scraper(
            configurations, transport: NetworkScrapes(), sink: StoredScrapes(store: store), cluster: cluster, metrics: registry,
            seed: generator.next(), report: { log.warning("\($0)") })
    }
}
