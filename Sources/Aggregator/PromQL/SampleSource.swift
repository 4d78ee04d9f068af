import Telemetry

/// Where the engine reads series: the embedded store, or another that speaks for it.
///
/// All spans take in both their ends; the engine itself cuts the left-open windows of PromQL. `matchers` must
/// all hold; an empty list is met by every series. Results need no order.
public protocol SampleSource: Sendable {
    /// The samples of each series that the conditions choose, ascending in time. Stale markers are kept.
    func select(_ matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [SeriesSamples]
    /// The same as columns, each series in one block only. A source that has columns should answer with them;
    /// the default makes them of `select`.
    func read(_ request: SampleRequest) async throws -> SampleAnswer
    /// The names of labels of such series.
    func labelNames(matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [String]
    /// The values that a label has in such series.
    func labelValues(_ name: String, matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [String]
    /// The label sets of such series.
    func series(matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [Labels]
}

/// What a query needs to read for one selector, with hints that a source may heed or not.
public struct SampleRequest: Sendable, Hashable {
    public var matchers: [Matcher]
    /// Both ends are included.
    public var from: Timestamp
    public var through: Timestamp
    /// Milliseconds between the query's moments; 0 if there is one only.
    public var step: Int64 = 0
    /// Milliseconds of the windows that are read; 0 for an instant selector.
    public var range: Int64 = 0
    /// The PromQL function or aggregation that the samples go to; empty if none does directly.
    public var function = ""
    /// False: only where samples and stale markers are matters. A source may then leave a column empty if it has an
    /// ordinary value at each of the block's moments, and may put any number for a value.
    public var needsValues = true
    /// Whether a source may answer with what `function` gives in each window, instead of the windows' samples: the windows
    /// are `(end - range, end]` for the `windowEnds`. See `SampleBlock.isEvaluated`.
    public var mayBeEvaluated = false
    /// More samples than this make the query fail, so a source may give up with `TooManySamples`.
    public var maximumSamples = Int.max

    public init(matchers: [Matcher], from: Timestamp, through: Timestamp) {
        self.matchers = matchers
        self.from = from
        self.through = through
    }
}

/// Series that were sampled at the same moments, as those of one scrape are.
///
/// A block may reach beyond the span that was asked for, so that a source can hand over columns which it keeps decoded
/// without copying them: the engine takes what it needs.
public struct SampleBlock: Sendable {
    /// Milliseconds since 1970, ascending.
    public var timestamps: [Int64]
    public var labels: [Labels]
    /// One a series: a value for each moment, `Double.absent` where the series has none, `Double.stale` where it ends.
    /// Empty only as `SampleRequest.needsValues` allows.
    public var values: [SampleColumn]
    /// The moments are ends of the request's windows, and the values what its function gives in them.
    public var isEvaluated = false

    public init(timestamps: [Int64], labels: [Labels], values: [SampleColumn]) {
        precondition(labels.count == values.count, "one column a series")
        self.timestamps = timestamps
        self.labels = labels
        self.values = values
    }

    public init(timestamps: [Int64], labels: [Labels], columns: [[Double]]) {
        self.init(timestamps: timestamps, labels: labels, values: columns.map { .whole($0) })
    }

    /// `values` as arrays; those in runs are copied each time.
    public var columns: [[Double]] { values.map(\.values) }
}

public struct SampleAnswer: Sendable {
    public var blocks: [SampleBlock]
    /// What is missing from the answer, for people.
    public var warnings: [String]
    /// What else is to be said of the answer.
    public var infos: [String] = []
    /// Chunks that had to be decoded, for `--explain`.
    public var chunksDecoded: Int

    public init(blocks: [SampleBlock], warnings: [String] = [], chunksDecoded: Int = 0) {
        self.blocks = blocks
        self.warnings = warnings
        self.chunksDecoded = chunksDecoded
    }

    public var seriesCount: Int { blocks.reduce(0) { $0 + $1.labels.count } }
    /// Moments times series, the measure of work and memory; gaps count.
    public var sampleCount: Int { blocks.reduce(0) { $0 + $1.labels.count * $1.timestamps.count } }
}

/// Thrown by a source that was asked for more samples than a query may hold.
public struct TooManySamples: Error {
    public var limit: Int
    public init(limit: Int) { self.limit = limit }
}

extension SampleSource {
    public func read(_ request: SampleRequest) async throws -> SampleAnswer {
        let series = try await select(request.matchers, from: request.from, through: request.through)
        return SampleAnswer(blocks: SampleBlock.grouping(series))
    }
}

extension SampleBlock {
    /// Puts series with the same moments together.
    public static func grouping(_ series: [SeriesSamples]) -> [SampleBlock] {
        struct Shape: Hashable { var first: Int64, last: Int64, count: Int }
        var places: [Shape: [Int]] = [:]
        var blocks: [SampleBlock] = []
        for one in series {
            guard let first = one.timestamps.first, let last = one.timestamps.last else { continue }
            let shape = Shape(first: first, last: last, count: one.timestamps.count)
            if let place = places[shape]?.first(where: { blocks[$0].timestamps == one.timestamps }) {
                blocks[place].labels.append(one.labels)
                blocks[place].values.append(.whole(one.values))
            } else {
                places[shape, default: []].append(blocks.count)
                blocks.append(SampleBlock(timestamps: one.timestamps, labels: [one.labels], columns: [one.values]))
            }
        }
        return blocks
    }
}
