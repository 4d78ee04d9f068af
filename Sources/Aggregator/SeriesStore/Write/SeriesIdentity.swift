import Synchronization
import Telemetry

/// A series as a sender knows it: its labels, and the number that the store gave it.
///
/// Who sends a series again and again keeps the object: the store then finds its place without looking at the
/// labels. One that was made anew each time is looked up by its labels, which costs about a microsecond.
public final class SeriesIdentity: Sendable {
    public let labels: Labels
    /// The store's epoch in the high half, the series' number plus one in the low half; 0 if it is not known.
    private let resolved = Atomic<UInt64>(0)

    public init(_ labels: Labels) { self.labels = labels }

    /// The number that was noted in this epoch of this store.
    @inline(__always)
    func id(_ epoch: UInt32) -> SeriesID? {
        let value = resolved.load(ordering: .relaxed)
        guard UInt32(value >> 32) == epoch else { return nil }
        return SeriesID(truncatingIfNeeded: value) &- 1
    }

    func note(_ id: SeriesID, _ epoch: UInt32) { resolved.store(UInt64(epoch) << 32 | UInt64(id + 1), ordering: .relaxed) }

    private static let epochs = Atomic<UInt32>(0)
    /// An epoch that no store had before: numbers noted in others are not believed.
    static func nextEpoch() -> UInt32 { epochs.wrappingAdd(1, ordering: .relaxed).newValue }
}
