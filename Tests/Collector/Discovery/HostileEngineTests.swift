import NodeStats
import Runtime
import TestKit
import Testing

@testable import Discovery

/// Engines that hang, lie, flood and break off. The round never waits, memory stays bounded, each failure is counted.
@Suite(.timeLimit(.minutes(1))) struct HostileEngineTests {
    typealias Setup = EngineOwnerTests.Setup

    /// After the attack the engine behaves, and the owner must find its way back.
    private func attack(
        _ setup: Setup, at path: String, _ reply: FakeEngine.Reply, reason: DiscoveryError.Reason, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let id = EngineOwnerTests.id
        setup.engine.set("/containers/json", .json(#"[{"Id":"\#(id)","State":"running"}]"#))
        setup.show(EngineFixtures.docker20)
        setup.engine.set(path, reply)
        try await setup.running { setup in
            try await soon(sourceLocation) { setup.errors(reason) >= 1 }
            // A round's question is answered at once all the while.
            let start = ContinuousClock.now
            for _ in 0..<1000 { _ = setup.reference() }
            #expect(ContinuousClock.now - start < .seconds(1), sourceLocation: sourceLocation)
            #expect(!setup.owner.status.problem.isEmpty || setup.owner.status.state == .connected, sourceLocation: sourceLocation)
            switch path {
            case "/_ping": setup.engine.set(path, .json("OK"))
            case "/version": setup.engine.set(path, .json(#"{"Version":"1"}"#))
            case "/containers/json": setup.engine.set(path, .json(#"[{"Id":"\#(id)","State":"running"}]"#))
            case "/events": setup.engine.set(path, .stream)
            default: setup.show(EngineFixtures.docker20)
            }
            try await soon(sourceLocation) { setup.reference()?.name == "web" }
        }
    }

    @Test(arguments: ["/_ping", "/version", "/containers/json"]) func `a request that hangs is given up`(path: String) async throws {
        try await attack(Setup(timeout: .milliseconds(200)), at: path, .silence, reason: .timeout)
    }

    @Test(arguments: ["/version", "/containers/json"]) func `an answer without end is cut off at its bound`(path: String) async throws {
        let piece = String(repeating: "[", count: 64 << 10)
        try await attack(Setup(bounds: { ($0.listBytes, $0.inspectBytes) = (1 << 20, 1 << 20) }), at: path, .endless(piece), reason: .tooLarge)
    }

    @Test func `an inspection without end costs one container, not the owner`() async throws {
        try await attack(
            Setup(bounds: { $0.inspectBytes = 100_000 }, limits: { $0.listEvery = .milliseconds(100) }), at: "/containers/\(EngineOwnerTests.id)/json",
            .endless(String(repeating: " ", count: 10_000)), reason: .tooLarge)
    }

    @Test func `an event without end breaks the stream, which is opened again`() async throws {
        let setup = Setup(bounds: { $0.eventBytes = 10_000 })
        try await attack(setup, at: "/events", .endless(String(repeating: "x", count: 5000)), reason: .tooLarge)
    }

    @Test(arguments: [
        "", "HTTP/9.9 what\r\n\r\n", "\u{16}\u{3}\u{1}", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        "SSH-2.0-x\r\n",
    ])
    func `what is no HTTP is counted as broken`(text: String) async throws {
        try await attack(Setup(), at: "/containers/json", .raw(text), reason: .broken)
    }

    @Test(arguments: ["{}", "7", "\"x\"", "[", "", "[1,2"]) func `a list that is none is malformed`(text: String) async throws {
        try await attack(Setup(), at: "/containers/json", .json(text), reason: .malformed)
    }

    @Test(arguments: [400, 403, 500, 503]) func `a status of failure is counted as refused`(status: Int) async throws {
        try await attack(Setup(), at: "/containers/json", .status(status), reason: .refused)
    }

    @Test func `a document nested beyond all measure is malformed`() async throws {
        try await attack(
            Setup(limits: { $0.listEvery = .milliseconds(100) }), at: "/containers/\(EngineOwnerTests.id)/json",
            .json(String(repeating: "[", count: 100_000)), reason: .malformed)
    }

    @Test func `somebody else's container in the answer is refused`() async throws {
        try await attack(
            Setup(limits: { $0.listEvery = .milliseconds(100) }), at: "/containers/\(EngineOwnerTests.id)/json",
            .json(EngineFixtures.docker20.replacing(EngineOwnerTests.id, with: CgroupIdentityTests.other)), reason: .malformed)
    }

    @Test(arguments: [
        #"{"Id":"ID","State":{"Running":true,"Pid":"many","StartedAt":7,"Health":[]},"Name":{},"Config":{"Labels":[1],"Env":{"a":1},"Image":false},"HostConfig":3,"RestartCount":-1,"GraphDriver":"x","LogPath":12}"#,
        #"{"Id":"ID","State":{"Running":true,"Pid":99999999999999,"StartedAt":"9999-99-99T99:99:99Z"},"Created":"0001-01-01T00:00:00Z","HostConfig":{"NanoCpus":-5,"CpuQuota":9223372036854775807,"CpuPeriod":0,"Memory":-1},"RestartCount":1e300}"#,
        #"{"Id":"ID","State":{"Running":true},"LogPath":"relative","GraphDriver":{"Data":{"UpperDir":"../../etc"}}}"#,
    ])
    func `members of wrong types are as good as missing`(text: String) async throws {
        let setup = Setup(labels: AllowList(["*"]), environment: AllowList(["*"]))
        setup.engine.set("/containers/json", .json(#"[{"Id":"\#(EngineOwnerTests.id)","State":"running"}, 5, null, {"Id":7}, {"Id":"../../x"}]"#))
        setup.show(text.replacing("ID", with: EngineOwnerTests.id))
        try await setup.running { setup in
            try await soon { setup.reference() != nil }
            let reference = try #require(setup.reference())
            #expect(reference.networkPID == 0 && reference.started == 0 && reference.logDirectory == "" && reference.writableLayer == "")
            #expect(reference.restarts == 0 && reference.memoryLimit == nil)
        }
    }

    @Test func `names and labels beyond measure are cut, and an engine of a million containers is left at the bound`() async throws {
        let setup = Setup(labels: AllowList(["*"]), limits: { $0.containers = 50 })
        let ids = (0..<2000).map { number -> String in
            let text = String(number, radix: 16)
            return String(repeating: "0", count: 64 - text.utf8.count) + text
        }
        setup.engine.set("/containers/json", .json("[" + ids.map { #"{"Id":"\#($0)","State":"running"}"# }.joined(separator: ",") + "]"))
        let long = String(repeating: "n", count: 100_000)
        for id in ids {
            setup.show(id, #"{"Id":"\#(id)","State":{"Running":true},"Name":"/\#(long)","Config":{"Labels":{"a":"\#(long)"}}}"#)
        }
        try await setup.running { setup in
            try await soon { setup.owner.status.containers == 50 }
            #expect(setup.metrics.counter("binnacle_discovery_dropped_total", "", ["owner": "docker", "what": "container"]).value >= 1950)
            let reference = try #require(setup.reference("/docker/\(ids[0])"))
            #expect(reference.name.utf8.count == 256)
            #expect(reference.containerLabels.first?.value.utf8.count == AllowList.valueLimit)
        }
    }

    @Test func `a million unknown cgroups are a thousand questions at most`() async throws {
        let setup = Setup(limits: {
            $0.unknown = 20
            $0.unknownAgain = Backoff(first: .seconds(60), limit: .seconds(60))
        })
        try await setup.running { setup in
            try await soon { setup.owner.status.state == .connected }
            for number in 0..<10_000 {
                let text = String(number, radix: 16)
                let id = String(repeating: "0", count: 64 - text.utf8.count) + text
                #expect(setup.reference("/docker/\(id)") == nil)
            }
            #expect(setup.owner.status.unknown == 20)
            #expect(setup.metrics.counter("binnacle_discovery_dropped_total", "", ["owner": "docker", "what": "unknown_cgroup"]).value == 9980)
        }
    }

    @Test func `an event that is no JSON ends the stream and nothing else`() async throws {
        let setup = Setup()
        setup.engine.set("/containers/json", .json(#"[{"Id":"\#(EngineOwnerTests.id)","State":"running"}]"#))
        setup.show(EngineFixtures.docker20)
        try await setup.running { setup in
            try await soon { setup.engine.openStreams == 1 && setup.reference() != nil }
            setup.engine.push("\n\n{\"Type\":\"image\"}\n7\n{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{\"ID\":\"../x\"}}\n")
            setup.engine.push("not json\n")
            try await soon { setup.errors(.malformed) == 1 && setup.engine.requests("/events") >= 2 }
            #expect(setup.reference()?.name == "web")
            #expect(setup.owner.status.state == .connected)
        }
    }
}
