import HTTP
import Logging
import Runtime
import Serving

/// Starts a server on a free port for `body` and stops it afterwards.
func withTestServer<Result: Sendable>(
    handler: any HTTPHandler, metrics: MetricRegistry = MetricRegistry(), configure: (inout HTTPServer.Configuration) -> Void = { _ in },
    _ body: (Int) async throws -> Result
) async throws -> Result {
    var configuration = HTTPServer.Configuration(name: "test", host: "127.0.0.1", port: 0)
    configure(&configuration)
    let server = try await HTTPServer.bind(configuration, handler: handler, metrics: metrics, logger: Logger(label: "test"))
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.run() }
        let result = try await body(server.port)
        group.cancelAll()
        return result
    }
}
