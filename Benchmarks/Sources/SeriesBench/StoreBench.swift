import Glibc
import Runtime
import SeriesStore
import Telemetry

/// Feeds a store and measures it.
struct StoreBench {
    let store: SeriesStore
    let clock: SeriesBench.BenchClock

    /// The made-up cluster, in requests of 5,000 samples as a remote-write sender makes them; each request durable.
    func generated(interval: Int, steps: Int, idleShare: Double) async throws {
        let cluster = MadeCluster(idleShare: idleShare)
        var identities = cluster.targets.map { $0.seriesLabels.map { SeriesIdentity($0) } }
        var spent = 0.0
        var samples = 0
        var values: [Double] = []
        print("  cluster           \(cluster.seriesCount) series, \(steps) steps of \(interval) s, \(Int(idleShare * 100)) of 100 containers idle")
        for step in 0..<steps {
            if step > 0, step * interval % 3600 == 0 {
                let before = cluster.targets
                cluster.churn()
                for (index, target) in cluster.targets.enumerated() where target !== before[index] {
                    identities[index] = target.seriesLabels.map { SeriesIdentity($0) }
                }
            }
            let time = SeriesBench.start + Int64(step * interval) * 1000
            clock.set(milliseconds: time + 1500)
            var batches: [SeriesBatch] = []
            batches.reserveCapacity(cluster.seriesCount)
            for (index, target) in cluster.targets.enumerated() {
                values.removeAll(keepingCapacity: true)
                target.step(Double(interval), at: time + target.offset, into: &values)
                for (position, value) in values.enumerated() {
                    batches.append(SeriesBatch(identities[index][position], samples: [.init(time + target.offset, value)]))
                }
            }
            samples += batches.count
            let cpu = cpuSeconds()
            for start in stride(from: 0, to: batches.count, by: 5000) {
                try await store.write(Array(batches[start..<min(batches.count, start + 5000)]))
            }
            if step * interval % 15 == 0 { try await store.maintain() }
            spent += cpuSeconds() - cpu
        }
        try await finish(samples, spent)
        try await read(SeriesBench.start, samples)
    }

    /// A sample a day of fifty series since 1970.
    func decades(days: Int) async throws {
        clock.set(milliseconds: SeriesBench.start)
        let began = ContinuousClock.now
        let cpu = cpuSeconds()
        for number in 0..<50 {
            let samples = (0..<days).map { SeriesBatch.Sample(Int64($0) * 86_400_000, Double($0 * 50 + number) / 4) }
            try await store.write([SeriesBatch(labels: Labels(name: "price", ["n": "\(number)"]), samples: samples)])
        }
        print("  write             \(days * 50) samples in \(ContinuousClock.now - began), \(cpuSeconds() - cpu) CPU-s")
        try await finish(days * 50, cpuSeconds() - cpu)
        let files = try HostFileSystem().list(store.directory).filter { $0.hasSuffix(".db") }
        print("  files             \(files.count), all of it in \(ContinuousClock.now - began)")
        try await read("price", times: 3)
    }

    func churn(series: Int) async throws {
        // Pods of forty series that live for an hour: a day of it.
        let perStep = series / 96
        var samples = 0
        var spent = 0.0
        for step in 0..<96 {
            let time = SeriesBench.start + Int64(step) * 900_000
            clock.set(milliseconds: time + 1000)
            var batches: [SeriesBatch] = []
            for number in 0..<perStep {
                let pod = (step * perStep + number) / 40
                let labels = Labels(
                    name: "container_metric_\(number % 40)",
                    [
                        "pod": "web-\(String(pod &* 2_654_435_761 % 4_294_967_296, radix: 36))-\(String(pod, radix: 36))", "namespace": "shop",
                        "job": "kubelet", "container": "web", "node": "node-\(pod % 10)",
                    ])
                batches.append(SeriesBatch(labels: labels, samples: [.init(time, Double(number)), .init(time + 500, Double(number + step))]))
                samples += 2
            }
            let cpu = cpuSeconds()
            for start in stride(from: 0, to: batches.count, by: 5000) {
                try await store.write(Array(batches[start..<min(batches.count, start + 5000)]))
            }
            try await store.maintain()
            spent += cpuSeconds() - cpu
        }
        print("  memory            \(peakMegabytes()) MB at most, \(residentMegabytes()) MB now, for \(store.statistics.series) series")
        try await finish(samples, spent)
        let bytes = fileBytes("catalog.db")
        print("  index on disk     \(bytes) bytes, \(Double(bytes) / Double(store.statistics.series)) a series")
    }

    func recorded(_ path: String) async throws {
        let scrapes = try RecordedScrapes(path)
        var identities: [Substring: SeriesIdentity] = [:]
        var rounds: [(time: Int64, batches: [SeriesBatch])] = []
        scrapes.forEach { time, samples in
            let batches = samples.map { key, value in
                let identity = identities[key] ?? SeriesIdentity(RecordedScrapes.labels(key))
                identities[key] = identity
                return SeriesBatch(identity, samples: [.init(time, value)])
            }
            rounds.append((time, batches))
        }
        print("  recorded          \(identities.count) series")
        var samples = 0
        var spent = 0.0
        for (time, batches) in rounds {
            clock.set(milliseconds: time + 500)
            let cpu = cpuSeconds()
            try await store.write(batches)
            try await store.maintain()
            spent += cpuSeconds() - cpu
            samples += batches.count
        }
        try await finish(samples, spent)
        try await read(rounds.first?.time ?? 0, samples)
    }

    private func finish(_ samples: Int, _ spent: Double) async throws {
        print(
            "  write, fsynced    \(samples) samples, \(Int(Double(samples) / spent / 1000)) k samples a CPU-second with flushes and merges, \(peakMegabytes()) MB resident at most"
        )
        let cpu = cpuSeconds()
        try await store.compact()
        let statistics = store.statistics
        print("  compact           \(cpuSeconds() - cpu) CPU-s")
        let all = Double(statistics.fileBytes) / Double(samples)
        print(
            "  on disk           \(all) bytes a sample over all files, \(Double(statistics.partBytes) / Double(samples)) in parts, catalog \(fileBytes("catalog.db")) bytes, log \(fileBytes("head.db")) bytes"
        )
        try await printShares()
    }

    private func printShares() async throws {
        let stats = try await store.stats()
        print("  parts             \(stats.parts), directories \(stats.directoryBytes) bytes, bodies \(stats.bodyBytes) bytes")
        for (name, share) in stats.codecs.sorted(by: { $0.value.bytes > $1.value.bytes }) {
            print(
                "    codec \(name): \(share.columns) columns, \(share.bytesPerSample) bytes a sample, \(share.bytes * 100 / max(1, stats.bodyBytes)) % of bytes, \(share.samples * 100 / max(1, stats.samples)) % of samples"
            )
        }
        for (name, share) in stats.metrics.sorted(by: { $0.value.bytes > $1.value.bytes }).prefix(14) {
            print("    \(name): \(share.columns) columns, \(share.bytesPerSample) bytes a sample, \(share.bytes * 100 / max(1, stats.bodyBytes)) % of bytes")
        }
    }

    private func fileBytes(_ name: String) -> Int {
        ["", "-wal"].reduce(0) { $0 + Int((try? HostFileSystem().status(store.directory + "/" + name + $1).size) ?? 0) }
    }

    /// One metric, again and again, with nothing kept between.
    func read(_ metric: String, times: Int) async throws {
        let matchers = [Matcher("__name__", equals: metric)]
        let cpu = cpuSeconds()
        var samples = 0
        for _ in 0..<times {
            let (_, summary) = try await store.blocks(
                matchers, from: Timestamp(milliseconds: 0), through: Timestamp(milliseconds: SeriesBench.start + 86_400_000))
            samples += summary.samples
        }
        print("  read \(metric): \(samples) samples, \(Int(Double(samples) / (cpuSeconds() - cpu) / 1e5)) hundred thousand a CPU-second")
    }

    private func read(_ start: Int64, _ samples: Int) async throws {
        let metric = Matcher("__name__", equals: "container_cpu_usage_seconds_total")
        let queries: [(String, [Matcher])] = [
            ("read one metric   ", [metric]), ("read constants    ", [Matcher("__name__", equals: "container_spec_cpu_period")]), ("read all          ", []),
        ]
        for (name, matchers) in queries {
            // As queries read: first from files, then with what is kept decoded.
            for attempt in ["from files", "again"] {
                let cpu = cpuSeconds()
                let began = ContinuousClock.now
                let (_, summary) = try await store.blocks(
                    matchers, from: Timestamp(milliseconds: start - 1), through: Timestamp(milliseconds: start + 86_400_000))
                let spent = cpuSeconds() - cpu
                print(
                    "  \(name)\(attempt): \(summary.samples) samples of \(summary.series) series, \(summary.parts) parts in \(ContinuousClock.now - began): \(Int(Double(summary.samples) / max(1e-6, spent) / 1e6)) M samples a CPU-second"
                )
            }
        }
    }

    /// User and system time of this process.
    private func cpuSeconds() -> Double {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }

    private func peakMegabytes() -> Int {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss / 1024
    }

    private func residentMegabytes() -> Int {
        let text = (try? HostFileSystem().text("/proc/self/statm")) ?? ""
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * 4096 / 1_048_576
    }
}
