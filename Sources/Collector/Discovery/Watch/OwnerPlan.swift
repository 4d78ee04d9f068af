import Runtime

/// Decides what an owner asks its runtime next: facts and the time in, a step out.
///
/// Times are durations since the owner began.
struct OwnerPlan: Sendable {
    struct Limits: Sendable {
        /// Known at once; a node rarely runs more than a few hundred.
        var containers = 10_000
        /// Cgroups of which nobody has told us yet, that are asked about.
        var unknown = 1024
        var inspectedAtOnce = 4
        /// All is listed again, in case an event was lost.
        var listEvery: Duration = .seconds(30)
        /// Without a stream of events the list is all that tells of changes.
        var listEveryWithoutEvents: Duration = .seconds(5)
        var reconnect = Backoff(first: .seconds(1), limit: .seconds(10))
        /// An id that the runtime did not know is asked about again after so long: what it answers now may be
        /// different when the container has been set up. The longest is the life of a negative answer.
        var unknownAgain = Backoff(first: .milliseconds(250), limit: .seconds(60))
        /// An id that no round has asked for in this time is forgotten.
        var forgetAfter: Duration = .seconds(120)
        init() {}
    }

    enum Step: Equatable, Sendable {
        case connect
        /// Open the stream of events.
        case watch
        case list
        case inspect([String])
        case wait(Duration)
    }

    private struct Unknown: Sendable {
        var backoff: Backoff
        var askAt: Duration
        var wantedAt: Duration
    }

    private enum Stream: Sendable { case closed(retryAt: Duration), open(since: Duration), unsupported }

    let limits: Limits
    private(set) var isConnected = false
    private var connectAt: Duration = .zero
    private var reconnect: Backoff
    private var listAt: Duration = .zero
    private var stream: Stream = .closed(retryAt: .zero)
    private var streamBackoff: Backoff
    /// Ids that have been inspected, with the text that the list had for them; empty where only an event told of them.
    private var known: [String: String] = [:]
    /// The texts of ids that the list has told of and that wait for their inspection.
    private var listed: [String: String] = [:]
    /// In the order in which they are inspected, each once.
    private var queue: [String] = []
    private var queued: Set<String> = []
    private var unknown: [String: Unknown] = [:]

    init(limits: Limits = Limits()) {
        self.limits = limits
        reconnect = limits.reconnect
        streamBackoff = limits.reconnect
    }

    var unknownCount: Int { unknown.count }
    var knownCount: Int { known.count }

    // MARK: What to do

    mutating func next(_ now: Duration) -> Step {
        guard isConnected else { return now >= connectAt ? .connect : .wait(connectAt - now) }
        if case .closed(let retryAt) = stream, now >= retryAt {
            stream = .open(since: now)
            // What happened before the stream was open, it does not tell.
            listAt = now
            return .watch
        }
        if now >= listAt {
            listAt = now + listInterval
            return .list
        }
        unknown = unknown.filter { now - $0.value.wantedAt < limits.forgetAfter }
        var soonest = listAt
        if case .closed(let retryAt) = stream { soonest = min(soonest, retryAt) }
        var due: [String] = []
        for (id, entry) in unknown where !queued.contains(id) {
            if entry.askAt <= now { due.append(id) } else { soonest = min(soonest, entry.askAt) }
        }
        for id in due.sorted() { enqueue(id) }
        guard queue.isEmpty else {
            let batch = Array(queue.prefix(limits.inspectedAtOnce))
            queue.removeFirst(batch.count)
            queued.subtract(batch)
            return .inspect(batch)
        }
        return .wait(soonest - now)
    }

    private var listInterval: Duration {
        if case .unsupported = stream { limits.listEveryWithoutEvents } else { limits.listEvery }
    }

    private mutating func enqueue(_ id: String) {
        if queued.insert(id).inserted { queue.append(id) }
    }

    // MARK: What happened

    mutating func connected(_ now: Duration) {
        isConnected = true
        reconnect.reset()
        listAt = now
        // Another version may answer now. A stream that is still open is not opened twice.
        if case .unsupported = stream { stream = .closed(retryAt: now) }
    }

    /// The runtime does not answer any more. What is known stays: its containers may well run on.
    mutating func failed(_ now: Duration) {
        isConnected = false
        connectAt = now + reconnect.next()
        queue = []
        queued = []
    }

    mutating func streamEnded(_ now: Duration, unsupported: Bool) {
        if case .open(let since) = stream, now - since > limits.reconnect.limit { streamBackoff.reset() }
        stream = unsupported ? .unsupported : .closed(retryAt: now + streamBackoff.next())
        if unsupported { listAt = min(listAt, now + listInterval) }
    }

    /// Gives the ids that have gone, and how many there was no room for.
    mutating func listed(_ list: [String: String]) -> (gone: [String], leftOut: Int) {
        let gone = known.keys.filter { list[$0] == nil }
        for id in gone { known[id] = nil }
        listed = [:]
        var leftOut = 0
        for (id, text) in list.sorted(by: { $0.key < $1.key }) where known[id] != text {
            if known[id] == "" {
                known[id] = text
            } else if known[id] != nil || known.count + listed.count < limits.containers {
                listed[id] = text
                enqueue(id)
            } else {
                leftOut += 1
            }
        }
        return (gone, leftOut)
    }

    /// False if so many changes wait that this one is left to the next list.
    mutating func changed(_ change: RuntimeChange, _ now: Duration) -> Bool {
        switch change {
        case .changed(let id):
            guard queue.count < limits.containers else { return false }
            enqueue(id)
        case .removed(let id):
            forget(id)
            if queued.remove(id) != nil { queue.removeAll { $0 == id } }
        case .everything: listAt = now
        }
        return true
    }

    enum Inspection: Sendable { case found, absent, failed }

    mutating func inspected(_ id: String, _ result: Inspection, _ now: Duration) {
        switch result {
        case .found:
            unknown[id] = nil
            let text = listed.removeValue(forKey: id)
            // A runtime could tell of ever new ids by events.
            if known[id] != nil || known.count < limits.containers { known[id] = text ?? known[id] ?? "" }
        case .absent, .failed:
            // After a failure the next list asks for it again.
            if result == .absent { forget(id) }
            if var entry = unknown[id] {
                entry.askAt = now + entry.backoff.next()
                unknown[id] = entry
            }
        }
    }

    private mutating func forget(_ id: String) {
        known[id] = nil
        listed[id] = nil
    }

    /// A round has met this id and nobody knows it. False if so many are unknown that this one is left out.
    mutating func wanted(_ id: String, _ now: Duration) -> (isNew: Bool, wasTaken: Bool) {
        if unknown[id] != nil {
            unknown[id]?.wantedAt = now
            return (false, true)
        }
        guard unknown.count < limits.unknown else { return (false, false) }
        unknown[id] = Unknown(backoff: limits.unknownAgain, askAt: now, wantedAt: now)
        return (true, true)
    }
}
