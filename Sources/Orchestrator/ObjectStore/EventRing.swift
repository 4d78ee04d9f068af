/// The newest changes in memory, so that a watch that reconnects is served without touching the disk.
/// Bounded by number and by bytes; older changes come from the file.
struct EventRing {
    private var events: [StoreEvent] = []
    private var start = 0
    private(set) var bytes = 0
    let countLimit: Int
    let byteLimit: Int
    /// Changes after this revision are all here.
    private(set) var floor: Int64

    init(floor: Int64, countLimit: Int, byteLimit: Int) {
        self.floor = floor
        self.countLimit = countLimit
        self.byteLimit = byteLimit
    }

    var count: Int { events.count - start }

    /// Revisions are consecutive: each change has the one after the last.
    mutating func append(_ event: StoreEvent) {
        events.append(event)
        bytes += event.object.value.count
        while count > countLimit || (bytes > byteLimit && count > 1) { dropFirst() }
    }

    /// Forgets changes up to `revision`.
    mutating func drop(to revision: Int64) {
        while count > 0, events[start].revision <= revision { dropFirst() }
        floor = max(floor, revision)
    }

    private mutating func dropFirst() {
        let first = events[start]
        bytes -= first.object.value.count
        floor = first.revision
        start += 1
        // Amortised: half of the array at least is gone before it is moved.
        if start > 64, start * 2 > events.count {
            events.removeFirst(start)
            start = 0
        }
    }

    /// The changes after `revision` under a prefix; nil if some of them are no longer here.
    func events(after revision: Int64, prefix: String) -> [StoreEvent]? {
        guard revision >= floor else { return nil }
        guard count > 0, revision < events[events.count - 1].revision else { return [] }
        let first = start + Int(max(0, revision + 1 - events[start].revision))
        return events[first...].filter { $0.object.key.hasPrefix(prefix) }
    }

    /// Whether something under the prefix changed after `revision`; nil if that is no longer known.
    func hasChange(after revision: Int64, prefix: String) -> Bool? {
        guard revision >= floor else { return nil }
        var position = events.count - 1
        while position >= start, events[position].revision > revision {
            if events[position].object.key.hasPrefix(prefix) { return true }
            position -= 1
        }
        return false
    }
}
