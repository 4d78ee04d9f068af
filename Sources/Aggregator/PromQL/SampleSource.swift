import Telemetry

/// Where the engine reads series: the embedded store, or another that speaks for it.
///
/// All spans take in both their ends; the engine itself cuts the left-open windows of PromQL. `matchers` must
/// all hold; an empty list is met by every series. Results need no order.
public protocol SampleSource: Sendable {
    /// The samples of each series that the conditions choose, ascending in time. Stale markers are kept.
    func select(_ matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [SeriesSamples]
    /// The names of labels of such series.
    func labelNames(matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [String]
    /// The values that a label has in such series.
    func labelValues(_ name: String, matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [String]
    /// The label sets of such series.
    func series(matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [Labels]
}
