import Telemetry
import Testing

@testable import Scraping

@Suite struct ConfigurationTests {
    static func read(_ text: String) throws -> ScrapeFile { try ScrapeFile(Array(text.utf8), file: "/etc/scrape.yml") }

    @Test func `a file of Prometheus is understood`() throws {
        let file = try Self.read(
            """
            global: {scrape_interval: 30s, evaluation_interval: 1m, external_labels: {a: b}}
            rule_files: [x.yml]
            scrape_configs:
              - job_name: node
                scrape_timeout: 5s
                metrics_path: /m
                scheme: https
                params: {"match[]": [a, b]}
                honor_labels: true
                honor_timestamps: false
                sample_limit: 10
                body_size_limit: 2MB
                basic_auth: {username: u, password: p}
                tls_config: {ca_file: ca.pem, insecure_skip_verify: true}
                static_configs:
                  - targets: ['a:9100', "b:9100"]
                    labels: {dc: 1}
                file_sd_configs: [{files: [targets/*.json]}]
                http_sd_configs: [{url: "http://sd/", refresh_interval: 10s}]
                relabel_configs:
                  - {source_labels: [__address__], regex: "(.*):.*", target_label: host}
                  - {action: labeldrop, regex: dc}
              - job_name: pods
                scrape_interval: 1m30s
                kubernetes_sd_configs: [{role: pod}]
                authorization: {credentials_file: token}
            """)
        #expect(file.ignored == ["rule_files"])
        #expect(file.configurations.map(\.jobName) == ["node", "pods"])
        let node = file.configurations[0]
        #expect(node.interval == .seconds(30))
        #expect(node.timeout == .seconds(5))
        #expect(node.bodyBytesLimit == 2 << 20)
        #expect(node.authorization == .basic(user: "u", password: "p"))
        #expect(node.tls.authorityFile == "/etc/ca.pem")
        #expect(node.files.first?.files == ["/etc/targets/*.json"])
        #expect(node.staticTargets == [TargetGroup(targets: ["a:9100", "b:9100"], labels: ["dc": "1"])])
        #expect(node.targetRelabelling.count == 2)
        #expect(file.configurations[1].interval == .seconds(90))
        #expect(file.configurations[1].timeout == .seconds(10))
        #expect(file.configurations[1].authorization == .credentialsFile(type: "Bearer", path: "/etc/token"))
    }

    @Test(arguments: [
        ("scrape_configs: [{}]", "/etc/scrape.yml: scrape_configs[0].job_name: is missing, expected a name"),
        ("foo: 1", "/etc/scrape.yml: foo: is not known here; known are global and scrape_configs"),
        (
            "scrape_configs: [{job_name: a, scrape_interval: 5}]",
            "/etc/scrape.yml: scrape_configs[0].scrape_interval: is a number, expected a whole number and a unit, such as 15s"
        ),
        (
            "scrape_configs: [{job_name: a, scrape_interval: 5s, scrape_timeout: 6s}]",
            "/etc/scrape.yml: scrape_configs[0].scrape_timeout: is longer than scrape_interval"
        ),
        ("scrape_configs: [{job_name: a, foo: 1}]", "/etc/scrape.yml: scrape_configs[0].foo: is not known"),
        (
            "scrape_configs: [{job_name: a, ec2_sd_configs: []}]",
            "/etc/scrape.yml: scrape_configs[0].ec2_sd_configs: is not offered here: use static_configs, file_sd_configs, http_sd_configs or kubernetes_sd_configs"
        ),
        ("scrape_configs: [{job_name: a, scheme: ftp}]", "/etc/scrape.yml: scrape_configs[0].scheme: is \"ftp\", expected http or https"),
        (
            "scrape_configs: [{job_name: a}, {job_name: a}]",
            "/etc/scrape.yml: scrape_configs[1].job_name: is \"a\" a second time: give each job a name of its own"
        ),
        (
            "scrape_configs: [{job_name: a, static_configs: [{targets: ['http://x/']}]}]",
            "/etc/scrape.yml: scrape_configs[0].static_configs[0].targets: has \"http://x/\", which is no host:port: the scheme and the path have keys of their own"
        ),
        (
            "scrape_configs: [{job_name: a, relabel_configs: [{action: foo}]}]",
            "/etc/scrape.yml: scrape_configs[0].relabel_configs[0].action: is \"foo\", expected one of replace, keep, drop, keepequal, dropequal, hashmod, labelmap, labeldrop, labelkeep, lowercase, uppercase"
        ),
        (
            "scrape_configs: [{job_name: a, relabel_configs: [{}]}]",
            "/etc/scrape.yml: scrape_configs[0].relabel_configs[0].target_label: is missing, the action replace needs one"
        ),
    ])
    func `what is wrong is said with its place`(text: String, message: String) {
        let error = #expect(throws: ScrapeFileError.self) { try Self.read(text) }
        #expect(error?.description == message)
    }

    @Test func `a target's address, labels and parameters come from relabelling`() throws {
        var configuration = ScrapeConfiguration(jobName: "j")
        configuration.parameters = [("module", "a b"), ("module", "c")]
        configuration.targetRelabelling = [
            try RelabelRule(.replace, ["__address__"], target: "__param_target"),
            try RelabelRule(.replace, ["__param_target"], target: "instance"),
            try RelabelRule(.replace, [], target: "__address__", replacement: "exporter:9115"),
        ]
        let target = try #require(try ScrapeTarget.make(["__address__": "x:1", "__meta_y": "z", "dc": "1"], configuration).target)
        #expect(target.url == "http://exporter:9115/metrics?module=a%20b&module=c&target=x%3A1")
        #expect(target.labels == ["job": "j", "instance": "x:1", "dc": "1"])
        #expect(throws: ScrapeFileError.self) { try ScrapeTarget.make(["__address__": "a/b"], ScrapeConfiguration(jobName: "j")) }
        #expect(throws: ScrapeFileError.self) { try ScrapeTarget.make([:], ScrapeConfiguration(jobName: "j")) }
    }

    @Test func `annotations decide who is scraped, and where`() throws {
        var pod = AnnotatedObject(name: "p", namespace: "n", address: "10.0.0.1")
        pod.annotations = ["prometheus.io/scrape": "true", "prometheus.io/port": "9000", "prometheus.io/path": "/m"]
        pod.labels = ["app": "shop"]
        pod.ports = [.init(container: "c", name: "http", number: 80)]
        pod.node = "node1"
        var silent = AnnotatedObject(name: "q", namespace: "n", address: "10.0.0.2")
        silent.annotations = ["prometheus.io/scrape": "false"]
        let configuration = try ScrapeConfiguration.annotated(.pod)
        let made = try AnnotatedTargets.labels([pod, silent], .pod).map { try ScrapeTarget.make($0, configuration).target }
        #expect(made.count == 2)
        #expect(made[0]?.url == "http://10.0.0.1:9000/m")
        #expect(
            made[0]?.labels == [
                "job": "kubernetes-pods", "instance": "10.0.0.1:9000", "namespace": "n", "pod": "p", "container": "c", "node": "node1", "app": "shop",
            ])
        #expect(made[1] == nil)
    }

    @Test(arguments: [
        ("a.json", "*.json", true), ("a.yml", "*.json", false), ("abc", "a?c", true), ("ac", "a*c", true), ("abcb", "a*b", true), ("x", "", false),
    ])
    func `patterns of file names`(name: String, pattern: String, matches: Bool) {
        #expect(TargetList.matches(name, pattern) == matches)
    }

    @Test func `lists of targets are JSON or YAML`() throws {
        let groups = try TargetList.read(Array(#"[{"targets":["a:1"],"labels":{"x":"y"}}]"#.utf8), name: "a.json")
        #expect(groups == [TargetGroup(targets: ["a:1"], labels: ["x": "y"])])
        #expect(try TargetList.read(Array("- targets: [a:1]\n".utf8), name: "a.yml") == [TargetGroup(targets: ["a:1"])])
        #expect(throws: ScrapeFileError.self) { try TargetList.read(Array("{".utf8), name: "a.json") }
        #expect(throws: ScrapeFileError.self) { try TargetList.read(Array(#"[{"target":[]}]"#.utf8), name: "a.json") }
    }

    @Test func `ticks keep their place in the interval`() {
        let schedule = ScrapeSchedule(interval: .seconds(15), hash: 4321)
        #expect(schedule.tick(after: 0) == 4321)
        #expect(schedule.tick(after: 4321) == 19_321)
        #expect(schedule.tick(after: 100_000) == 109_321)
        #expect(schedule.tick(after: -1) == 4321)
        // Late by little is on time, late by more is late; so is a clock that went back.
        #expect(schedule.timestamp(tick: 4321, now: 4371) == 4321)
        #expect(schedule.timestamp(tick: 4321, now: 4400) == 4400)
        #expect(schedule.timestamp(tick: 4321, now: 4000) == 4000)
    }
}
