import Runtime
import Testing

@Suite struct ScriptTests {
    @Test(arguments: [
        "selectors", "ranges", "aggregations", "operators", "functions", "histograms", "subqueries", "extended", "fill", "lengths", "info", "windows", "names",
    ])
    func `a script's queries yield what it says`(name: String) async throws {
        let folder = String(#filePath.dropLast("ScriptTests.swift".count))
        let text = try HostFileSystem().text("\(folder)Scripts/\(name).test")
        let failures = try await QueryScript.run(text, name: name)
        #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
    }
}
