@testable import Alerting
import Runtime
import TestKit
import Testing

@Suite struct AlertSourcesTests {
    private let directory = TemporaryDirectory("rules")

    private func write(_ name: String, _ text: String) throws { try HostFileSystem().write(directory.file(name), Array(text.utf8)) }

    private static func rules(_ name: String) -> String { "groups: [{name: \(name), rules: [{alert: A, expr: up == 0}]}]\n" }

    @Test func `wildcards name the files that are there, each once, in order`() throws {
        for name in ["b.yml", "a.yml", "c.yaml", ".hidden.yml"] { try write(name, Self.rules(name)) }
        let sources = AlertSources(rules: [directory.file("c.yaml"), directory.file("*.y*ml"), directory.file("none-*.yml")])
        let loaded = sources.load(from: HostFileSystem())
        #expect(loaded.errors == [])
        #expect(loaded.rules.map(\.path) == ["c.yaml", "a.yml", "b.yml"].map(directory.file))
        #expect(loaded.ruleCount == 3)
        #expect(loaded.queries == ["A": "up == 0"])
    }

    @Test func `all errors of all files are told at once`() throws {
        try write("bad.yml", "groups: [{name: g, rules: [{alert: A, expr: 'sum('}, {record: r}]}]\n")
        try write("policy.yml", "route: {receiver: nobody}\nalertmanagers: [mail]\n")
        let sources = AlertSources(
            rules: [directory.file("missing.yml"), directory.file("bad.yml")], policy: directory.file("policy.yml"), builtIn: Array("groups: 5".utf8))
        let errors = sources.load(from: HostFileSystem()).errors.map(\.description)
        for part in ["built-in alerts: groups", "missing.yml: cannot be read", "rule 1 (A), expr", "rule 2 (r), expr", "route.receiver", "alertmanagers[0]"] {
            #expect(errors.contains { $0.contains(part) }, "\(part) is not in \(errors)")
        }
    }

    @Test func `a file that changes, comes or goes changes the stamps`() throws {
        try write("a.yml", Self.rules("a"))
        let sources = AlertSources(rules: [directory.file("*.yml")], policy: directory.file("policy"))
        let first = sources.stamps(in: HostFileSystem())
        #expect(sources.stamps(in: HostFileSystem()) == first)
        try write("a.yml", Self.rules("other"))
        let second = sources.stamps(in: HostFileSystem())
        #expect(second != first)
        try write("policy", "{}")
        #expect(sources.stamps(in: HostFileSystem()) != second)
    }

    @Test(arguments: [
        ("a.yml", "*.yml", true), ("a.yml", "?.yml", true), ("ab.yml", "?.yml", false), ("a.yml", "[a-c].yml", true), ("d.yml", "[!a-c].yml", true),
        ("a.yml", "[!a-c].yml", false), ("axyml", "*.yml", false), (".a.yml", "*.yml", false), ("a+b", "a+b*", true),
    ])
    func `names match wildcards`(name: String, pattern: String, matches: Bool) { #expect(PathGlob.matches(name, pattern) == matches) }
}
