/// Which back end the next connection goes to: each in turn, or the one that this client had before.
///
/// Pure: time is a duration since any fixed moment, handed in.
struct BackendChooser: Sendable {
    private(set) var backends: [Backend]
    private var affinity: Duration?
    private var next = 0
    private var clients: [String: (backend: Backend, seen: Duration)] = [:]
    /// Clients that affinity remembers at most; beyond it those not seen for longest are forgotten.
    let capacity: Int
    private(set) var forgotten = 0

    init(backends: [Backend], affinity: Duration?, capacity: Int = 10_000) {
        self.backends = backends
        self.affinity = affinity
        self.capacity = capacity
    }

    mutating func change(backends: [Backend], affinity: Duration?) {
        // The turn goes on where it was, so that a change of one back end does not favour the first.
        self.backends = backends
        self.affinity = affinity
        if affinity == nil { clients = [:] }
        let present = Set(backends)
        clients = clients.filter { present.contains($0.value.backend) }
    }

    /// The back end to try; nil if there is none. `retry` after a failed dial: the next in turn, whatever the client had.
    mutating func choose(client: String, now: Duration, isRetry: Bool = false) -> Backend? {
        guard !backends.isEmpty else { return nil }
        guard let affinity else { return inTurn() }
        if !isRetry, let known = clients[client], now - known.seen < affinity {
            clients[client]?.seen = now
            return known.backend
        }
        let backend = inTurn()
        if clients[client] == nil, clients.count >= capacity { forget(now: now, after: affinity) }
        clients[client] = (backend, now)
        return backend
    }

    var rememberedClients: Int { clients.count }

    private mutating func inTurn() -> Backend {
        if next >= backends.count { next = 0 }
        defer { next += 1 }
        return backends[next]
    }

    /// Expired clients go; if there are none, the older half.
    private mutating func forget(now: Duration, after affinity: Duration) {
        let before = clients.count
        clients = clients.filter { now - $0.value.seen < affinity }
        if clients.count == before {
            let middle = clients.values.map(\.seen).sorted()[before / 2]
            clients = clients.filter { $0.value.seen > middle }
        }
        forgotten += before - clients.count
    }
}
