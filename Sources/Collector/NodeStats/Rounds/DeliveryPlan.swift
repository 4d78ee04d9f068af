/// Which readings go to the store: all of them each `interval`, and those of a container in trouble each second for the
/// minute around it.
///
/// Times are in milliseconds.
struct DeliveryPlan {
    struct Decision: Equatable {
        /// All rows are delivered.
        var isRegular: Bool
        /// Rows that are delivered whether it is their time or not, with the moment after which their earlier readings are to
        /// be delivered first; that of this round if there are none.
        var bursts: [String: Int64] = [:]
    }

    let interval: Int64
    /// How long each second is kept after trouble; what came before it goes back to the last regular delivery.
    static let burst: Int64 = 45_000
    /// A share of time, in percent over ten seconds, in which some task waited.
    static let pressure = 10.0

    private var lastRegular: Int64?
    private var burstUntil: [String: Int64] = [:]

    init(interval: Int64) { self.interval = interval }

    mutating func decide(at due: Int64, troubled: [String]) -> Decision {
        // A clock that was set back must not end deliveries until it has caught up.
        let isRegular = lastRegular.map { due - $0 >= interval || due < $0 || due % interval == 0 } ?? true
        var decision = Decision(isRegular: isRegular)
        if interval > 1000 {
            burstUntil = burstUntil.filter { $0.value > due && $0.value - due <= DeliveryPlan.burst }
            for path in troubled {
                if burstUntil[path] == nil, let lastRegular, lastRegular < due { decision.bursts[path] = lastRegular }
                burstUntil[path] = due + DeliveryPlan.burst
            }
            for path in burstUntil.keys where decision.bursts[path] == nil { decision.bursts[path] = due }
        }
        if isRegular { lastRegular = due }
        return decision
    }

    /// Whether something happens in the cgroup that a reading each quarter of a minute would hide.
    static func isTroubled(_ sample: CgroupSample, previous: CgroupSample?) -> Bool {
        for pressure in [sample.cpuPressure, sample.memoryPressure, sample.ioPressure] {
            if let pressure, pressure.some.average10 >= DeliveryPlan.pressure { return true }
        }
        guard let previous else { return false }
        func grew(_ field: KeyPath<CgroupSample, UInt64?>) -> Bool {
            guard let now = sample[keyPath: field], let before = previous[keyPath: field] else { return false }
            return now > before
        }
        return grew(\.throttledPeriods) || grew(\.oomKills)
    }
}
