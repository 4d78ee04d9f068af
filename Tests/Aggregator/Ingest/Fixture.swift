import HTTP
import ProtoWire
import Runtime
import SeriesStore
import Snappy
import Synchronization
import Telemetry
import TestKit

@testable import Ingest

/// Keeps what was written, or refuses as it is told.
final class Recorder: SampleWriter {
    struct Written: Sendable {
        var batches: [SeriesBatch] = []
        var metadata: [MetricMetadata] = []
        var refusals: [SeriesStoreError] = []
        /// Labels' names of which every sample is over the limit.
        var overLimit: Set<String> = []
    }
    let state = Mutex(Written())

    func write(_ batches: [SeriesBatch], metadata: [MetricMetadata]) async throws(SeriesStoreError) -> WriteSummary {
        let result: Result<WriteSummary, SeriesStoreError> = state.withLock { state in
            if !state.refusals.isEmpty { return .failure(state.refusals.removeFirst()) }
            state.batches += batches
            state.metadata += metadata
            var summary = WriteSummary()
            for batch in batches {
                let count = batch.samples.count + batch.histograms.count
                if state.overLimit.contains(batch.series.labels.name) { summary.total.overLimit += count } else { summary.total.written += count }
                summary.total.exemplars += batch.exemplars.count
            }
            return .success(summary)
        }
        return try result.get()
    }

    var batches: [SeriesBatch] { state.withLock { $0.batches } }
    var metadata: [MetricMetadata] { state.withLock { $0.metadata } }

    /// All samples as text, sorted: `name{…} time bits`.
    var lines: [String] {
        batches.flatMap { batch in batch.samples.map { "\(batch.series.labels) \($0.timestamp) \($0.value)" } }.sorted()
    }
}

/// The ways in over a recorder.
struct Fixture {
    let recorder = Recorder()
    let registry = MetricRegistry()
    let router: HTTPRouter

    init(limits: IngestLimits = .init()) {
        var router = HTTPRouter()
        IngestAPI(
            writer: recorder, clock: ManualClock(startingAt: Timestamp(milliseconds: 1_700_000_000_000)), metrics: registry, limits: limits, seed: 42,
            sleep: { _ in }
        ).register(on: &router)
        self.router = router
    }

    func post(
        _ path: String, _ body: [UInt8], type: String? = nil, encoding: String? = nil, query: [(name: String, value: String)] = []
    ) async -> HTTPResponse {
        var request = HTTPRequest(method: "POST", path: path, query: query, body: body)
        request.fields["Content-Type"] = type
        request.fields["Content-Encoding"] = encoding
        return await router.respond(to: request)
    }

    func post(_ path: String, _ text: String, type: String? = nil, query: [(name: String, value: String)] = []) async -> HTTPResponse {
        await post(path, Array(text.utf8), type: type, query: query)
    }

    /// Remote write 1.0.
    func write(_ message: [UInt8], encoding: String = "snappy") async -> HTTPResponse {
        await post("/api/v1/write", Snappy.compress(message), type: "application/x-protobuf", encoding: encoding)
    }
}

extension HTTPResponse {
    var text: String { if case .bytes(let bytes) = body { String(decoding: bytes, as: UTF8.self) } else { "" } }
    var bytes: [UInt8] { if case .bytes(let bytes) = body { bytes } else { [] } }
}

/// Messages as senders make them.
enum Message {
    static func series(_ labels: [(String, String)], _ samples: [(Int64, Double)]) -> [UInt8] {
        var writer = WireWriter()
        writer.message(1) { series in
            for (name, value) in labels {
                series.message(1) {
                    $0.string(1, name)
                    $0.string(2, value)
                }
            }
            for (time, value) in samples {
                series.message(2) {
                    $0.double(1, value)
                    $0.int64(2, time)
                }
            }
        }
        return writer.bytes
    }

    /// Remote write 2.0 of one series a list of labels.
    static func second(_ list: [(labels: [(String, String)], samples: [(Int64, Double)])]) -> [UInt8] {
        var symbols = [""]
        func number(_ text: String) -> UInt64 {
            if let known = symbols.firstIndex(of: text) { return UInt64(known) }
            symbols.append(text)
            return UInt64(symbols.count - 1)
        }
        var series = WireWriter()
        for entry in list {
            let references = entry.labels.flatMap { [number($0.0), number($0.1)] }
            let help = number("What it is.")
            series.message(5) { message in
                message.packed(1, references)
                for (time, value) in entry.samples {
                    message.message(2) {
                        $0.double(1, value)
                        $0.int64(2, time)
                    }
                }
                message.message(5) {
                    $0.varint(1, 2)
                    $0.varint(3, help)
                }
            }
        }
        var writer = WireWriter()
        for symbol in symbols { writer.string(4, symbol) }
        return writer.bytes + series.bytes
    }
}
