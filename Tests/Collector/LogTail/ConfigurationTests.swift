import LogParsing
import Telemetry
import Testing

@testable import LogTail

@Suite struct ConfigurationTests {
    private func read(_ text: String) throws(ConfigurationReader.Failure) -> LogTailConfiguration {
        try ConfigurationReader.read(Array(text.utf8), name: "logs.yml", readZone: { _ in nil }, redactionKey: [1])
    }

    @Test func `reads sources and rules, and a stream's annotations over them`() throws {
        let configuration = try read(
            """
            defaults: {multiline: java, redact: [bearer, {name: ticket, pattern: "T-[0-9]+"}]}
            sources:
              - files: [/var/log/app/*.log]
                exclude: /var/log/app/debug*
                labels: {job: app}
                ignore_older: 7d
                start: end
              - docker: /var/lib/docker/containers
              - journal: {units: [ssh.service]}
              - kernel: true
            rules:
              - {name: health, match: {namespace: shop}, drop: GET /healthz}
              - {match: {container: "side*"}, rate: 100, burst: 500}
            spool: {max_bytes: 2097152, when_full: drop_oldest}
            """)
        #expect(configuration.files.count == 1 && configuration.files[0].ignoreOlder == 604_800_000_000_000 && configuration.files[0].startsAtEnd)
        #expect(configuration.journal?.units == ["ssh.service"] && configuration.readsKernel && configuration.spool.whenFull == .dropOldest)
        let (options, problems) = configuration.options(
            labels: ["namespace": "shop", "container": "sidecar"],
            annotations: ["multiline": "none", "parser": "klog", "redact": "email", "nonsense": "x", "sample": "1/5"])
        #expect(problems == 1 && options.multiline == .none && options.form == .klog)
        #expect(options.rules.map(\.name) == ["health", "rules[1]", "sample"])
        #expect(options.redactor?.kinds == [.email] && options.redactor?.custom.map(\.name) == ["ticket"])
        #expect(configuration.options(labels: ["namespace": "other"], annotations: [:]).options.rules.isEmpty)
        #expect(configuration.options(labels: [:], annotations: ["exclude": "true"]).options.isExcluded)
    }

    @Test(arguments: [
        ("sourcs: []", "logs.yml:1: sourcs: is no key of this file; there are sources, rules, defaults, patterns, timezone and spool"),
        ("sources: [{}]", "logs.yml:1: sources[0]: needs one of files, pods, docker, podman, journal and kernel"),
        ("sources: [{files: var/log}]", "logs.yml:1: sources[0].files: var/log must begin with /"),
        ("sources: [{files: /a, ignore_older: soon}]", #"logs.yml:1: sources[0].ignore_older: is "soon", which is no duration; write 24h or 7d"#),
        ("rules: [{drop: '('}]", "logs.yml:1: rules[0].drop: drop is no regular expression"),
        ("rules: [{multiline: cobol}]", #"logs.yml:1: rules[0].multiline: multiline is "cobol"; write auto, none"#),
        ("defaults: {timezone: Mars/Base}", #"logs.yml:1: defaults.timezone: timezone is "Mars/Base", which is no zone of this machine"#),
        ("spool: {max_bytes: 5}", "logs.yml:1: spool.max_bytes: is 5; write a number of bytes, at least 1048576"), ("[1]", "logs.yml: the file is"),
        ("sources:\n  - docker: /var/lib\n    exclude: x", "logs.yml:3: sources[0].exclude: is no key of such a source; write it in a rule"),
        ("sources:\n  - pods: var/log", "logs.yml:2: sources[0].pods: var/log must begin with /"),
        ("sources:\n  - kernel: 1\n", "logs.yml:2: sources[0].kernel: is 1; write true or false"),
        ("sources: []\nrules:\n  - match: {job: a}\n    drop: a\n  - match: {job: b}\n    rate: fast\n", "logs.yml:6: rules[1].rate: is fast"),
        ("sources: [{journal: {unit: a}}]", "logs.yml:1: sources[0].journal.unit: is no key"), ("a: 1\n---\nb: 2\n", "logs.yml: it holds 2 documents"),
        ("rules: [{match: {restart: 1}, drop: a}]", "logs.yml:1: rules[0].match.restart: is 1, which is no text; put it in quotes"),
        ("rules: [{dorp: a}]", "logs.yml:1: rules[0].dorp: is no key of a rule"),
    ])
    func `says what is wrong, where, and how to mend it`(text: String, expected: String) {
        do throws(ConfigurationReader.Failure) {
            _ = try read(text)
            Issue.record("\(text) was accepted")
        } catch {
            #expect(error.problems.count == 1 && error.problems[0].hasPrefix(expected), "\(error)")
        }
    }

    @Test(arguments: [
        ("/var/log/*.log", "/var/log/a.log", true), ("/var/log/*.log", "/var/log/x/a.log", false), ("/var/**/a.log", "/var/x/y/a.log", true),
        ("/var/**/a.log", "/var/a.log", true), ("/a/[b-d]?", "/a/cx", true), ("/a/[!b-d]", "/a/c", false), ("/a/*b*c*", "/a/xxbyyc", true),
        ("/a/*b*c", "/a/xxbyycd", false),
    ])
    func `matches paths`(glob: String, path: String, expected: Bool) { #expect(Glob(glob).matches(path) == expected) }
}
