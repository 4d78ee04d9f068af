import LogQL
import Synchronization

/// What readers see: for each day the blocks in memory and the newest chunk of its file, changed together.
///
/// The writer publishes here; a query takes a snapshot and reads at leisure. Blocks are immutable and
/// chunks are only ever added, so a snapshot holds each record exactly once, whatever is flushed meanwhile.
final class LogView: Sendable {
    struct Day: Sendable {
        /// Acknowledged and not yet being flushed.
        var head: [LogBlock] = []
        /// Being flushed.
        var sealed: [LogBlock] = []
        var headBytes = 0
        var sealedBytes = 0
        var newestChunk: Int64 = 0
        var rawHeadBytes = 0
    }

    private struct State {
        var days: [Int: Day] = [:]
        var subscribers: [Int: TailBuffer] = [:]
        var nextSubscriber = 0
    }
    private let state = Mutex(State())

    func snapshot() -> [Int: Day] { state.withLock { $0.days } }

    /// The bytes of memory that blocks hold.
    var memoryBytes: Int { state.withLock { $0.days.values.reduce(0) { $0 + $1.headBytes + $1.sealedBytes } } }
    var blockCount: Int { state.withLock { $0.days.values.reduce(0) { $0 + $1.head.count + $1.sealed.count } } }

    func setNewestChunk(_ chunk: Int64, day: Int) { state.withLock { $0.days[day, default: Day()].newestChunk = chunk } }
    func forget(day: Int) { state.withLock { $0.days[day] = nil } }

    func publish(_ blocks: [(day: Int, block: LogBlock)]) {
        state.withLock { state in
            for (day, block) in blocks {
                state.days[day, default: Day()].head.append(block)
                state.days[day]?.headBytes += block.memoryBytes
                state.days[day]?.rawHeadBytes += block.text.bytes.count
            }
            guard !state.subscribers.isEmpty else { return }
            for subscriber in state.subscribers.values { for (_, block) in blocks { subscriber.offer(block) } }
        }
    }

    /// Moves a day's head to be flushed, with what an earlier flush that failed left; empty if there is nothing.
    func seal(_ day: Int) -> [LogBlock] {
        state.withLock { state in
            guard var entry = state.days[day] else { return [] }
            entry.sealed += entry.head
            entry.sealedBytes += entry.headBytes
            entry.head = []
            entry.headBytes = 0
            entry.rawHeadBytes = 0
            state.days[day] = entry
            return entry.sealed
        }
    }

    /// The day's sealed blocks are in its file, up to `chunk`.
    func flushed(_ day: Int, newestChunk: Int64) {
        state.withLock { state in
            state.days[day]?.sealed = []
            state.days[day]?.sealedBytes = 0
            state.days[day]?.newestChunk = newestChunk
        }
    }

    /// A snapshot, and a buffer that gets every block published after it.
    func subscribe(_ buffer: TailBuffer) -> (id: Int, snapshot: [Int: Day]) {
        state.withLock { state in
            state.nextSubscriber += 1
            state.subscribers[state.nextSubscriber] = buffer
            return (state.nextSubscriber, state.days)
        }
    }

    func unsubscribe(_ id: Int) { state.withLock { $0.subscribers[id] = nil } }
    var subscriberCount: Int { state.withLock { $0.subscribers.count } }

    /// Ends all subscriptions.
    func finish() {
        let subscribers = state.withLock { state in
            defer { state.subscribers = [:] }
            return state.subscribers.values.map { $0 }
        }
        for subscriber in subscribers { subscriber.finish() }
    }
}
