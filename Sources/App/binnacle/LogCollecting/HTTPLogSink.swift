import Glibc
import HTTP
import LogParsing
import LogTail
import Runtime
import Serving
import Synchronization
import Telemetry
import Zstd

/// Ships batches to the ingest port of another Binnacle, `/insert/binnacle`. An answer of success says that they are on its disk.
///
/// It sends each delivery once and says by what it throws what to do next: `LogRefusal` never again, `LogBusy` after that time,
/// anything else when the sender likes. Who is told to prove who it is, or asks a wrong address, has lost nothing: that is mended
/// by a person, and the lines wait.
final class HTTPLogSink: LogSink {
    static let path = "/insert/binnacle"

    private let address: HTTPAddress
    private let token: String?
    private let client: HTTPClient
    private let timeout: Duration
    private let requests: Counter
    private let failures: Counter
    private let records: Counter
    private let bytes: Counter
    private let lastSuccess: Gauge
    private let compressor = Mutex(Compressor())
    private let state = Mutex<String?>(nil)

    /// Owned by whoever holds the lock around it.
    private struct Compressor: @unchecked Sendable { let zstd = ZstdCompressor(level: 3) }

    init(_ address: HTTPAddress, token: String?, client: HTTPClient, timeout: Duration = .seconds(60), metrics: MetricRegistry) {
        var address = address
        let query = address.target.firstIndex(of: "?").map { address.target[..<$0] } ?? address.target[...]
        address.target = (query.hasSuffix("/") ? query.dropLast() : query) + (query.hasSuffix(Self.path) ? "" : Self.path)
        self.address = address
        self.token = token
        var client = client
        // An answer is a sentence at most.
        client.maximumBodyBytes = 64 << 10
        self.client = client
        self.timeout = timeout
        requests = metrics.counter("binnacle_log_ship_requests_total", "Deliveries sent to the aggregator.")
        failures = metrics.counter("binnacle_log_ship_failures_total", "Of these, those that it did not take.")
        records = metrics.counter("binnacle_log_ship_records_total", "Lines that the aggregator has on its disk.")
        bytes = metrics.counter("binnacle_log_ship_bytes_total", "Bytes sent, packed.")
        lastSuccess = metrics.gauge("binnacle_log_ship_last_success_timestamp_seconds", "When the aggregator took a delivery last, in Unix seconds.")
    }

    /// Why the last delivery was not taken; nil if it was.
    var problem: String? { state.withLock { $0 } }

    func append(_ batches: [LogBatch]) async throws {
        let body = compressor.withLock { $0.zstd.compress(LogBatchCodec.encode(batches)) }
        var fields: HTTPFields = ["Content-Type": "application/vnd.binnacle.log-batches", "Content-Encoding": "zstd"]
        fields.add("User-Agent", "binnacle/\(Binnacle.version)")
        if let token { fields.add("Authorization", "Bearer \(token)") }
        requests.increment()
        do {
            let answer = try await client.send("POST", address, fields: fields, body: body, timeout: timeout)
            bytes.increment(by: UInt64(body.count))
            if let failure = Self.failure(answer) { throw failure }
        } catch {
            if !Task.isCancelled {
                failures.increment()
                state.withLock { $0 = "\(error)" }
            }
            throw error
        }
        records.increment(by: UInt64(batches.reduce(0) { $0 + $1.records.count }))
        lastSuccess.value = SystemClock().now.seconds
        state.withLock { $0 = nil }
    }

    /// What an answer means; nil is success.
    static func failure(_ answer: HTTPClient.Answer) -> (any Error)? {
        let said = String(decoding: answer.body.prefix(500), as: UTF8.self).split(separator: "\n").first.map(String.init) ?? ""
        let reason = "\(answer.status)" + (said.isEmpty ? "" : ": \(said)")
        switch answer.status {
        case 200..<300: return nil
        case 400, 413, 422: return LogRefusal(reason)
        case 429, 503:
            guard let seconds = answer.fields["Retry-After"].flatMap({ Int($0) }), seconds >= 0 else { return Failure("it is busy (\(reason))") }
            return LogBusy(.seconds(seconds))
        case 401, 403: return Failure("it does not accept the token (\(reason)); --logs-token-file names the file that holds it")
        case 404, 405, 415: return Failure("it takes no log lines of another binnacle there (\(reason)); --logs-to names its ingest port, 10251")
        default: return Failure(reason)
        }
    }

    /// In words for a log and a status page.
    struct Failure: Error, CustomStringConvertible {
        var description: String
        init(_ reason: String) { description = "the aggregator did not take log lines: \(reason)" }
    }
}
