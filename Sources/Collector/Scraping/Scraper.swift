import Glibc
import HTTP
import JSON
import Runtime
import Synchronization
import Telemetry

/// Finds targets, and keeps a loop for each that there is.
///
/// Every few seconds it looks at each job's sources; a source that cannot be read keeps the targets that it had. Loops of
/// targets that have gone end their series at their next tick.
public actor Scraper {
    /// How often files and the cluster are looked at.
    static let lookEvery = Duration.seconds(5)
    /// Of all jobs together; more are refused and counted.
    public static let maximumTargets = 10_000
    /// Dropped targets that are remembered for people to see.
    static let maximumDropped = 1000

    private struct Job {
        var configuration: ScrapeConfiguration
        /// What each source said last, and when it is due again (milliseconds).
        var found: [String: [Labels]] = [:]
        var due: [String: Int64] = [:]
        var loops: [String: ScrapeLoop] = [:]
        /// Told to end, by targets that may come back before they do.
        var ending: [String: ScrapeLoop] = [:]
        /// Of the job of this name that a reload replaced, by their targets' labels.
        var predecessors: [Labels: ScrapeLoop] = [:]
        var dropped: [Labels] = []
        var problems: Set<String> = []
    }

    private var jobs: [Job]
    /// What a reload wants instead, until the next look: one may be under way.
    private var replacement: [ScrapeConfiguration]?
    private let environment: ScrapeEnvironment
    private let cluster: (any AnnotatedSource)?
    private let fileSystem: any FileSystem
    /// Loops that have been started and have not returned.
    nonisolated let running = RunningLoops()

    /// - Parameters:
    ///   - cluster: where pods and services are found; nil if there is no cluster.
    ///   - report: a sentence for the program's log.
    ///   - seed: any number that targets do not know.
    public init(
        _ configurations: [ScrapeConfiguration], transport: any ScrapeTransport, sink: any ScrapeSink, cluster: (any AnnotatedSource)? = nil,
        fileSystem: any FileSystem = HostFileSystem(), clock: any WallClock = SystemClock(), metrics: MetricRegistry, seed: UInt64,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        jobs = configurations.map { Job(configuration: $0) }
        self.cluster = cluster
        self.fileSystem = fileSystem
        environment = ScrapeEnvironment(
            clock: clock, sleep: sleep, transport: transport, sink: sink, metrics: ScrapeMetrics(metrics),
            readFile: { try fileSystem.read($0) }, report: report, seed: seed)
        metrics.gauge("binnacle_scrape_targets_limit", "The bound of targets.") { Double(Scraper.maximumTargets) }
        metrics.gauge("binnacle_scrape_loops", "Targets that have a loop.") { [running] in Double(running.count) }
    }

    /// Scrapes until it is cancelled.
    public func run() async throws {
        do {
            try await withThrowingDiscardingTaskGroup { group in
                while true {
                    for loop in await look() {
                        running.enter()
                        group.addTask { [running] in
                            defer { running.leave() }
                            try await loop.run()
                        }
                    }
                    try await environment.sleep(Scraper.lookEvery)
                }
            }
        } catch is CancellationError {
            // How a stop arrives: a normal end.
        }
    }

    /// Takes other jobs in place of those that there are, within a few seconds. A job of which nothing changed goes on undisturbed; one
    /// that changed goes on with the series of the targets that it keeps; all other targets' series end.
    public func replace(_ configurations: [ScrapeConfiguration]) { replacement = configurations }

    private func takeReplacement() {
        guard let configurations = replacement else { return }
        replacement = nil
        var old = Dictionary(jobs.map { ($0.configuration.jobName, $0) }, uniquingKeysWith: { first, _ in first })
        jobs = configurations.map { configuration in
            var job = Job(configuration: configuration)
            guard let known = old.removeValue(forKey: configuration.jobName) else { return job }
            if known.configuration.source == configuration.source { return known }
            for loop in known.loops.values { job.predecessors[loop.target.labels] = loop }
            return job
        }
        for job in old.values { for loop in Array(job.loops.values) + Array(job.predecessors.values) { loop.end() } }
    }

    // MARK: What people see

    public var targets: [TargetStatus] {
        jobs.flatMap { job in job.loops.values.map(\.status) }.sorted { ($0.pool, $0.target.url) < ($1.pool, $1.target.url) }
    }

    /// What was found and dropped by relabelling, by job.
    public var droppedTargets: [(pool: String, discovered: Labels)] {
        jobs.flatMap { job in job.dropped.map { (job.configuration.jobName, $0) } }
    }

    public var metadata: [TargetMetadata] { jobs.flatMap { job in job.loops.values.flatMap(\.metadata) } }

    public var pools: [String] { jobs.map(\.configuration.jobName).sorted() }

    // MARK: Finding

    /// Looks at what is due; returns the loops of new targets.
    func look() async -> [ScrapeLoop] {
        takeReplacement()
        var fresh: [ScrapeLoop] = []
        for index in jobs.indices {
            await discover(index)
            fresh += reconcile(index)
        }
        return fresh
    }

    private func discover(_ index: Int) async {
        let configuration = jobs[index].configuration
        if jobs[index].found["static"] == nil { jobs[index].found["static"] = TargetList.labels(configuration.staticTargets) }
        for discovery in configuration.files {
            // Looked at each time: a stat is cheap, and a change should not wait for minutes.
            for pattern in discovery.files { readFiles(pattern, index) }
        }
        let now = environment.clock.now.milliseconds
        for discovery in configuration.endpoints where jobs[index].due[discovery.url, default: 0] <= now {
            jobs[index].due[discovery.url] = now + discovery.refresh.wholeMilliseconds
            await ask(discovery, index)
        }
        guard let cluster else { return }
        for role in configuration.roles {
            jobs[index].found["kubernetes/\(role)"] = AnnotatedTargets.labels(await cluster.objects(role), role)
        }
    }

    private func readFiles(_ pattern: String, _ index: Int) {
        let slash = pattern.lastIndex(of: "/") ?? pattern.startIndex
        let folder = String(pattern[..<slash])
        let last = String(pattern[slash...].drop { $0 == "/" })
        var paths = [pattern]
        if last.contains("*") || last.contains("?") {
            paths = ((try? fileSystem.list(folder.isEmpty ? "/" : folder)) ?? []).filter { TargetList.matches($0, last) }.sorted().map { "\(folder)/\($0)" }
        }
        // Files that have gone take their targets with them.
        let prefix = "file/\(pattern)/"
        for key in jobs[index].found.keys where key.hasPrefix(prefix) && !paths.contains(String(key.dropFirst(prefix.count))) { jobs[index].found[key] = nil }
        for path in paths {
            do {
                let groups = try TargetList.read(try fileSystem.read(path), name: path)
                jobs[index].found[prefix + path] = TargetList.labels(groups, [("__meta_filepath", path)])
                jobs[index].problems.remove(path)
            } catch {
                complain(index, path, "\(error)")
            }
        }
    }

    private func ask(_ discovery: ScrapeConfiguration.HTTPDiscovery, _ index: Int) async {
        do {
            var request = ScrapeRequest(url: discovery.url, bodyBytesLimit: 16 << 20, tls: discovery.tls)
            request.fields = ["Accept": "application/json", "User-Agent": "Binnacle"]
            request.fields.add("X-Prometheus-Refresh-Interval-Seconds", "\(discovery.refresh.inSeconds)")
            if let value = try ScrapeHeaders.authorization(discovery.authorization, read: environment.readFile) { request.fields["Authorization"] = value }
            let answer = try await environment.transport.get(request)
            guard answer.status == 200 else { throw ScrapeFailure.status(answer.status) }
            let groups = try TargetList.read(answer.body, name: discovery.url)
            jobs[index].found[discovery.url] = TargetList.labels(groups, [("__meta_url", discovery.url)])
            jobs[index].problems.remove(discovery.url)
        } catch {
            complain(index, discovery.url, "\(error)")
        }
    }

    /// Says once what is wrong with a source, until it is right again.
    private func complain(_ index: Int, _ source: String, _ problem: String) {
        guard jobs[index].problems.insert(source).inserted else { return }
        environment.report("scrape: job \(jobs[index].configuration.jobName): \(source): \(problem); its targets stay as they were")
    }

    // MARK: Loops

    private func reconcile(_ index: Int) -> [ScrapeLoop] {
        let configuration = jobs[index].configuration
        var wanted: [String: ScrapeTarget] = [:]
        var dropped: [Labels] = []
        for (_, found) in jobs[index].found.sorted(by: { $0.key < $1.key }) {
            for labels in found {
                do {
                    let (discovered, target) = try ScrapeTarget.make(labels, configuration)
                    if let target { wanted[target.identity] = target } else if dropped.count < Scraper.maximumDropped { dropped.append(discovered) }
                } catch {
                    environment.metrics.refusedTargets.increment()
                    complain(index, "\(labels["__address__"])", error.problem)
                }
            }
        }
        jobs[index].dropped = dropped
        if configuration.targetLimit > 0, wanted.count > configuration.targetLimit {
            environment.metrics.refusedTargets.increment(by: UInt64(wanted.count))
            complain(index, "target_limit", "\(wanted.count) targets, the limit is \(configuration.targetLimit): none is scraped")
            wanted = [:]
        }
        return apply(wanted, index)
    }

    private func apply(_ wanted: [String: ScrapeTarget], _ index: Int) -> [ScrapeLoop] {
        var fresh: [ScrapeLoop] = []
        jobs[index].ending = jobs[index].ending.filter { !$0.value.isOver }
        for (identity, loop) in jobs[index].loops where wanted[identity] == nil {
            loop.end()
            jobs[index].loops[identity] = nil
            jobs[index].ending[identity] = loop
        }
        let others = jobs.indices.reduce(0) { $0 + ($1 == index ? 0 : jobs[$1].loops.count) }
        for (identity, target) in wanted.sorted(by: { $0.key < $1.key }) where jobs[index].loops[identity] == nil {
            guard others + jobs[index].loops.count < Scraper.maximumTargets else {
                environment.metrics.refusedTargets.increment()
                complain(index, "targets", "more than \(Scraper.maximumTargets): the others are left out")
                break
            }
            if let loop = jobs[index].ending.removeValue(forKey: identity), loop.resume() {
                jobs[index].loops[identity] = loop
                continue
            }
            let loop = ScrapeLoop(target, jobs[index].configuration, environment)
            jobs[index].loops[identity] = loop
            fresh.append(loop)
            jobs[index].predecessors.removeValue(forKey: target.labels)?.giveWay()
        }
        for loop in jobs[index].predecessors.values { loop.end() }
        jobs[index].predecessors = [:]
        return fresh
    }
}

/// How many loops there are.
final class RunningLoops: Sendable {
    private let value = Atomic<Int>(0)
    var count: Int { value.load(ordering: .sequentiallyConsistent) }
    func enter() { value.add(1, ordering: .sequentiallyConsistent) }
    func leave() { value.subtract(1, ordering: .sequentiallyConsistent) }
}
