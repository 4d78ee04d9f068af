import Gzip
import HTTP
import Runtime
import Synchronization
import Telemetry
import TestKit
import Testing

@testable import Scraping

/// Answers from a table, and remembers what was asked.
final class FakeTransport: ScrapeTransport {
    struct State: Sendable {
        var answers: [String: ScrapeAnswer] = [:]
        var asked: [ScrapeRequest] = []
    }
    let state = Mutex(State())

    func get(_ request: ScrapeRequest) async throws -> ScrapeAnswer {
        let answer = state.withLock { state in
            state.asked.append(request)
            return state.answers[request.url]
        }
        guard let answer else { throw ScrapeFailure.transport("connection refused") }
        return answer
    }

    func set(_ url: String, _ text: String?, type: String = "text/plain; version=0.0.4", status: Int = 200, isPacked: Bool = false) {
        var answer = text.map { ScrapeAnswer(status: status, fields: ["Content-Type": type], body: Array($0.utf8)) }
        if isPacked, let body = answer?.body {
            answer?.body = GzipCompressor().compress(body)
            answer?.fields["Content-Encoding"] = "gzip"
        }
        let final = answer
        state.withLock { $0.answers[url] = final }
    }
}

final class FakeSink: ScrapeSink {
    let results = Mutex<[ScrapeResult]>([])
    func append(_ result: ScrapeResult) async throws { results.withLock { $0.append(result) } }

    /// `name{…}` and values in order of arrival, for one metric.
    func values(_ name: String) -> [Double] {
        results.withLock { results in
            results.flatMap { result in zip(result.frame.series.labels, result.frame.values).filter { $0.0.name == name && !$0.1.isAbsent }.map(\.1) }
        }
    }
    var count: Int { results.withLock { $0.count } }
}

/// Serialised by design: each drives a clock by hand.
@Suite struct ScraperTests {
    let clock = ManualClock(startingAt: Timestamp(milliseconds: 1_700_000_000_000))
    let transport = FakeTransport()
    let sink = FakeSink()

    func scraper(_ configurations: [ScrapeConfiguration], cluster: (any AnnotatedSource)? = nil, fileSystem: any FileSystem = HostFileSystem()) -> Scraper {
        let clock = clock
        return Scraper(
            configurations, transport: transport, sink: sink, cluster: cluster, fileSystem: fileSystem, clock: clock, metrics: MetricRegistry(), seed: 1,
            sleep: { try await clock.sleep(until: clock.now.advanced(by: $0)) })
    }

    /// Moves the clock on in quarters of a second, each only when the finder and all loops are asleep again.
    func advance(_ scraper: Scraper, _ seconds: Int) async {
        for _ in 0..<(seconds * 4) {
            await settle(scraper)
            clock.advance(by: .milliseconds(250))
        }
        await settle(scraper)
    }

    func settle(_ scraper: Scraper) async {
        let bound = ContinuousClock.now.advanced(by: .seconds(20))
        while clock.sleeperCount != 1 + scraper.running.count {
            guard ContinuousClock.now < bound else {
                Issue.record("a loop neither sleeps nor ends")
                return
            }
            await Task.yield()
        }
    }

    @Test func `a target is up, fails, comes back and goes`() async throws {
        let folder = TemporaryDirectory()
        let path = "\(folder.path)/targets.json"
        try HostFileSystem().write(path, Array(#"[{"targets":["a:1"],"labels":{"dc":"x"}}]"#.utf8))
        var configuration = ScrapeConfiguration(jobName: "j")
        configuration.files = [.init(files: ["\(folder.path)/*.json"])]
        transport.set("http://a:1/metrics", "m 1\n", isPacked: true)
        let scraper = scraper([configuration])
        let run = Task { try await scraper.run() }
        await advance(scraper, 20)
        #expect(sink.values("up") == [1])
        #expect(sink.values("m") == [1])
        #expect(sink.values("scrape_samples_scraped") == [1])
        #expect(sink.values("scrape_series_added") == [1])
        let labels = sink.results.withLock { $0[0].frame.series.labels }
        #expect(labels.contains(["__name__": "m", "job": "j", "instance": "a:1", "dc": "x"]))
        transport.set("http://a:1/metrics", nil)
        await advance(scraper, 15)
        #expect(sink.values("up") == [1, 0])
        #expect(sink.values("m").map(\.isStale) == [false, true])
        var status = await scraper.targets
        #expect(status.map(\.health) == [.down])
        #expect(status.first?.lastError == "connection refused")
        transport.set("http://a:1/metrics", "m 2\n")
        await advance(scraper, 15)
        #expect(sink.values("m").last == 2)
        status = await scraper.targets
        #expect(status.first?.health == .up)
        try HostFileSystem().write(path, Array("[]".utf8))
        await advance(scraper, 30)
        #expect(sink.values("up").map(\.isStale) == [false, false, false, true])
        #expect(sink.values("m").last?.isStale == true)
        #expect(await scraper.targets.isEmpty)
        let before = sink.count
        await advance(scraper, 30)
        #expect(sink.count == before)
        run.cancel()
        _ = try? await run.value
    }

    @Test(arguments: [
        ("text/html", 200, "the answer's Content-Type text/html is no known form of metrics: set fallback_scrape_protocol to take it for one"),
        ("text/plain", 503, "the server answered with HTTP status 503"),
    ])
    func `what a target does wrong is said`(type: String, status: Int, message: String) async throws {
        var configuration = ScrapeConfiguration(jobName: "j")
        configuration.staticTargets = [TargetGroup(targets: ["a:1"])]
        transport.set("http://a:1/metrics", "m 1\n", type: type, status: status)
        let scraper = scraper([configuration])
        let run = Task { try await scraper.run() }
        await advance(scraper, 20)
        #expect(await scraper.targets.first?.lastError == message)
        #expect(sink.values("up") == [0])
        run.cancel()
        _ = try? await run.value
    }

    @Test func `the request says who asks and what it understands`() async throws {
        var configuration = ScrapeConfiguration(jobName: "j")
        configuration.staticTargets = [TargetGroup(targets: ["a:1"])]
        configuration.authorization = .basic(user: "Aladdin", password: "open sesame")
        let scraper = scraper([configuration])
        let run = Task { try await scraper.run() }
        await advance(scraper, 20)
        let request = try #require(transport.state.withLock { $0.asked.first })
        // RFC 7617's example.
        #expect(request.fields["Authorization"] == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
        #expect(request.fields["Accept-Encoding"] == "gzip")
        #expect(request.fields["X-Prometheus-Scrape-Timeout-Seconds"] == "10")
        #expect(request.fields["Accept"]?.hasPrefix("application/openmetrics-text;version=1.0.0") == true)
        run.cancel()
        _ = try? await run.value
    }

    @Test func `targets by HTTP stay while the list cannot be had`() async throws {
        var configuration = ScrapeConfiguration(jobName: "j")
        var discovery = ScrapeConfiguration.HTTPDiscovery(url: "http://sd/")
        discovery.refresh = .seconds(5)
        configuration.endpoints = [discovery]
        transport.set("http://sd/", #"[{"targets":["a:1","b:2"]}]"#, type: "application/json")
        let scraper = scraper([configuration])
        _ = await scraper.look()
        #expect(await scraper.targets.map(\.target.url) == ["http://a:1/metrics", "http://b:2/metrics"])
        transport.set("http://sd/", "nonsense", type: "application/json")
        clock.advance(by: .seconds(6))
        _ = await scraper.look()
        #expect(await scraper.targets.count == 2)
        transport.set("http://sd/", "[]", type: "application/json")
        clock.advance(by: .seconds(6))
        _ = await scraper.look()
        #expect(await scraper.targets.isEmpty)
    }

    @Test func `a reload lets what stays go on, hands series over, and ends the others`() async throws {
        func job(_ name: String, _ targets: [String], source: String, interval: Duration = .seconds(15)) -> ScrapeConfiguration {
            var configuration = ScrapeConfiguration(jobName: name)
            configuration.staticTargets = [TargetGroup(targets: targets)]
            configuration.source = source
            configuration.interval = interval
            configuration.timeout = .seconds(5)
            return configuration
        }
        for target in ["a:1", "b:1", "c:1", "d:1"] { transport.set("http://\(target)/metrics", "m_\(target.prefix(1)) 1\n") }
        let scraper = scraper([job("same", ["a:1"], source: "1"), job("changed", ["b:1", "c:1"], source: "1"), job("gone", ["d:1"], source: "1")])
        let run = Task { try await scraper.run() }
        await advance(scraper, 40)
        let before = sink.values("m_a").count
        #expect(before > 0 && sink.values("m_d").count == sink.values("m_c").count)
        await scraper.replace([
            job("same", ["a:1"], source: "1"), job("changed", ["b:1"], source: "2", interval: .seconds(5)), job("new", ["d:1"], source: "1"),
        ])
        await advance(scraper, 60)
        #expect(await scraper.targets.map(\.pool) == ["changed", "new", "same"])
        // Undisturbed, and handed over without a marker between.
        #expect(sink.values("m_a").count == before + 4 && !sink.values("m_a").contains { $0.isStale })
        #expect(!sink.values("m_b").contains { $0.isStale } && sink.values("m_b").count > before + 8)
        // A target that the job has no more, and a job that is no more.
        #expect(sink.values("m_c").last?.isStale == true)
        let gone = sink.results.withLock { results in results.filter { $0.frame.series.labels.contains { $0["job"] == "gone" } }.last }
        #expect(gone?.frame.values.allSatisfy { $0.isStale || $0.isAbsent } == true)
        let loops = scraper.running.count
        #expect(loops == 3, "\(loops) loops")
        run.cancel()
        _ = try? await run.value
    }
}
