import NodeStats
import Telemetry

extension NodeCollector: NodeReadings {
    /// Until the Collector has a ring: the newest round alone.
    public func snapshot(maximumAge: Duration?) async -> NodeSnapshot { await snapshot() }
    public func history(of path: String, from: Timestamp?, through: Timestamp?, limit: Int) async -> [NodeSnapshot.Row] {
        limit == 0 ? [] : await snapshot().rows.filter { $0.reference.cgroupPath == path }
    }
}
