import HTTP
import JSON
import NodeEndpoint
import NodeStats
import Testing

/// Codes and texts of cAdvisor's interface, as its clients know them.
@Suite struct CadvisorAPITests {
    private let fixture = Fixture()

    @Test(arguments: [
        ("/api", 400, "Supported API versions: v1.0,v1.1,v1.2,v1.3,v2.0,v2.1\n"), ("/api/", 400, "Supported API versions: v1.0,v1.1,v1.2,v1.3,v2.0,v2.1\n"),
        ("/api/v1.3", 400, "Supported request types: \"containers,docker,events,machine,subcontainers\"\n"),
        ("/api/v2.1/", 400, "Supported request types: \"appmetrics,attributes,events,machine,machinestats,ps,spec,stats,storage,summary,version\"\n"),
        ("/api/v3.0/stats", 500, "unsupported API version \"v3.0\"\n"), ("/api/v1.0/events", 500, "unknown request type \"events\"\n"),
        ("/api/v1.0/subcontainers", 500, "unknown request type \"subcontainers\"\n"),
        ("/api/v2.0/machinestats", 500, "unknown request type \"machinestats\"\n"),
        ("/api/v1.3/containers/nope", 500, "failed to get container \"/nope\" with error: unknown container \"/nope\"\n"),
        ("/api/v1.3/docker/nope", 500, "failed to get Docker container \"nope\" with error: unable to find container \"nope\" in \"docker\" namespace\n"),
        ("/api/v1.3/docker/a/b", 500, "unknown request for Docker container [a b]\n"), ("/api/v2.0/stats/nope", 500, "unknown container \"/nope\"\n"),
        ("/api/v2.0/stats?type=lxc", 500, "unknown 'type' \"lxc\"\n"), ("/api/v2.0/stats?count=x", 500, "failed to parse 'count' option: x\n"),
        ("/api/v2.0/stats?count=-2", 500, "invalid 'count' option: only -1 and larger values allowed, not -2\n"),
        ("/api/v2.0/stats?max_age=5", 500, "failed to parse 'max_age' option: time: invalid duration \"5\"\n"),
        ("/api/v2.0/stats/x?type=docker&recursive=true", 500, "invalid request for docker container \"/x\" with subcontainers\n"),
        ("/api/v2.1/stats/0?type=podman", 500, "unable to find container \"0\" in \"podman\" namespace\n"),
        ("/api/v2.0/storage?uuid=../../etc", 500, "cannot find device for file system UUID \"../../etc\"\n"), ("/api/v2.0/version", 200, "\"1.2.3\""),
        ("/api/v2.0/appmetrics/docker/0123456789abcdef", 200, "{\"/docker/0123456789abcdef\":{}}"), ("/api/v2.0/storage?label=none", 200, "[]"),
    ])
    func `a request gets its code and text`(target: String, status: Int, text: String) async {
        let answer = await fixture.get(target)
        #expect(answer.status == status && answer.text == text)
    }

    @Test func `containers are found by path, name, id and the beginning of an id`() async {
        for name in ["0123456789abcdef", "0123", Fixture.evilName] {
            let found = await fixture.router().respond(to: HTTPRequest(path: "/api/v1.3/docker/\(name.replacing("/", with: "%2F"))"))
            // A name with slashes is no single segment; the id and its beginning are.
            #expect(found.status == (name.contains("/") ? 500 : 200), "\(name)")
        }
        let all = await fixture.get("/api/v1.2/docker/").json
        #expect(all.members.keys == ["/docker/0123456789abcdef", "/kubepods/pod1/c1"])
        #expect(await fixture.get("/api/v2.1/stats/0123?type=docker").json.members.keys == ["/docker/0123456789abcdef"])
    }

    @Test func `subcontainers and recursion reach the whole tree, and no sibling with the same beginning`() async {
        let names = await fixture.get("/api/v1.1/subcontainers/kubepods", method: "POST").json.elements.compactMap { $0["name"].string }
        #expect(names == ["/kubepods", "/kubepods/pod1", "/kubepods/pod1/c1"])
        // The root is the machine in 2.1 and a container in 2.0.
        #expect(await fixture.get("/api/v2.1/stats?recursive=true").json.members.keys.count == 4)
        #expect(await fixture.get("/api/v2.0/stats?recursive=true&count=1").json.members.keys.count == 5)
        #expect(await fixture.get("/api/v2.1/stats?recursive=false").json.members.isEmpty)
        #expect(await fixture.get("/api/v2.0/spec/kubepods/../kubepods//pod1/").json.members.keys == ["/kubepods/pod1"])
    }

    @Test(arguments: [("-1", 600), ("0", 0), ("5", 5), ("", 64), ("100000", 600)])
    func `count is how many of the newest`(count: String, expected: Int) async {
        let stats = await fixture.get("/api/v2.0/stats/kubepods?count=\(count)").json["/kubepods"].elements
        #expect(stats.count == expected)
        if expected > 0 { #expect(stats.last?["timestamp"] == "2023-11-14T22:13:20.000000000Z") }
    }

    @Test func `version 1 takes its window from the body`() async {
        let body = #"{"num_stats":-1,"start":"2023-11-14T22:13:00Z","end":"2023-11-14T22:13:10Z"}"#
        #expect(await fixture.get("/api/v1.3/containers/", method: "POST", body: body).json["stats"].elements.count == 11)
        #expect(await fixture.get("/api/v1.3/containers/").json["stats"].elements.count == 60)
        for (body, problem) in [
            ("{", "it is no JSON"), ("[]", "it is array"), (#"{"num_stats":"x"}"#, "num_stats is string"), (#"{"start":"soon"}"#, "start is \"soon\""),
        ] {
            let answer = await fixture.get("/api/v1.3/containers/", method: "POST", body: body)
            #expect(answer.status == 500 && answer.text.hasPrefix("unable to decode the json value: ") && answer.text.contains(problem), "\(answer.text)")
        }
    }

    @Test func `documents hold what Go's decoder takes`() async throws {
        // No number beyond a signed integer of 64 bits, no exponent where a whole number is expected.
        for target in [
            "/api/v1.3/subcontainers/", "/api/v2.1/stats?recursive=true", "/api/v2.0/stats?recursive=true", "/stats/summary", "/api/v2.1/machinestats",
        ] {
            let text = await fixture.get(target).text
            #expect(!text.contains("e+") && !text.contains("null"), "\(target)")
            #expect((try? JSON.parse(text)) != nil)
        }
    }

    // MARK: Events

    private static func event(_ kind: ContainerEvent.Kind, _ path: String, second: Int64) -> ContainerEvent {
        var event = ContainerEvent(path: path, time: 1_700_000_000_000_000_000 + second * 1_000_000_000, kind: kind)
        (event.pid, event.processName, event.exitCode) = (12, "a\"b", 137)
        return event
    }
    private let events = FakeEvents([
        event(.containerCreation, "/kubepods/pod1/c1", second: 0), event(.oom, "/kubepods/pod1/c1", second: 1), event(.oomKill, "/kubepods/pod1/c1", second: 2),
        event(.containerDeletion, "/kubepods/pod1/c1", second: 3), event(.oomKill, "/kubepods/pod10", second: 4),
    ])

    @Test(arguments: [
        ("/api/v1.3/events", []), ("/api/v1.3/events?all_events=true", []), ("/api/v1.3/events?all_events=true&subcontainers=true", [0, 1, 2, 3, 4]),
        ("/api/v1.3/events/kubepods/pod1?all_events=1&subcontainers=1", [0, 1, 2, 3]), ("/api/v1.3/events/kubepods/pod1/c1?oom_events=true", [1]),
        ("/api/v2.0/events/kubepods/pod1/c1?oom_kill_events=true&creation_events=T", [0, 2]),
        ("/api/v2.1/events?all_events=true&subcontainers=true&max_events=2", [3, 4]),
        ("/api/v2.1/events?all_events=true&subcontainers=true&max_events=-1&start_time=2023-11-14T22:13:21Z&end_time=2023-11-14T22:13:22Z", [1, 2]),
        ("/api/v2.1/events?all_events=maybe&deletion_events=true&subcontainers=true&max_events=x", [3]),
    ])
    func `events are chosen by kind, place, time and number`(target: String, expected: [Int64]) async {
        let answer = await fixture.get(target, on: fixture.router(events: events))
        let seconds = answer.json.elements.map { ($0["timestamp"].string ?? "").dropLast(11).suffix(2) }.map { (Int64($0) ?? 0) - 20 }
        #expect(answer.status == 200 && seconds == expected)
    }

    @Test func `an event tells what happened`() async throws {
        let kill = await fixture.get("/api/v1.3/events/kubepods/pod1/c1?oom_kill_events=true", on: fixture.router(events: events)).json[0]
        #expect(kill["container_name"] == "/kubepods/pod1/c1" && kill["event_type"] == "oomKill")
        #expect(kill["event_data"]["oom"] == ["pid": 12, "process_name": "a\"b"])
        let end = await fixture.get("/api/v1.3/events/kubepods/pod1/c1?deletion_events=true", on: fixture.router(events: events)).json[0]
        #expect(end["event_data"] == ["container_deletion": ["exit_code": 137]])
    }

    @Test func `a stream sends each matching event as it happens`() async throws {
        let response = await fixture.router(events: events).respond(
            to: HTTPRequest(path: "/api/v1.3/events/kubepods", query: [("stream", "true"), ("all_events", "true"), ("subcontainers", "true")]))
        guard case .stream(let produce) = response.body else {
            Issue.record("no stream")
            return
        }
        let writer = CollectedBody()
        async let produced: Void = produce(writer)
        events.send(Self.event(.oom, "/docker/x", second: 1))
        events.send(Self.event(.oom, "/kubepods/a", second: 2))
        events.finish()
        try await produced
        let text = String(decoding: await writer.bytes, as: UTF8.self)
        #expect(text.split(separator: "\n").count == 1 && text.hasSuffix("}\n") && text.contains("/kubepods/a"))
    }
}
