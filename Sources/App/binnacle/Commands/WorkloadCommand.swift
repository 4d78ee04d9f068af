import ArgumentParser
import Exposition
import Glibc
import HTTP
import JSON
import Logging
import Runtime
import Serving
import Synchronization
import Telemetry

/// The demo's programs, in the binary itself so that the demo needs no image and no network.
struct WorkloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workload", abstract: "The demo's own programs.", shouldDisplay: false,
        subcommands: [Web.self, Load.self, Flaky.self])

    /// Writes one JSON line to standard output at once.
    static func log(_ level: String, _ message: String, _ fields: [(String, JSON)] = []) {
        let time = CivilTime(nanosecondsSinceEpoch: SystemClock().nanoseconds).rfc3339(fractionDigits: 3)
        let line = JSON.object([("ts", .string(time)), ("level", .string(level)), ("msg", .string(message))] + fields)
        try? Output.write(line.bytes() + [0x0A])
    }

    /// `HOST:PORT`.
    static func listenAddress(_ text: String) throws -> (host: String, port: Int) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]) else {
            throw CommandFailure(message: "--listen is \"\(text)\", expected HOST:PORT", exitCode: 2)
        }
        return (String(text[..<colon]), port)
    }

    static func serve(_ listen: String, _ registry: MetricRegistry, _ handler: any HTTPHandler) async throws {
        let (host, port) = try listenAddress(listen)
        var logger = Logger(label: "workload")
        logger.logLevel = .error
        let server = try await HTTPServer.bind(.init(name: "workload", host: host, port: port), handler: handler, metrics: registry, logger: logger)
        log("info", "listening", [("address", .string("\(host):\(server.port)"))])
        let task = Task { try await server.run() }
        let signals = TerminationSignal.stream()
        for await name in signals {
            log("info", "stopping", [("signal", .string(name))])
            task.cancel()
            break
        }
        _ = await task.result
    }

    struct Web: AsyncParsableCommand {
        @Option(help: "HOST:PORT.") var listen: String

        func run() async throws {
            let registry = MetricRegistry()
            let percent = Int(Output.environment("FAILURE_PERCENT") ?? "") ?? 3
            let checkouts = registry.counter("shop_checkouts_total", "Checkouts that were tried.")
            let duration = registry.histogram("shop_request_duration_seconds", "Time to answer a request.")
            var router = HTTPRouter()
            router.on("GET", "/healthz") { _, _ in .text("ok\n") }
            router.on("GET", "/metrics") { request, _ in
                let format = TextFormat.negotiated(accept: request.fields["Accept"])
                return HTTPResponse(fields: ["Content-Type": format.contentType], body: .bytes(format.print(registry.collect())))
            }
            for path in ["/products", "/cart", "/checkout"] {
                router.on("GET POST", path) { request, _ in
                    let start = ContinuousClock.now
                    if path == "/checkout" { checkouts.increment() }
                    // The third fails for sure, so that who looks early finds a failure too.
                    let response = Web.answer(path, failurePercent: percent == 0 || checkouts.value != 3 ? percent : 100)
                    // Now and then a slow answer, so that a histogram has a tail.
                    if Int.random(in: 0..<100) == 0 { try? await Task.sleep(for: .milliseconds(Int.random(in: 100...400))) }
                    let took = ContinuousClock.now - start
                    duration.observe(took)
                    registry.counter("shop_requests_total", "Requests.", ["path": path, "code": "\(response.status)"]).increment()
                    let fields: [(String, JSON)] = [
                        ("path", .string(path)), ("status", JSON(response.status)), ("ms", .number((took.inSeconds * 100_000).rounded() / 100)),
                        ("request", .string(request.fields["X-Request-Id"] ?? "-")),
                    ]
                    if response.status >= 500 {
                        WorkloadCommand.log("error", "checkout failed: payment provider timed out", fields)
                    } else {
                        WorkloadCommand.log("info", "request", fields)
                    }
                    return response
                }
            }
            try await WorkloadCommand.serve(listen, registry, router)
        }

        static func answer(_ path: String, failurePercent: Int) -> HTTPResponse {
            if path == "/checkout", Int.random(in: 0..<100) < failurePercent { return .json(["error": "payment provider timed out"], status: 502) }
            return .json(["path": .string(path), "items": JSON(Int.random(in: 1...9))])
        }
    }

    struct Load: AsyncParsableCommand {
        @Option(help: "The service's address.") var target: String
        @Option(help: "Requests a second.") var rate: Int = 5

        func run() async throws {
            var client = HTTPClient()
            client.connectTimeout = .seconds(2)
            var count = 0
            var failures = 0
            let stop = StopFlag()
            let listener = Task {
                for await _ in TerminationSignal.stream() {
                    stop.raise()
                    break
                }
            }
            while !stop.isRaised {
                count += 1
                let path = ["/products", "/products", "/products", "/cart", "/checkout"][count % 5]
                do {
                    guard let address = HTTPAddress(target + path) else { throw CommandFailure(message: "--target is no address", exitCode: 2) }
                    let answer = try await client.send("GET", address, fields: ["X-Request-Id": "r\(count)"], timeout: .seconds(3))
                    if answer.status >= 500 {
                        failures += 1
                        WorkloadCommand.log("warn", "order lost", [("status", JSON(answer.status)), ("request", .string("r\(count)"))])
                    }
                } catch let error as ServingError {
                    failures += 1
                    WorkloadCommand.log("error", "no answer", [("error", .string("\(error)")), ("request", .string("r\(count)"))])
                }
                if count % (60 * rate) == 0 {
                    WorkloadCommand.log("info", "sent", [("requests", JSON(count)), ("failures", JSON(failures))])
                }
                try await Task.sleep(for: .milliseconds(1000 / max(1, rate)))
            }
            listener.cancel()
        }
    }

    struct Flaky: AsyncParsableCommand {
        @Option(help: "HOST:PORT.") var listen: String
        @Option(help: "When the health check starts to fail.") var failAfter: String

        func run() async throws {
            let limit = try TimeArgument.duration(failAfter, flag: "--fail-after")
            let start = ContinuousClock.now
            let handler = HTTPClosureHandler { _ in
                let age = ContinuousClock.now - start
                guard age > limit else { return .text("ok\n") }
                WorkloadCommand.log("error", "health check failed: connection pool exhausted", [("age_seconds", .number(age.inSeconds.rounded()))])
                return .text("connection pool exhausted\n", status: 500)
            }
            try await WorkloadCommand.serve(listen, MetricRegistry(), handler)
            // The last words, which `kubectl describe` shows.
            try? HostFileSystem().write("/dev/termination-log", Array("stopped after its health check had failed\n".utf8))
        }
    }
}
