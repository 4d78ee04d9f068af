import JSON
import Testing

@testable import Kubelet

struct ProbeStateTests {
    static func spec(_ members: JSON = [:]) -> ProbeSpec {
        var probe = members
        probe["tcpSocket"] = ["port": 80]
        return ProbeSpec(probe)
    }

    @Test(arguments: [
        // kind, failureThreshold, successThreshold, outcomes, verdict after each (capital: it changed)
        (ProbeKind.liveness, 3, 1, "SFFSFFF", "ssssssF"),
        (.liveness, 1, 1, "SF", "sF"),
        (.readiness, 3, 1, "FFFS", "fffS"),
        (.readiness, 3, 2, "SFSSFFF", "fffSssF"),
        (.readiness, 1, 1, "SFSF", "SFSF"),
        (.startup, 3, 1, "FFS", "uuS"),
        (.startup, 3, 1, "FFFS", "uuFS"),
    ])
    func `a verdict needs enough equal outcomes in a row`(kind: ProbeKind, failures: Int, successes: Int, outcomes: String, expected: String) {
        let spec = Self.spec(["failureThreshold": JSON(failures), "successThreshold": JSON(successes)])
        var state = ProbeState(kind, spec, containerID: "c", started: 0, now: 0)
        var seen = ""
        for outcome in outcomes {
            let changed = state.record(success: outcome == "S") != nil
            let letter = state.verdict == .success ? "s" : state.verdict == .failure ? "f" : "u"
            seen += changed ? letter.uppercased() : letter
        }
        #expect(seen == expected)
    }

    @Test(
        arguments: [
            // initialDelay, started, now, due (seconds)
            (0, 100, 100, 100), (5, 100, 100, 105), (5, 100, 200, 200),
        ] as [(Int, Int64, Int64, Int64)])
    func `the initial delay counts from the container's start`(delay: Int, started: Int64, now: Int64, due: Int64) {
        let spec = Self.spec(["initialDelaySeconds": JSON(delay)])
        let state = ProbeState(.liveness, spec, containerID: "c", started: started * .second, now: now * .second)
        #expect(state.due == due * .second)
    }

    @Test func `the period holds, and nothing is caught up with`() {
        var state = ProbeState(.liveness, Self.spec(["periodSeconds": 3]), containerID: "c", started: 0, now: 0)
        state.begin(now: 1)
        #expect(state.due == 3 * .second)
        state.begin(now: 100 * .second)
        #expect(state.due == 103 * .second)
    }

    @Test func `a kubelet that comes back keeps a ready container ready`() {
        let state = ProbeState(.readiness, Self.spec(), containerID: "c", started: 0, now: 0, wasReady: true)
        #expect(state.verdict == .success)
    }
}
