import HTTP
import Runtime
import SeriesStore
import Synchronization
import Telemetry

/// `/api/v1/export`: series by `match[]`, from `start` to `end`, in the form that `format` names (`jsonl`, `prometheus`,
/// `openmetrics`, `csv`); with `head=0` without the table's head. `/api/v1/export/start` says when the oldest sample may be, ms.
///
/// Goes through the time in windows, each of which grows while it holds little and is halved when it holds more than
/// `windowBytes` of text: memory stays bounded whatever is asked for. A series has a line in each window.
public struct ExportAPI: Sendable {
    static let windowBytes = 16 << 20
    static let shortestWindow: Int64 = 60_000

    private struct TooMuch: Error {}

    let store: SeriesStore
    let clock: any WallClock
    let selector: @Sendable (String) throws -> [Matcher]

    /// - Parameter selector: reads a selector of PromQL.
    public init(store: SeriesStore, clock: any WallClock, selector: @escaping @Sendable (String) throws -> [Matcher]) {
        self.store = store
        self.clock = clock
        self.selector = selector
    }

    public func register(on router: inout HTTPRouter) {
        router.on("GET", "/api/v1/export/start") { _, _ in .text("\(store.oldest?.milliseconds ?? clock.now.milliseconds)\n") }
        router.on("GET POST", "/api/v1/export") { request, _ in
            do {
                return try respond(to: request)
            } catch {
                return .text("\(error)\n", status: (error as? IngestError)?.status ?? 400)
            }
        }
    }

    private func respond(to request: HTTPRequest) throws -> HTTPResponse {
        let texts = request.parameters("match[]") + request.parameters("match")
        guard !texts.isEmpty else { throw IngestError(400, "match[] is missing, such as match[]={job=\"x\"}") }
        let selectors = try texts.map(selector)
        let name = request.parameter("format") ?? "jsonl"
        guard let form = ExportForm(rawValue: name) else {
            throw IngestError(400, "format is \"\(IngestLimits.short(name))\", expected one of \(ExportForm.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        let start = try moment(request, "start") ?? 0
        let end = try moment(request, "end") ?? clock.now.milliseconds + 3_600_000
        guard start <= end else { throw IngestError(400, "end is before start") }
        let hasHead = request.parameter("head") != "0"
        return HTTPResponse(
            fields: ["Content-Type": form.contentType],
            body: .stream { writer in
                if hasHead { try await writer.write(form.head) }
                if form == .openmetrics {
                    try await exportFamilies(selectors, start, end, to: writer)
                } else {
                    for matchers in selectors { try await export(matchers, start, end, form, to: writer) }
                }
                try await writer.write(form.tail)
            })
    }

    /// Metric by metric, for OpenMetrics wants all of one together.
    private func exportFamilies(_ selectors: [[Matcher]], _ start: Int64, _ end: Int64, to writer: any HTTPBodyWriter) async throws {
        let known = Dictionary(try await store.metadata().map { ($0.metric, $0) }, uniquingKeysWith: { first, _ in first })
        var described = Set<String>()
        for matchers in selectors {
            let names = try await store.labelValues(
                Labels.metricName, matchers: matchers, from: Timestamp(milliseconds: start), through: Timestamp(milliseconds: end))
            for name in names {
                if let family = OpenMetricsFamily(of: name, known), described.insert(family.name).inserted { try await writer.write(family.head) }
                try await export(matchers + [Matcher(Labels.metricName, equals: name)], start, end, .openmetrics, to: writer)
            }
        }
    }

    private func moment(_ request: HTTPRequest, _ name: String) throws(IngestError) -> Int64? {
        guard let text = request.parameter(name) else { return nil }
        if let time = CivilTime.parse(text) { return time.timestamp.milliseconds }
        if let seconds = Double(text), seconds.magnitude < 1e12 { return Int64((seconds * 1000).rounded()) }
        throw IngestError(400, "\(name) is \"\(IngestLimits.short(text))\", expected Unix seconds or RFC 3339")
    }

    private func export(_ matchers: [Matcher], _ start: Int64, _ end: Int64, _ form: ExportForm, to writer: any HTTPBodyWriter) async throws {
        var from = start
        var width: Int64 = 3_600_000
        while from <= end {
            let through = min(end, from.addingReportingOverflow(width - 1).partialValue)
            let isShortest = width <= Self.shortestWindow
            let text = Mutex<[UInt8]>([])
            do {
                try await store.forEachSeries(matchers, from: Timestamp(milliseconds: from), through: Timestamp(milliseconds: through)) { column in
                    try text.withLock { text in
                        form.write(column.labels, column.timestamps, column.values, to: &text)
                        if !isShortest, text.count > Self.windowBytes { throw TooMuch() }
                    }
                }
            } catch is TooMuch {
                width = max(Self.shortestWindow, width / 4)
                continue
            }
            let bytes = text.withLock { $0 }
            try await writer.write(bytes)
            from = through + 1
            // Years without samples are passed in a few steps.
            if bytes.count < Self.windowBytes / 8 { width = min(width * 4, 4_000_000_000_000) }
        }
    }
}
