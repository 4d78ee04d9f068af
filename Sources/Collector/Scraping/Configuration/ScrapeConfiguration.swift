import Telemetry

/// One entry of `scrape_configs`: how a job's targets are found and asked.
public struct ScrapeConfiguration: Sendable {
    public enum Authorization: Sendable, Hashable {
        case none
        case basic(user: String, password: String)
        /// The header's value, such as `Bearer …`.
        case credentials(String)
        /// The same, read before each scrape, so that a new token is used at once.
        case basicFile(user: String, path: String)
        case credentialsFile(type: String, path: String)
    }

    /// How a target's certificate is checked, and what is shown to it. Contents of the files, PEM.
    public struct TLS: Sendable, Hashable {
        public var authorityFile: String?
        public var certificateFile: String?
        public var keyFile: String?
        public var serverName: String?
        public var skipsVerification = false
        public init() {}
    }

    public struct FileDiscovery: Sendable, Hashable {
        /// Paths; a `*` in the last part stands for any text.
        public var files: [String]
        public var refresh: Duration = .seconds(300)
        public init(files: [String]) { self.files = files }
    }

    public struct HTTPDiscovery: Sendable, Hashable {
        public var url: String
        public var refresh: Duration = .seconds(60)
        public var authorization = Authorization.none
        public var tls = TLS()
        public init(url: String) { self.url = url }
    }

    public enum Role: String, Sendable, CaseIterable { case pod, service }

    public var jobName: String
    /// All that its file says of the job, defaults included: a job with the same text goes on through a reload. Empty for one of no file.
    public var source = ""
    public var interval: Duration = .seconds(15)
    public var timeout: Duration = .seconds(10)
    public var metricsPath = "/metrics"
    public var scheme = "http"
    public var parameters: [(name: String, value: String)] = []
    public var honorLabels = false
    public var honorTimestamps = true
    public var tracksTimestampStaleness = false
    public var compresses = true
    /// What the page is taken for if its `Content-Type` says nothing known.
    public var fallbackProtocol: PageFormat?
    /// Native histograms need the binary form, which is then asked for first.
    public var wantsNativeHistograms = false
    public var authorization = Authorization.none
    public var tls = TLS()
    public var headers: [(name: String, value: String)] = []

    public var staticTargets: [TargetGroup] = []
    public var files: [FileDiscovery] = []
    public var endpoints: [HTTPDiscovery] = []
    public var roles: [Role] = []

    public var targetRelabelling: [RelabelRule] = []
    public var metricRelabelling: [RelabelRule] = []

    /// 0 is no limit; beyond it the whole scrape fails, so that it is seen.
    public var sampleLimit = 0
    public var labelLimit = 0
    public var labelNameLengthLimit = 0
    public var labelValueLengthLimit = 0
    /// Beyond it the job's targets are all refused.
    public var targetLimit = 0
    public var bodyBytesLimit = 64 << 20

    public init(jobName: String) { self.jobName = jobName }
}

/// The form of a page of metrics.
public enum PageFormat: String, Sendable, Hashable {
    case text = "PrometheusText0.0.4"
    case textUTF8 = "PrometheusText1.0.0"
    case openMetrics = "OpenMetricsText1.0.0"
    case protobuf = "PrometheusProto"

    /// By the answer's `Content-Type`.
    public init?(contentType: String?) {
        let parts = (contentType ?? "").split(separator: ";").map { $0.filter { $0 != " " }.lowercased() }
        switch parts.first {
        case "text/plain": self = .text
        case "application/openmetrics-text": self = .openMetrics
        case "application/vnd.google.protobuf":
            // Only the form in which each message comes behind its length.
            guard !parts.contains(where: { $0.hasPrefix("encoding=") && $0 != "encoding=delimited" }) else { return nil }
            self = .protobuf
        default: return nil
        }
    }
}

/// Targets that were found together, and the labels that all of them get.
public struct TargetGroup: Sendable, Hashable {
    /// `host:port`.
    public var targets: [String]
    public var labels: [String: String]
    public init(targets: [String], labels: [String: String] = [:]) {
        self.targets = targets
        self.labels = labels
    }
}
