import JSON
import PromQL
import SeriesStore
import Telemetry

/// What the API shows besides queries comes from other parts of the program, which `App` plugs in by these protocols.
/// Without one the API answers with the empty shape, so that Grafana and promtool find what they look for.
public struct PrometheusProviders: Sendable {
    public var rules: (any RulesProvider)?
    public var targets: (any TargetsProvider)?
    public var exemplars: (any ExemplarsProvider)?
    /// Deletes and snapshots. Nil: `admin APIs disabled`.
    public var admin: (any StorageAdmin)?
    public var status: (any StatusProvider)?
    /// False until the program can answer; then `/-/ready` says 503.
    public var isReady: @Sendable () async -> Bool = { true }
    public init() {}
}

/// Rule groups, alerts and where alerts are sent.
public protocol RulesProvider: Sendable {
    /// The groups that the filter chooses, in the shape of `/api/v1/rules`, and a token if there are more.
    func groups(_ filter: RulesFilter) async throws -> (groups: [JSON], nextToken: String?)
    /// The active alerts in the shape of `/api/v1/alerts`.
    func alerts() async -> [JSON]
    /// Addresses of Alertmanagers that are told of alerts, and of those left out.
    func alertmanagers() async -> (active: [String], dropped: [String])
}

/// Which rules are asked for; empty lists choose all.
public struct RulesFilter: Sendable, Equatable {
    public enum Kind: String, Sendable { case alert, record }
    public var kind: Kind?
    public var names: [String] = []
    public var groups: [String] = []
    public var files: [String] = []
    public var leavesAlertsOut = false
    /// A rule is shown if one set of conditions holds for its labels.
    public var matchers: [[Matcher]] = []
    /// 0 is no limit.
    public var groupLimit = 0
    public var groupToken = ""
    public init() {}
}

/// What is scraped.
public protocol TargetsProvider: Sendable {
    func targets() async -> ScrapeTargets
}

public struct ScrapeTargets: Sendable {
    public enum Health: String, Sendable { case up, down, unknown }

    public struct Active: Sendable {
        public var discoveredLabels: Labels = [:]
        public var labels: Labels
        public var pool: String
        public var url: String
        public var globalURL: String
        public var lastError = ""
        public var lastScrape: Timestamp?
        public var lastScrapeDuration: Duration = .zero
        public var health = Health.unknown
        public var interval: Duration = .seconds(15)
        public var timeout: Duration = .seconds(10)
        /// What the target said of its metrics.
        public var metadata: [PrometheusAPI.MetricMetadata] = []
        public init(labels: Labels, pool: String, url: String, globalURL: String? = nil) {
            self.labels = labels
            self.pool = pool
            self.url = url
            self.globalURL = globalURL ?? url
        }
    }

    public struct Dropped: Sendable {
        public var discoveredLabels: Labels
        public var pool: String
        public init(discoveredLabels: Labels, pool: String) {
            self.discoveredLabels = discoveredLabels
            self.pool = pool
        }
    }

    public var active: [Active] = []
    public var dropped: [Dropped] = []
    /// Names of all pools, also of those without targets.
    public var pools: [String] = []
    public init() {}
}

/// Samples' trace links.
public protocol ExemplarsProvider: Sendable {
    /// Of the series that one of the sets of conditions chooses, both ends of the span included.
    func exemplars(_ matchers: [[Matcher]], from: Timestamp, through: Timestamp) async throws -> [ExemplarSeries]
}

public struct ExemplarSeries: Sendable {
    public struct Exemplar: Sendable {
        public var labels: Labels
        public var value: Double
        public var timestamp: Timestamp
        public init(labels: Labels, value: Double, timestamp: Timestamp) {
            self.labels = labels
            self.value = value
            self.timestamp = timestamp
        }
    }

    public var labels: Labels
    public var exemplars: [Exemplar]
    public init(labels: Labels, exemplars: [Exemplar]) {
        self.labels = labels
        self.exemplars = exemplars
    }
}

/// Changes to what is stored, on a person's demand.
public protocol StorageAdmin: Sendable {
    func deleteSeries(_ matchers: [[Matcher]], from: Timestamp, through: Timestamp) async throws
    func cleanTombstones() async throws
    /// The name of the snapshot's directory.
    func snapshot(skippingHead: Bool) async throws -> String
}

/// What the program knows of itself.
public protocol StatusProvider: Sendable {
    /// The configuration as YAML.
    func configuration() async -> String
    /// Command-line flags and their values.
    func flags() async -> [String: String]
    /// `15d` and the like.
    func retention() async -> String
    /// Chunks in the head, and its span; nil if unknown.
    func head() async -> (chunks: Int, from: Timestamp, through: Timestamp)?
    /// Which metrics and labels have many series in the span, from the store's index; nil if that must be counted.
    func cardinality(from: Timestamp, through: Timestamp, limit: Int) async -> CardinalityStats?
}

extension StatusProvider {
    public func cardinality(from: Timestamp, through: Timestamp, limit: Int) async -> CardinalityStats? { nil }
}
