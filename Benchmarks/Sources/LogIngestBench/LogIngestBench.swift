import Glibc
import HTTP
import Ingest
import LogStore
import Runtime
import Telemetry

/// Megabytes of log lines a CPU second by each way in, with the store behind it (durable) and without (what reading costs).
/// The network is left out. `LogIngestBench [megabytes]`.
@main
struct LogIngestBench {
    static func main() async throws {
        let megabytes = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 256
        var lines = Lines()
        let requests = lines.requests(bytes: megabytes << 20, perRequest: 1 << 20)
        let total = requests.reduce(0) { $0 + $1.count }
        print("\(requests.count) requests, \(total >> 20) MiB of JSON lines")
        for (name, query) in [
            ("lines kept as they are", [("_time_field", "time"), ("_stream_fields", "service")]),
            ("message and fields apart", [("_time_field", "time"), ("_stream_fields", "service"), ("_msg_field", "msg")]),
        ] {
            try await measure("\(name), read only", requests, total, query, Nowhere())
            let directory = "/tmp/binnacle-bench-\(getpid())"
            let archive = try LogArchive(.init(directory: directory), metrics: MetricRegistry())
            try await measure("\(name), durable", requests, total, query, Durable(archive: archive))
            try await archive.close()
            for file in try HostFileSystem().list(directory) { try HostFileSystem().remove("\(directory)/\(file)") }
            _ = unsafe rmdir(directory)
        }
    }

    private static func measure(
        _ name: String, _ requests: [[UInt8]], _ total: Int, _ query: [(String, String)], _ writer: any LogWriter
    ) async throws {
        var router = HTTPRouter()
        LogIngestAPI(LogIntake(writer: writer, clock: SystemClock(), metrics: MetricRegistry())).register(on: &router)
        let before = cpuSeconds()
        for body in requests {
            let request = HTTPRequest(method: "POST", path: "/insert/jsonline", query: query.map { (name: $0.0, value: $0.1) }, body: body)
            let response = await router.respond(to: request)
            precondition(response.status == 200, "status \(response.status)")
        }
        if let durable = writer as? Durable { try await durable.archive.flush() }
        let seconds = cpuSeconds() - before
        print("  \(name): \(Int(Double(total) / 1e6 / seconds)) MB a CPU second")
    }

    /// Of this process, user and system.
    private static func cpuSeconds() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// Takes everything and keeps nothing.
struct Nowhere: LogWriter {
    func append(_ batches: [LogBatch]) async throws(LogWriteError) {}
}

struct Durable: LogWriter {
    let archive: LogArchive
    func append(_ batches: [LogBatch]) async throws(LogWriteError) {
        do { try await archive.append(batches) } catch { throw .unavailable("\(error)") }
    }
}

/// Made-up lines of an application: always the same.
struct Lines {
    private var state: UInt64 = 88_172_645_463_325_252
    private var time: Int64 = SystemClock().nanoseconds - 3_600_000_000_000

    private mutating func random() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }

    private mutating func pick(_ list: [String]) -> String { list[Int(random() % UInt64(list.count))] }

    private mutating func hexadecimal(_ digits: Int) -> String {
        let text = String(random(), radix: 16) + String(random(), radix: 16) + "0000000000000000"
        return String(text.prefix(digits))
    }

    mutating func requests(bytes: Int, perRequest: Int) -> [[UInt8]] {
        var requests: [[UInt8]] = []
        var written = 0
        while written < bytes {
            var body: [UInt8] = []
            body.reserveCapacity(perRequest + 512)
            while body.count < perRequest { body += line().utf8 }
            written += body.count
            requests.append(body)
        }
        return requests
    }

    private mutating func line() -> String {
        time += Int64(random() % 2_000_000)
        let stamp = CivilTime(nanosecondsSinceEpoch: time).rfc3339(fractionDigits: 6)
        let path = pick(["/api/v1/orders", "/api/v1/cart/items", "/checkout", "/healthz", "/products/\(random() % 5000)"])
        let level = random() % 20 == 0 ? "error" : "info"
        let message = pick(["request completed", "order placed", "cache miss for key", "retrying upstream call", "payment authorised"])
        return
            "{\"time\":\"\(stamp)\",\"level\":\"\(level)\",\"service\":\"\(pick(["checkout", "cart", "catalogue", "payments"]))\",\"trace_id\":\"\(hexadecimal(32))\",\"user_id\":\(random() % 100_000),\"msg\":\"\(message)\",\"method\":\"\(pick(["GET", "POST"]))\",\"path\":\"\(path)\",\"status\":\(pick(["200", "200", "200", "404", "500"])),\"duration_ms\":\(Double(random() % 100_000) / 100),\"bytes\":\(random() % 20_000)}\n"
    }
}
