import Testing

@Suite struct StrayFileTests {
    static let topLevel: Set<String> = [
        "ARCHITECTURE.md", "Benchmarks", "CONTRIBUTING.md", "LICENSE", "Makefile", "Package.resolved", "Package.swift", "README.md", "Sources",
        "Tests", "dashboards", "demo", "docs", "scripts",
    ]

    @Test func `nothing lies at the top that is not in the list`() {
        for name in SourceTree.entries(".") {
            #expect(Self.topLevel.contains(name), "\(name) is in no list: add it to Tests/Tidy/StrayFileTests.swift or remove it")
        }
    }

    @Test func `every source file starts with code and no file is called Utils, Helper or Manager`() {
        for file in SourceTree.swiftFiles(under: "Sources") + SourceTree.swiftFiles(under: "Tests") {
            let name = file.split(separator: "/").last ?? ""
            for banned in ["Utils", "Helper", "Manager"] { #expect(!name.contains(banned), "\(file)") }
            #expect(!SourceTree.text(file).isEmpty, "\(file) is empty")
        }
    }

    @Test func `no test is switched off`() {
        for file in SourceTree.swiftFiles(under: "Tests") where !file.hasPrefix("Tests/Tidy") {
            let text = SourceTree.text(file)
            #expect(!text.contains(".disabled("), "\(file)")
        }
    }
}
