import Synchronization
import Telemetry

/// A series as a sender knows it: its labels, and the number that the store gave it.
///
/// Who sends a series again and again keeps the object: the store then finds its place without looking at the
/// labels. One that was made anew each time is looked up by its labels, which costs about a microsecond.
public final class SeriesIdentity: Sendable {
    public let labels: Labels
    /// The store's serial number in the high half, the series' number plus one in the low half; 0 if it is not known.
    let resolved = Atomic<UInt64>(0)

    public init(_ labels: Labels) { self.labels = labels }
}
