import Telemetry

/// What is remembered of a group between evaluations.
public struct RuleGroupState: Sendable {
    public struct RuleState: Sendable {
        public enum Health: String, Sendable { case unknown, ok, err }
        public var health = Health.unknown
        /// Of the last evaluation; empty if it went well.
        public var lastError = ""
        public var lastEvaluation: Timestamp?
        public var evaluationTime = Duration.zero
        /// Of an alert.
        public var alerts = AlertStates()
        /// Series that the last evaluation wrote: those that are missing from the next get a stale marker.
        var written: Set<Labels> = []

        public init() {}
    }

    public let group: RuleGroup
    public internal(set) var rules: [RuleState]
    public internal(set) var lastEvaluation: Timestamp?
    public internal(set) var evaluationTime = Duration.zero
    /// Evaluations that were skipped because the one before took too long.
    public internal(set) var missed: UInt64 = 0
    var wasRestored = false

    public init(group: RuleGroup) {
        self.group = group
        rules = group.rules.map { _ in RuleState() }
    }

    /// Takes over what an earlier state of a group of the same name and file knows of rules that have stayed the same.
    mutating func inherit(_ earlier: RuleGroupState) {
        var taken: Set<Int> = []
        for (position, rule) in group.rules.enumerated() {
            guard let match = earlier.group.rules.indices.first(where: { !taken.contains($0) && earlier.group.rules[$0] == rule }) else { continue }
            taken.insert(match)
            rules[position] = earlier.rules[match]
        }
        wasRestored = earlier.wasRestored
        (lastEvaluation, evaluationTime, missed) = (earlier.lastEvaluation, earlier.evaluationTime, earlier.missed)
    }

    /// Series that earlier rules wrote and nobody writes any more.
    func abandoned(by later: RuleGroupState?) -> Set<Labels> {
        let kept = (later?.rules ?? []).reduce(into: Set<Labels>()) { $0.formUnion($1.written) }
        return rules.reduce(into: Set<Labels>()) { $0.formUnion($1.written) }.subtracting(kept)
    }
}
