import JSON
import Pattern
import Telemetry
import YAML

/// What is wrong with a file of scrape configurations: where, what, and how to mend it.
public struct ScrapeFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file and the place in it, such as `scrape.yml: scrape_configs[2].scrape_interval`.
    public var place: String
    public var problem: String
    public init(place: String, problem: String) {
        self.place = place
        self.problem = problem
    }
    public var description: String { "\(place): \(problem)" }
}

/// Reads a file in the form of Prometheus' own: `global` and `scrape_configs`. What else such a file has is named in
/// `ignored`, and keys that nobody knows are refused.
public struct ScrapeFile: Sendable {
    public private(set) var configurations: [ScrapeConfiguration] = []
    /// Sections that belong to other parts of Prometheus.
    public private(set) var ignored: [String] = []

    private static let foreign: Set<String> = [
        "rule_files", "alerting", "remote_write", "remote_read", "storage", "tracing", "otlp", "runtime", "scrape_config_files",
    ]

    /// - Parameter file: what errors call it; relative paths in it are meant from its folder.
    public init(_ bytes: [UInt8], file: String) throws {
        let documents = try YAMLParser.documents(bytes, file: file)
        guard documents.count <= 1 else { throw ScrapeFileError(place: file, problem: "has \(documents.count) documents, expected one") }
        guard let document = documents.first else { return }
        guard document.object != nil else { throw ScrapeFileError(place: file, problem: "is a \(document.typeName), expected a map with scrape_configs") }
        let root = ConfigurationNode(document, place: file)
        var defaults = ScrapeConfiguration(jobName: "")
        // Prometheus' default; ours would be shorter, but the same file must mean the same.
        defaults.interval = .seconds(60)
        for (key, node) in try root.members() {
            switch key {
            case "global": try ScrapeFile.global(node, &defaults)
            case "scrape_configs": break
            case let key where ScrapeFile.foreign.contains(key): ignored.append(key)
            default: throw node.error("is not known here; known are global and scrape_configs")
            }
        }
        let folder = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? "."
        for node in try root["scrape_configs"].elements() {
            var configuration = try ScrapeEntry(node, defaults: defaults, folder: folder).configuration
            configuration.source = "\(root["global"].value) \(node.value) \(folder)"
            if configurations.contains(where: { $0.jobName == configuration.jobName }) {
                throw node["job_name"].error("is \"\(configuration.jobName)\" a second time: give each job a name of its own")
            }
            configurations.append(configuration)
        }
    }

    private static func global(_ node: ConfigurationNode, _ defaults: inout ScrapeConfiguration) throws(ScrapeFileError) {
        var hasTimeout = false
        for (key, node) in try node.members() {
            switch key {
            case "scrape_interval": defaults.interval = try node.duration()
            case "scrape_timeout":
                defaults.timeout = try node.duration()
                hasTimeout = true
            case "sample_limit": defaults.sampleLimit = try node.whole()
            case "label_limit": defaults.labelLimit = try node.whole()
            case "label_name_length_limit": defaults.labelNameLengthLimit = try node.whole()
            case "label_value_length_limit": defaults.labelValueLengthLimit = try node.whole()
            case "target_limit": defaults.targetLimit = try node.whole()
            case "body_size_limit": defaults.bodyBytesLimit = try node.byteCount()
            case "scrape_native_histograms": defaults.wantsNativeHistograms = try node.flag()
            case "evaluation_interval", "external_labels", "query_log_file", "rule_query_offset", "scrape_protocols", "metric_name_validation_scheme",
                "keep_dropped_targets", "metric_name_escaping_scheme", "always_scrape_classic_histograms", "scrape_failure_log_file":
                break
            default: throw node.error("is not known here")
            }
        }
        if !hasTimeout { defaults.timeout = min(defaults.timeout, defaults.interval) }
        guard defaults.timeout <= defaults.interval else { throw node["scrape_timeout"].error("is longer than scrape_interval") }
    }
}
