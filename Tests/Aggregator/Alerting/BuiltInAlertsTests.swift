@testable import Alerting
import PromQL
import Runtime
import Testing

/// The alerts that the program brings along, run by our own runner; RuleToolTests runs them by promtool too.
@Suite struct BuiltInAlertsTests {
    private static let here = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    private static let rulesPath = "\(here)/../../../Sources/App/binnacle/Alerts/default-rules.yaml"

    private func rules() throws -> RuleFile {
        let (file, errors) = RuleFile.parse(try HostFileSystem().read(Self.rulesPath), path: "default-rules.yaml")
        #expect(errors == [])
        return file
    }

    @Test func `each fires when it should and is quiet when it should`() async throws {
        let path = "\(Self.here)/RuleFiles/default-rules-test.yaml"
        let (file, errors) = RuleTestFile.parse(try HostFileSystem().read(path), path: path)
        #expect(errors == [])
        let failures = await RuleTestRunner(file: file, rules: [try rules()]).failures()
        #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
        // Every alert has such a test in which it fires.
        let fired = Set(file.tests.flatMap(\.alerts).filter { !$0.expected.isEmpty }.map(\.alert))
        #expect(fired == Set(try rules().groups.flatMap(\.rules).map(\.name)))
    }

    @Test func `each has a severity and a summary`() throws {
        for rule in try rules().groups.flatMap(\.rules) {
            guard case .alerting(let alert) = rule.kind else { continue }
            #expect(["critical", "warning", "info"].contains(rule.labels["severity"] ?? ""), "\(rule.name)")
            #expect(alert.annotations["summary"] != nil, "\(rule.name)")
        }
    }
}
