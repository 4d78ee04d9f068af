import HTTP
import JSON
import LogQL
import Runtime
import Synchronization
import Telemetry
import Testing

@testable import QueryAPI

@Suite struct BoundedLogSourceTests {
    /// Reads that wait until they are let go, and how many there are.
    private final class Held: Sendable {
        let state = Mutex<(running: Int, most: Int, isOpen: Bool)>((0, 0, false))
        func open() { state.withLock { $0.isOpen = true } }

        func read() async throws {
            state.withLock { state in
                state.running += 1
                state.most = max(state.most, state.running)
            }
            while !state.withLock({ $0.isOpen }) { await Task.yield() }
            state.withLock { $0.running -= 1 }
        }
    }

    private struct HeldSource: LogSource {
        let held: Held
        let inner = MemoryLogSource([])

        func page(_ selection: LogSelection, direction: LogDirection, after cursor: LogCursor?, limit: Int) async throws -> LogPage {
            try await held.read()
            return try await inner.page(selection, direction: direction, after: cursor, limit: limit)
        }

        func scan<Partial: Sendable>(
            _ selection: LogSelection, into initial: @escaping @Sendable () -> Partial,
            _ fold: @escaping @Sendable (inout Partial, LogRows) throws -> Void
        ) async throws -> (partials: [Partial], statistics: LogStatistics) {
            try await held.read()
            return try await inner.scan(selection, into: initial, fold)
        }

        func counts(_ selection: LogSelection) async throws -> LogCounts? {
            try await held.read()
            return nil
        }
        func streams(_ matchers: [Matcher], in range: Range<Int64>) async throws -> [Labels] { [] }
    }

    @Test func `so many read, so many wait, and the next is told to come again, by each interface in its words`() async throws {
        let held = Held()
        let metrics = MetricRegistry()
        let source = BoundedLogSource(HeldSource(held: held), places: 2, queueLength: 3, metrics: metrics)
        var router = HTTPRouter()
        LogsAPI(source: source) { 0 }.register(on: &router)
        ElasticAPI(source: source, clock: SystemClock(), metrics: metrics).register(on: &router, under: "/elastic")
        let shared = router
        let refused = metrics.counter("binnacle_log_reads_refused_total", "")
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<5 { group.addTask { await shared.respond(to: HTTPRequest(path: "/api/logs/count")).status } }
            // Two read and three wait when one more is refused: no place is given back before they are let go.
            var answers: [HTTPResponse] = []
            while refused.value == 0 {
                group.addTask { await shared.respond(to: HTTPRequest(path: "/api/logs/count")).status }
                await Task.yield()
            }
            for path in ["/api/logs/count", "/elastic/_count"] { answers.append(await shared.respond(to: HTTPRequest(path: path))) }
            #expect(answers.map(\.status) == [429, 429])
            held.open()
            var statuses: [Int] = []
            for try await status in group { statuses.append(status) }
            #expect(statuses.count { $0 == 200 } == 5 && statuses.allSatisfy { $0 == 200 || $0 == 429 }, "\(statuses)")
        }
        #expect(held.state.withLock { $0.most } == 2)
        // All places are free again.
        for _ in 0..<6 { #expect(await shared.respond(to: HTTPRequest(path: "/api/logs/count")).status == 200) }
    }
}
