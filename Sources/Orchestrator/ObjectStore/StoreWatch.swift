import Synchronization

/// A stream of changes under one prefix. For one consumer at a time; ends when it is dropped.
///
/// The buffer between the store and the consumer is bounded: a consumer that falls too far behind gets
/// `StoreError.slowWatcher` after the changes that it still can have, so it never misses one unknowingly.
public final class StoreWatch: Sendable {
    public enum Item: Sendable {
        case event(StoreEvent)
        /// The answer to `requestProgress`: all changes up to this revision have been told.
        case progress(Int64)
    }

    let channel: WatchChannel
    private let askProgress: @Sendable (WatchChannel) -> Void
    private let onEnd: @Sendable (WatchChannel) -> Void

    init(
        channel: WatchChannel, askProgress: @escaping @Sendable (WatchChannel) -> Void,
        onEnd: @escaping @Sendable (WatchChannel) -> Void
    ) {
        self.channel = channel
        self.askProgress = askProgress
        self.onEnd = onEnd
    }

    deinit { onEnd(channel) }

    /// What came since the last call, at least one item; nil once the watch was finished or the task cancelled.
    public func next() async throws(StoreError) -> [Item]? {
        let outcome = await withTaskCancellationHandler {
            await channel.next()
        } onCancel: {
            channel.end(nil)
        }
        return try outcome.get()
    }

    /// Puts a `.progress` into the stream, behind the changes that are already in it.
    public func requestProgress() { askProgress(channel) }

    /// Ends the stream once the items that are in it have been taken.
    public func finish() {
        onEnd(channel)
        channel.end(nil)
    }
}

/// The bounded queue behind a watch.
final class WatchChannel: Sendable {
    typealias Outcome = Result<[StoreWatch.Item]?, StoreError>
    private struct State {
        var items: [StoreWatch.Item] = []
        /// Set at the end: what `next` says once `items` are taken.
        var end: Outcome?
        var waiter: CheckedContinuation<Outcome, Never>?
    }

    let prefix: String
    /// How many items may wait.
    let limit: Int
    private let state: Mutex<State>

    /// - Parameter backlog: changes that happened before; they do not count against the bound.
    init(prefix: String, backlog: [StoreEvent], bound: Int) {
        self.prefix = prefix
        limit = bound + backlog.count
        state = Mutex(State(items: backlog.map { .event($0) }))
    }

    /// False once the channel is over, so that the store drops it: it ended, or this item was one too many.
    func push(_ item: StoreWatch.Item) -> PushResult {
        let (waiter, result): (CheckedContinuation<Outcome, Never>?, PushResult) = state.withLock { state in
            guard state.end == nil else { return (nil, .ended) }
            if let waiter = state.waiter {
                state.waiter = nil
                return (waiter, .taken)
            }
            guard state.items.count < limit else {
                state.end = .failure(.slowWatcher(limit: limit))
                return (nil, .overflowed)
            }
            state.items.append(item)
            return (nil, .taken)
        }
        waiter?.resume(returning: .success([item]))
        return result
    }

    enum PushResult { case taken, ended, overflowed }

    func end(_ error: StoreError?) {
        let outcome: Outcome = error.map { .failure($0) } ?? .success(nil)
        let waiter = state.withLock { state in
            if state.end == nil { state.end = outcome }
            let waiter = state.waiter
            state.waiter = nil
            return waiter
        }
        waiter?.resume(returning: outcome)
    }

    func next() async -> Outcome {
        await withCheckedContinuation { continuation in
            let ready: Outcome? = state.withLock { state in
                if !state.items.isEmpty {
                    let items = state.items
                    state.items = []
                    return .success(items)
                }
                if let end = state.end { return end }
                precondition(state.waiter == nil, "a watch has one consumer")
                state.waiter = continuation
                return nil
            }
            if let ready { continuation.resume(returning: ready) }
        }
    }
}
