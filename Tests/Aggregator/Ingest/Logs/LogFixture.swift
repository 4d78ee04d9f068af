import HTTP
import ProtoWire
import Runtime
import Synchronization
import Telemetry
import TestKit

@testable import Ingest

/// Keeps what was written as the log store does: whole requests, and none a second time that comes from the same origin.
final class LogRecorder: LogWriter {
    struct State: Sendable {
        var batches: [LogBatch] = []
        var refusals: [LogWriteError] = []
        var origins: Set<LogBatch.Origin> = []
    }
    let state = Mutex(State())

    func append(_ batches: [LogBatch]) async throws(LogWriteError) {
        let refusal: LogWriteError? = state.withLock { state in
            if !state.refusals.isEmpty { return state.refusals.removeFirst() }
            for batch in batches {
                if let origin = batch.origin, !state.origins.insert(origin).inserted { continue }
                state.batches.append(batch)
            }
            return nil
        }
        if let refusal { throw refusal }
    }

    func refuse(_ errors: LogWriteError...) { state.withLock { $0.refusals += errors } }

    var batches: [LogBatch] { state.withLock { $0.batches } }
    var records: [LogRecord] { batches.flatMap(\.records) }

    /// Every record as text, sorted: `{stream} time severity body {fields}`.
    var lines: [String] {
        batches.flatMap { batch in
            batch.records.map { "\(batch.stream) \($0.time) \($0.severity) \(String(decoding: $0.body, as: UTF8.self)) \($0.fields)" }
        }.sorted()
    }
}

/// The ways in over a recorder.
struct LogFixture {
    static let now: Int64 = 1_700_000_000_000_000_000

    let recorder: LogRecorder
    let registry = MetricRegistry()
    let clock = ManualClock(startingAt: Timestamp(milliseconds: now / 1_000_000))
    let intake: LogIntake
    let router: HTTPRouter

    init(limits: LogIngestLimits = .init(), recorder: LogRecorder = LogRecorder()) {
        self.recorder = recorder
        intake = LogIntake(writer: recorder, clock: clock, metrics: registry, limits: limits, sleep: { _ in })
        var router = HTTPRouter()
        LogIngestAPI(intake).register(on: &router)
        self.router = router
    }

    func post(
        _ path: String, _ body: [UInt8], type: String? = nil, encoding: String? = nil, query: [(name: String, value: String)] = [],
        fields: [(String, String)] = [], method: String = "POST"
    ) async -> HTTPResponse {
        var request = HTTPRequest(method: method, path: path, query: query, body: body)
        request.fields["Content-Type"] = type
        request.fields["Content-Encoding"] = encoding
        for (name, value) in fields { request.fields[name] = value }
        return await router.respond(to: request)
    }

    func post(_ path: String, _ body: String, type: String? = "application/json", query: [(name: String, value: String)] = []) async -> HTTPResponse {
        await post(path, Array(body.utf8), type: type, query: query)
    }
}
