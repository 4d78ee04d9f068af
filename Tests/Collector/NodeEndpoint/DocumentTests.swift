import HTTP
import JSON
import NodeEndpoint
import Testing

/// The whole documents of one recorded node, field by field.
@Suite struct DocumentTests {
    private let fixture = Fixture()

    @Test(arguments: [
        ("summary", "/stats/summary"), ("summary-reduced", "/stats/summary?only_cpu_and_memory=true"), ("machine", "/api/v1.3/machine"),
        ("attributes", "/api/v2.1/attributes"), ("stats-v2.0", "/api/v2.0/stats/kubepods/pod1/c1?count=1"),
        ("stats-v2.1", "/api/v2.1/stats/docker/0123456789abcdef?count=1"), ("machinestats", "/api/v2.1/machinestats?count=1"),
        ("spec-v2", "/api/v2.0/spec/docker/0123456789abcdef"), ("derived", "/api/v2.0/summary/kubepods/pod1/c1"), ("storage", "/api/v2.0/storage"),
        ("status", "/status.json?points=3&sort=name"),
    ])
    func `a document is as it was recorded`(name: String, target: String) async throws {
        let answer = await fixture.get(target)
        #expect(answer.status == 200 && answer.fields["Content-Type"] == "application/json")
        try Golden.expect(answer.json, name)
    }

    @Test func `a container of version 1 is whole`() async throws {
        let answer = await fixture.get("/api/v1.3/containers/kubepods/pod1/c1", method: "POST", body: #"{"num_stats":1}"#)
        try Golden.expect(answer.json, "container-v1")
        let pod = await fixture.get("/api/v1.3/containers/kubepods/pod1", body: #"{"num_stats":1}"#)
        try Golden.expect(pod.json, "pod-v1")
    }

    @Test func `rates are half a core, percentiles those of a line`() async {
        let derived = await fixture.get("/api/v2.1/summary/kubepods/pod1/c1").json["/kubepods/pod1/c1"]
        #expect(derived["latest_usage"]["cpu"] == 500)
        #expect(derived["minute_usage"]["percent_complete"] == 100 && derived["hour_usage"]["percent_complete"] == 16)
        #expect(derived["minute_usage"]["cpu"]["ninetyfive"] == 500 && derived["minute_usage"]["cpu"]["present"] == true)
        // Memory rises by a page a second: working set is usage less 1016 bytes of inactive file pages.
        #expect(derived["minute_usage"]["memory"]["max"].int == 10_000_000 - 1016)
        let stats = await fixture.get("/api/v2.1/stats/kubepods/pod1/c1?count=2").json["/kubepods/pod1/c1"]["stats"]
        #expect(stats.elements.count == 2 && stats[0]["cpu_inst"]["usage"]["total"] == 500_000_000)
    }
}
