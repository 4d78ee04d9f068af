import Telemetry

/// What is known of a target, for `/api/v1/targets`.
public struct TargetStatus: Sendable {
    public enum Health: String, Sendable { case unknown, up, down }

    public var pool: String
    public var target: ScrapeTarget
    public var health = Health.unknown
    public var lastError = ""
    public var lastScrape: Timestamp?
    public var lastDuration = Duration.zero
    public var samples = 0

    public init(pool: String, target: ScrapeTarget) {
        self.pool = pool
        self.target = target
    }
}

/// What a target says of its metrics, for `/api/v1/targets/metadata`.
public struct TargetMetadata: Sendable {
    public var target: Labels
    public var metadata: ScrapeResult.Metadata
}
