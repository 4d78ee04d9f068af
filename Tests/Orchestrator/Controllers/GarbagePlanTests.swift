import Testing

@testable import Controllers

@Suite struct GarbagePlanTests {
    @Test(arguments: [
        ([], false, GarbagePlan.Decision.keep),
        ([GarbagePlan.Owner.State.present], true, .keep),
        ([.gone], false, .delete(isForeground: false)),
        ([.gone, .present], false, .drop(["0"])),
        ([.present, .waitingForUs, .gone], true, .drop(["1", "2"])),
        ([.waitingForUs], true, .delete(isForeground: true)),
        ([.waitingForUs], false, .delete(isForeground: false)),
        ([.gone, .gone], true, .delete(isForeground: false)),
    ])
    func `an object lives as long as an owner does`(states: [GarbagePlan.Owner.State], hasDependents: Bool, expected: GarbagePlan.Decision) {
        let owners = states.enumerated().map { GarbagePlan.Owner(uid: "\($0)", state: $1) }
        #expect(GarbagePlan.decide(owners: owners, hasDependents: hasDependents) == expected)
    }
}
