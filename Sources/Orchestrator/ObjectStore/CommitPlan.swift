/// Which of a batch's writes are accepted, and as which changes. Pure: the store's state comes in by a closure.
struct CommitPlan {
    private(set) var revision: Int64
    let nowMilliseconds: Int64
    private(set) var events: [StoreEvent] = []
    /// What the batch's own earlier writes left: nil for deleted.
    private var overlay: [String: StoredObject?] = [:]

    init(revision: Int64, nowMilliseconds: Int64) {
        self.revision = revision
        self.nowMilliseconds = nowMilliseconds
    }

    /// Takes one write in; its result holds once the batch is committed.
    mutating func add(_ write: StoreWrite, stored: (String) -> StoredObject?) -> Result<StoredObject, StoreError> {
        let current = overlay[write.key] ?? stored(write.key)
        let isExpected =
            switch write.expected {
            case .absent: current == nil
            case .revision(let revision): current?.modRevision == revision
            }
        guard isExpected else { return .failure(.conflict(current: current)) }
        let next = revision + 1
        let event: StoreEvent
        if let value = write.value {
            let expires = write.timeToLive.map { nowMilliseconds + $0.components.seconds * 1000 }
            let object = StoredObject(
                key: write.key, value: value, createRevision: current?.createRevision ?? next, modRevision: next, expires: expires)
            event = StoreEvent(revision: next, isDeletion: false, object: object, previous: current)
            overlay[write.key] = .some(object)
        } else if let current {
            event = StoreEvent(revision: next, isDeletion: true, object: current.deleted(at: next), previous: current)
            overlay[write.key] = .some(nil)
        } else {
            // Deleting what must not be there: nothing to do and nothing to tell.
            return .failure(.conflict(current: nil))
        }
        if let attachment = write.attachment { event.object.attach(attachment(next)) }
        revision = next
        events.append(event)
        return .success(event.object)
    }
}
