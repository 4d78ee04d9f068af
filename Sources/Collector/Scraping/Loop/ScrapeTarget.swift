import Telemetry

/// One target: where it is asked, and the labels that its samples get.
public struct ScrapeTarget: Sendable, Hashable {
    /// Before relabelling.
    public let discovered: Labels
    /// Public labels, of every sample.
    public let labels: Labels
    public let url: String
    public let interval: Duration
    public let timeout: Duration

    /// What distinguishes targets: two with the same labels and address are one.
    public var identity: String { "\(url) \(labels)" }

    /// A target as its discovery found it, or nil if relabelling dropped it.
    /// - Parameter labels: with `__address__` and what else the discovery says.
    public static func make(_ labels: Labels, _ configuration: ScrapeConfiguration) throws(ScrapeFileError) -> (discovered: Labels, target: ScrapeTarget?) {
        var discovered = labels
        func setDefault(_ name: String, _ value: String) { if discovered[name].isEmpty { discovered[name] = value } }
        setDefault("job", configuration.jobName)
        setDefault("__scheme__", configuration.scheme)
        setDefault("__metrics_path__", configuration.metricsPath)
        setDefault("__scrape_interval__", text(configuration.interval))
        setDefault("__scrape_timeout__", text(configuration.timeout))
        for parameter in configuration.parameters { setDefault("__param_\(parameter.name)", parameter.value) }
        guard var kept = configuration.targetRelabelling.apply(to: discovered) else { return (discovered, nil) }
        let address = kept["__address__"]
        func wrong(_ problem: String) -> ScrapeFileError { ScrapeFileError(place: "job \(configuration.jobName), target \(address)", problem: problem) }
        guard !address.isEmpty else { throw wrong("has no __address__ after relabelling") }
        guard !address.contains("/"), !address.contains("?"), !address.contains("#"), !address.contains(" ") else { throw wrong("is no host:port") }
        let scheme = kept["__scheme__"]
        guard scheme == "http" || scheme == "https" else { throw wrong("has the scheme \"\(scheme)\", expected http or https") }
        guard let interval = ConfigurationNode.duration(kept["__scrape_interval__"]), interval > .zero else {
            throw wrong("has no duration in __scrape_interval__")
        }
        guard let timeout = ConfigurationNode.duration(kept["__scrape_timeout__"]), timeout > .zero, timeout <= interval else {
            throw wrong("has no duration in __scrape_timeout__, or one above the interval")
        }
        if kept["instance"].isEmpty { kept["instance"] = address }
        let url = "\(scheme)://\(address)\(path(kept["__metrics_path__"]))\(query(kept, configuration))"
        return (
            discovered, ScrapeTarget(discovered: discovered, labels: kept.filter { !$0.name.hasPrefix("__") }, url: url, interval: interval, timeout: timeout)
        )
    }

    private static func path(_ path: String) -> String { path.hasPrefix("/") ? path : "/" + path }

    /// The first value of each parameter may have been relabelled; further ones stay.
    private static func query(_ labels: Labels, _ configuration: ScrapeConfiguration) -> String {
        var pairs: [(String, String)] = []
        var seen: Set<String> = []
        for parameter in configuration.parameters {
            let isFirst = seen.insert(parameter.name).inserted
            pairs.append((parameter.name, isFirst ? labels["__param_\(parameter.name)"] : parameter.value))
        }
        for label in labels.list where label.name.hasPrefix("__param_") {
            let name = String(label.name.dropFirst(8))
            if seen.insert(name).inserted { pairs.append((name, label.value)) }
        }
        guard !pairs.isEmpty else { return "" }
        return "?" + pairs.map { "\(escaped($0.0))=\(escaped($0.1))" }.joined(separator: "&")
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        let digits = Array("0123456789ABCDEF")
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: result.unicodeScalars.append(Unicode.Scalar(byte))
            default: result += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
        return result
    }

    static func text(_ duration: Duration) -> String {
        let milliseconds = duration.wholeMilliseconds
        if milliseconds % 60_000 == 0 { return "\(milliseconds / 60_000)m" }
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
    }

    /// The same number for the same target in every process: its place within the interval.
    var hash: UInt64 {
        // FNV-1a.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in identity.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash
    }
}

/// When a target is scraped: always at the same place within its interval, which its hash decides, so that targets are
/// spread out and a restart changes nothing.
struct ScrapeSchedule: Sendable, Hashable {
    /// Milliseconds.
    let interval: Int64
    let offset: Int64

    init(interval: Duration, hash: UInt64) {
        self.interval = max(1, interval.wholeMilliseconds)
        offset = Int64(hash % UInt64(self.interval))
    }

    /// The first tick after `now`, in milliseconds since 1970. Ticks that were missed are left out.
    func tick(after now: Int64) -> Int64 {
        let past = (now - offset) % interval
        return now - (past < 0 ? past + interval : past) + interval
    }

    /// The samples' time: the tick itself while the scrape began within a hundredth of the interval, at most 50 ms, after it.
    /// Times without jitter are what a store packs best (Prometheus allows 2 ms).
    func timestamp(tick: Int64, now: Int64) -> Int64 {
        let late = now - tick
        return late >= 0 && late <= min(interval / 100, 50) ? tick : now
    }
}
