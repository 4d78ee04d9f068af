import PromQL
import Runtime

/// Lets a bounded number of queries run and a bounded number wait, first come first served.
actor QueryGate {
    private let places: Int
    private let queueLength: Int
    private let refused: Counter
    private var running = 0
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(places: Int, queueLength: Int, refused: Counter) {
        self.places = places
        self.queueLength = queueLength
        self.refused = refused
    }

    /// Takes a place, or waits for one. Whoever enters must leave.
    func enter() async throws(QueryError) {
        if running < places {
            running += 1
            return
        }
        guard waiting.count < queueLength else {
            refused.increment()
            throw QueryError(.unavailable, "\(places) queries run and \(queueLength) wait already; try again in a moment")
        }
        // A caller that gives up meanwhile is let in like the others, and its query ends at once.
        await withCheckedContinuation { waiting.append($0) }
    }

    func leave() {
        // The place passes to the next in the queue, so `running` stays.
        if waiting.isEmpty { running -= 1 } else { waiting.removeFirst().resume() }
    }
}

/// Runs work under a limit of time.
enum Deadline {
    private enum Outcome: Sendable {
        case finished(Result<QueryResult, QueryError>)
        case timedOut
        case stopped
    }

    /// The work's outcome; a timeout error if it took longer. The work is cancelled then, and waited for.
    static func run(_ limit: Duration, _ work: @escaping @Sendable () async throws(QueryError) -> QueryResult) async -> Result<QueryResult, QueryError> {
        await withTaskGroup(of: Outcome.self) { group in
            group.addTask {
                do throws(QueryError) {
                    return .finished(.success(try await work()))
                } catch {
                    return .finished(.failure(error))
                }
            }
            group.addTask {
                do {
                    try await Task.sleep(for: limit)
                    return .timedOut
                } catch {
                    return .stopped
                }
            }
            var isLate = false
            while let outcome = await group.next() {
                switch outcome {
                case .finished(let result):
                    group.cancelAll()
                    // Work that finished in spite of the cancellation is still an answer.
                    if isLate, case .failure = result { return .failure(QueryError(.timeout, "query timed out in expression evaluation")) }
                    return result
                case .timedOut:
                    isLate = true
                    group.cancelAll()
                case .stopped: break
                }
            }
            return .failure(QueryError(.canceled, "query was canceled"))
        }
    }
}
