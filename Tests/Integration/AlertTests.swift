import Glibc
import JSON
import Runtime
import TestKit
import Testing

/// Rules and alerts of a running `binnacle aggregate`: files, reloads, and those who are told.
@Suite(.serialized, .timeLimit(.minutes(5))) struct AlertTests {
    private static let rules = """
        groups:
        - name: g
          interval: 1s
          rules:
          - {record: 'twice', expr: 'level * 2'}
          - {alert: High, expr: 'twice > 10', labels: {severity: page}, annotations: {summary: '{{ $labels.host }} is at {{ $value }}'}}

        """

    private func start(_ rules: String, _ policy: String, in directory: TemporaryDirectory, _ more: [String] = []) async throws -> Aggregate {
        try HostFileSystem().write(directory.file("rules.yml"), Array(rules.utf8))
        try HostFileSystem().write(directory.file("notify.yml"), Array(policy.utf8))
        return try await Aggregate.start(["--rules", directory.file("rules*.yml"), "--notify", directory.file("notify.yml")] + more, directory: directory)
    }

    private func set(_ level: Int, _ aggregate: Aggregate) async throws {
        #expect(try await aggregate.post("/api/v1/import/prometheus", "level{host=\"a\"} \(level)\n") == "204")
    }

    private func get(_ url: String) async throws -> JSON { try JSON.parse(try await Program.run(["curl", "-sS", "-m", "10", "-g", url]).output) }

    @Test func `a rule records, an alert fires, is shown, and a program is told of its begin and end`() async throws {
        let directory = TemporaryDirectory("alerts")
        let policy = """
            external_labels: {cluster: home}
            route: {receiver: ops, group_by: [alertname], group_wait: 0s, group_interval: 1s}
            receivers: [{name: ops, command_configs: [{command: [/bin/sh, -c, 'cat >> \(directory.file("told")); echo >> \(directory.file("told"))']}]}]

            """
        let aggregate = try await start(Self.rules, policy, in: directory)
        try await set(7, aggregate)
        #expect(try await eventually(within: 20) { try await aggregate.query("ALERTS{alertstate=\"firing\"}")[0]["metric"]["alertname"] == "High" })
        #expect(try await aggregate.query("twice")[0]["value"][1] == "14")
        let alert = try await get("\(aggregate.queries)/api/v1/alerts")["data"]["alerts"][0]
        #expect(alert["annotations"]["summary"] == "a is at 14")
        let groups = try await get("\(aggregate.queries)/api/v1/rules?rule_name[]=High")["data"]["groups"]
        #expect(groups.elements.count == 1)
        #expect(groups[0]["rules"][0]["state"] == "firing")
        let table = try await Program.run([Instance.binnacle, "alerts", "--server", aggregate.queries])
        #expect(table.output.contains("firing") && table.output.contains("a is at 14"), "\(table.description)")
        try await set(1, aggregate)
        let told = directory.file("told")
        func words() -> [JSON] { ((try? HostFileSystem().text(told)) ?? "").split(separator: "\n").compactMap { try? JSON.parse(Array($0.utf8)) } }
        #expect(try await eventually(within: 20) { words().count >= 2 })
        #expect(words().first?["status"] == "firing")
        #expect(words().first?["alerts"][0]["labels"]["cluster"] == "home")
        #expect(words().last?["status"] == "resolved")
        #expect(try await aggregate.stop() == 0)
    }

    @Test func `files are read anew on a request and on SIGHUP, and bad ones change nothing`() async throws {
        let directory = TemporaryDirectory("alerts")
        let aggregate = try await start(Self.rules, "{}\n", in: directory, ["--no-default-alerts"])
        func names() async throws -> [String] {
            try await get("\(aggregate.queries)/api/v1/rules")["data"]["groups"].elements.flatMap { $0["rules"].elements.compactMap { $0["name"].string } }
        }
        #expect(try await names() == ["twice", "High"])
        try HostFileSystem().write(directory.file("rules.yml"), Array(Self.rules.replacing("High", with: "Low").utf8))
        #expect(try await aggregate.post("/-/reload", "") == "2 rules from 1 files\n200")
        #expect(try await names() == ["twice", "Low"])
        try HostFileSystem().write(directory.file("rules-2.yml"), Array("groups: [{name: h, rules: [{record: r, expr: 'sum('}, {expr: up}]}]\n".utf8))
        let refused = try await aggregate.post("/-/reload", "")
        #expect(refused.hasSuffix("500") && refused.contains("rule 1 (r), expr") && refused.contains("rule 2: one of record and alert"), "\(refused)")
        #expect(try await names() == ["twice", "Low"])
        let metrics = try await Program.run(["curl", "-sS", "\(aggregate.queries)/metrics"]).output
        #expect(metrics.contains("binnacle_rules_last_reload_successful 0\n"))
        // The port that answers queries changes nothing.
        let status = try await Program.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST", "\(aggregate.queries)/-/reload"]).output
        #expect(status == "404" || status == "405")
        try HostFileSystem().write(directory.file("rules-2.yml"), Array("groups: [{name: h, rules: [{record: r, expr: up}]}]\n".utf8))
        aggregate.process.kill(SIGHUP)
        #expect(try await eventually(within: 20) { try await names().contains("r") })
        #expect(try await aggregate.stop() == 0)
    }

    @Test func `a start with bad files says all that is wrong`() async throws {
        let directory = TemporaryDirectory("alerts")
        try HostFileSystem().write(directory.file("rules.yml"), Array("groups: [{name: h, rules: [{record: r, expr: 'sum('}, {expr: up}]}]\n".utf8))
        try HostFileSystem().write(directory.file("notify.yml"), Array("route: {receiver: nobody}\n".utf8))
        let outcome = try await Program.run([
            Instance.binnacle, "aggregate", "--data-dir", directory.file("data"), "--rules", directory.file("rules.yml"), "--notify",
            directory.file("notify.yml"),
        ])
        #expect(outcome.status == 2)
        for part in ["rule 1 (r), expr", "rule 2: one of record", "route.receiver"] { #expect(outcome.errors.contains(part), "\(outcome.errors)") }
        #expect(!HostFileSystem().exists(directory.file("data")), "nothing was made")
    }

    @Test(.enabled(if: DebianTool.hasAlertmanager, "scripts/setup --with-test-tools fetches Alertmanager"))
    func `an alert goes through the real Alertmanager and comes back on its API`() async throws {
        let directory = TemporaryDirectory("alertmanager")
        let port = 20_000 + FreePorts.offset(for: [20_000])
        try HostFileSystem().write(directory.file("am.yml"), Array("route: {receiver: none}\nreceivers: [{name: none}]\n".utf8))
        let process = try Program.spawn(
            DebianTool.inPlace + [
                DebianTool.alertmanager, "--config.file", directory.file("am.yml"), "--storage.path", directory.file("am"), "--web.listen-address",
                "127.0.0.1:\(port)", "--cluster.listen-address=",
            ], output: directory.file("am-out"), errors: directory.file("am-err"))
        defer { process.kill(SIGKILL) }
        let base = "http://127.0.0.1:\(port)"
        #expect(try await eventually(within: 20) { (try? await get("\(base)/api/v2/status"))?["versionInfo"].isNull == false })
        let policy = "alertmanagers: ['\(base)']\nexternal_labels: {cluster: home}\nexternal_url: http://here:10255\n"
        let aggregate = try await start(Self.rules, policy, in: directory)
        try await set(7, aggregate)
        var alert = JSON.null
        #expect(
            try await eventually(within: 30) {
                alert = try await get("\(base)/api/v2/alerts?filter=alertname=\"High\"")[0]
                return alert["status"]["state"] == "active"
            })
        #expect(alert["labels"] == ["alertname": "High", "cluster": "home", "host": "a", "severity": "page"])
        #expect(alert["annotations"]["summary"] == "a is at 14")
        #expect(alert["generatorURL"].string?.hasPrefix("http://here:10255/graph?g0.expr=twice%20%3E%2010") == true)
        #expect(try await get("\(aggregate.queries)/api/v1/alertmanagers")["data"]["activeAlertmanagers"][0]["url"] == .string("\(base)/api/v2/alerts"))
        // Its end comes through as well: Alertmanager shows what is active.
        try await set(1, aggregate)
        #expect(try await eventually(within: 30) { try await get("\(base)/api/v2/alerts?filter=alertname=\"High\"").elements.isEmpty })
        #expect(try await aggregate.stop() == 0)
    }
}
