import Objects

/// What `kubectl logs` may ask for.
public struct LogOptions: Hashable, Sendable {
    public var follow = false
    /// Of the instance before the current one.
    public var previous = false
    public var timestamps = false
    /// Only the last lines; nil is all.
    public var tailLines: Int?
    /// Only lines not older than this. Nanoseconds since 1970.
    public var since: Int64?
    /// The answer ends after this many bytes.
    public var limitBytes: Int?

    public init(
        follow: Bool = false, previous: Bool = false, timestamps: Bool = false, tailLines: Int? = nil, since: Int64? = nil, limitBytes: Int? = nil
    ) {
        self.follow = follow
        self.previous = previous
        self.timestamps = timestamps
        self.tailLines = tailLines
        self.since = since
        self.limitBytes = limitBytes
    }
}
