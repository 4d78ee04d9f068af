import Exposition
import HTTP
import Telemetry

/// What a scrape asks for.
public struct ScrapeRequest: Sendable {
    public var url: String
    public var fields: HTTPFields
    public var timeout: Duration
    /// The answer's body may not be longer.
    public var bodyBytesLimit: Int
    public var tls: ScrapeConfiguration.TLS

    public init(url: String, fields: HTTPFields = [:], timeout: Duration = .seconds(10), bodyBytesLimit: Int = 64 << 20, tls: ScrapeConfiguration.TLS = .init())
    {
        self.url = url
        self.fields = fields
        self.timeout = timeout
        self.bodyBytesLimit = bodyBytesLimit
        self.tls = tls
    }
}

public struct ScrapeAnswer: Sendable {
    public var status: Int
    public var fields: HTTPFields
    public var body: [UInt8]
    public init(status: Int, fields: HTTPFields = [:], body: [UInt8] = []) {
        self.status = status
        self.fields = fields
        self.body = body
    }
}

/// Sends a scrape's request; the executable gives one over its HTTP client. Redirects are not followed.
public protocol ScrapeTransport: Sendable {
    /// Throws `ScrapeFailure.bodyTooLarge` for a body beyond the limit, anything else for what the network does.
    func get(_ request: ScrapeRequest) async throws -> ScrapeAnswer
}

/// Where samples of targets go. The Aggregator's store is plugged in by the executable.
public protocol ScrapeSink: Sendable {
    /// Returns when all is durable.
    func append(_ result: ScrapeResult) async throws
}

/// What one scrape gave.
public struct ScrapeResult: Sendable {
    /// All samples of the scrape's own time, the target's report and stale markers included.
    public var frame: SampleFrame
    /// Samples that came with a time of their own.
    public var timed: [SeriesSamples] = []
    public var exemplars: [Exemplar] = []
    public var histograms: [Histogram] = []
    /// Metrics of which the target says something that it did not say before.
    public var metadata: [Metadata] = []

    public struct Exemplar: Sendable, Hashable {
        public var series: Labels
        public var labels: Labels
        public var value: Double
        /// Milliseconds since 1970.
        public var timestamp: Int64
    }

    public struct Histogram: Sendable, Hashable {
        public var series: Labels
        /// Milliseconds since 1970.
        public var timestamp: Int64
        public var histogram: NativeHistogram
    }

    public struct Metadata: Sendable, Hashable {
        public var metric: String
        public var type: String
        public var help: String
        public var unit: String
    }
}

/// Pods and services of the cluster that ask to be scraped. The Orchestrator is plugged in by the executable.
public protocol AnnotatedSource: Sendable {
    func objects(_ role: ScrapeConfiguration.Role) async -> [AnnotatedObject]
}

/// A pod or service, as far as its discovery needs it.
public struct AnnotatedObject: Sendable, Hashable {
    public struct Port: Sendable, Hashable {
        public var container: String
        public var name: String
        public var number: Int
        public var networkProtocol: String
        public init(container: String = "", name: String = "", number: Int, networkProtocol: String = "TCP") {
            self.container = container
            self.name = name
            self.number = number
            self.networkProtocol = networkProtocol
        }
    }

    public var name: String
    public var namespace: String
    public var uid = ""
    /// The pod's address, or the service's name within the cluster.
    public var address: String
    public var labels: [String: String] = [:]
    public var annotations: [String: String] = [:]
    public var ports: [Port] = []
    /// Of a pod: its node, phase, readiness and the controller above it.
    public var node = ""
    public var phase = ""
    public var isReady = false
    public var controllerKind = ""
    public var controllerName = ""

    public init(name: String, namespace: String, address: String) {
        self.name = name
        self.namespace = namespace
        self.address = address
    }
}

/// Why a scrape gave nothing. The text is shown as the target's last error.
public enum ScrapeFailure: Error, Hashable, Sendable, CustomStringConvertible {
    case status(Int)
    case bodyTooLarge(limit: Int)
    case contentType(String)
    case page(String)
    case sampleLimit(Int)
    case labelLimit(String)
    case transport(String)

    public var description: String {
        switch self {
        case .status(let code): "the server answered with HTTP status \(code)"
        case .bodyTooLarge(let limit): "the page is larger than body_size_limit, \(limit) bytes"
        case .contentType(let type):
            type.isEmpty
                ? "the answer has no Content-Type: set fallback_scrape_protocol, such as PrometheusText0.0.4"
                : "the answer's Content-Type \(type) is no known form of metrics: set fallback_scrape_protocol to take it for one"
        case .page(let problem): "the page cannot be read: \(problem)"
        case .sampleLimit(let limit): "the page has more samples than sample_limit, \(limit)"
        case .labelLimit(let problem): problem
        case .transport(let problem): problem
        }
    }
}
