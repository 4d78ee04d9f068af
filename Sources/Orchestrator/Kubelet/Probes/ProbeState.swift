/// How one probe of one container instance stands: when it is due, and what enough equal outcomes in a row say.
///
/// A verdict changes only after `threshold` outcomes in a row say so; each change of outcome starts the count anew.
struct ProbeState: Hashable, Sendable {
    enum Verdict: Hashable, Sendable { case success, failure, unknown }

    let kind: ProbeKind
    let containerID: String
    private(set) var verdict: Verdict
    /// When to ask next. Nanoseconds since 1970.
    private(set) var due: Int64
    private let period: Int64
    private let successThreshold: Int
    private let failureThreshold: Int
    private var last: Verdict?
    private var run = 0

    /// - Parameters:
    ///   - started: when the container started; the initial delay counts from there.
    ///   - wasReady: what an earlier kubelet knew of readiness, so that a restart takes no pod out of service.
    init(_ kind: ProbeKind, _ spec: ProbeSpec, containerID: String, started: Int64, now: Int64, wasReady: Bool = false) {
        self.kind = kind
        self.containerID = containerID
        period = Int64(spec.periodSeconds) * .second
        successThreshold = spec.successThreshold
        failureThreshold = spec.failureThreshold
        due = max(now, started + Int64(spec.initialDelaySeconds) * .second)
        switch kind {
        case .liveness: verdict = .success
        case .readiness: verdict = wasReady ? .success : .failure
        case .startup: verdict = .unknown
        }
    }

    /// Notes that the probe is asked now: the next time is a period later, whatever the answer takes.
    mutating func begin(now: Int64) {
        due += period
        // After a pause (a stopped machine, a long timeout) there is nothing to catch up with.
        if due <= now { due = now + period }
    }

    /// Returns the new verdict if this outcome changed it.
    mutating func record(success: Bool) -> Verdict? {
        let outcome: Verdict = success ? .success : .failure
        if outcome == last { run += 1 } else { (last, run) = (outcome, 1) }
        guard run >= (success ? successThreshold : failureThreshold), outcome != verdict else { return nil }
        verdict = outcome
        return verdict
    }
}
