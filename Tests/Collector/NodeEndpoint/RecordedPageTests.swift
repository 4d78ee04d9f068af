import JSON
import Testing

/// Whole pages of recorded machines, to the letter: whatever changes in a name, a label, a unit or a formula is a diff.
@Suite struct RecordedPageTests {
    static let machines = ["v1", "v2", "hybrid", "v2-linux61"]

    @Test(arguments: machines) func `the containers' page`(machine: String) async throws {
        let answer = await (try RecordedMachine(machine)).get("/metrics/cadvisor")
        #expect(answer.status == 200)
        try Golden.expect(text: answer.text, "recorded-\(machine).cadvisor.prom")
    }

    /// Prometheus keeps one of two samples of a series and complains.
    @Test(arguments: machines, ["/metrics/cadvisor", "/metrics/resource", "/metrics/node"])
    func `no series is on a page twice`(machine: String, page: String) async throws {
        var seen: Set<Substring> = []
        for line in await (try RecordedMachine(machine)).get(page).text.split(separator: "\n") where !line.hasPrefix("#") {
            // What follows the labels is a number and perhaps a time.
            let name = line.lastIndex(of: "}").map { line[...$0] } ?? line.prefix { $0 != " " }
            #expect(seen.insert(name).inserted, "\(name)")
        }
        #expect(seen.count > 5)
    }

    @Test(arguments: machines) func `the resources' page`(machine: String) async throws {
        try Golden.expect(text: await (try RecordedMachine(machine)).get("/metrics/resource").text, "recorded-\(machine).resource.prom")
    }

    @Test(arguments: machines) func `the summary`(machine: String) async throws {
        try Golden.expect(await (try RecordedMachine(machine)).get("/stats/summary").json, "recorded-\(machine).summary")
    }

    /// OpenMetrics says the same with other words: names without `_total` in the headings, seconds for times, an end mark.
    @Test func `the containers' page as OpenMetrics`() async throws {
        let machine = try await RecordedMachine("v2-linux61")
        let (plain, open) = (await machine.get("/metrics/cadvisor").text, await machine.get("/metrics/cadvisor", accept: "application/openmetrics-text").text)
        #expect(open.hasSuffix("# EOF\n"))
        func samples(_ page: String) -> [Substring] { page.split(separator: "\n").filter { !$0.hasPrefix("#") } }
        #expect(samples(plain).count == samples(open).count)
        for (a, b) in zip(samples(plain), samples(open)) {
            let (left, right) = (a.split(separator: "}"), b.split(separator: "}"))
            guard left.count > 1, let name = left[0].split(separator: "{").first else { continue }
            // A counter has the ending that cAdvisor has forgotten.
            let forgotten = left[0].replacing("\(name){", with: "\(name)_total{", maxReplacements: 1)
            #expect(right[0] == left[0] || (name.hasSuffix("_failcnt") && right[0] == forgotten))
        }
    }
}
